import { DAY_HOURS, HOUR_MS, WEEK_HOURS } from '../../src/prediction/access-history.ts'
import type { PairNames } from '../../src/prediction/patterns-document.ts'
import { isOpenAt, SESSIONS } from '../../src/prediction/sessions.ts'
import { mulberry32 } from '../../src/simulate/mulberry32.ts'

/**
 * Weeks of reads with a known pattern. A pair's reads in an hour are Poisson. Their rate is by Zipf(1) over a random
 * permutation of the pairs, times a factor that the pattern gives to the pair and the hour.
 */
export const PATTERNS = ['steady', 'daily', 'weekly', 'sessions', 'rising', 'sectors'] as const
export type Pattern = (typeof PATTERNS)[number]

export interface PlantedWeeks {
  /** The names of each pair. */
  readonly names: readonly PairNames[]
  /** For each pair, the reads expected in the hour and those that come. To be called for one hour after the other. */
  in(hour: number): { readonly rates: Float64Array; readonly reads: Uint16Array }
}

/** Monday, 5 January 2026, 00:00 UTC. */
export const FIRST_HOUR = Date.UTC(2026, 0, 5) / HOUR_MS
export const LIVED_HOURS = 3 * WEEK_HOURS

/** The average without the pattern. With many more, any twentieth of the pairs would be read in every hour. */
const READS_AN_HOUR_AND_PAIR = 0.2
/** In its time, a pair is read so many times as often as otherwise. */
const TIMES = 20
const WINDOW_HOURS = 4
const GROUP_PAIRS = 20
const TURN_HOURS = 6
/** The share of the pairs that begin, at different times of the last week, to be read more. */
const RISING_SHARE = 0.05

export function plantedWeeks(pattern: Pattern, { pairs, seed }: { pairs: number; seed: number }): PlantedWeeks {
  const random = mulberry32(seed)
  const bases = basesOf(pairs, random)
  const isTime = timesOf(pattern, pairs, random)
  const rates = new Float64Array(pairs)
  const reads = new Uint16Array(pairs)
  return {
    names: Array.from({ length: pairs }, (_, pairId) => nameOf(pattern, pairId)),
    in: (hour) => {
      for (let pairId = 0; pairId < pairs; pairId++) {
        rates[pairId] = (bases[pairId] as number) * (isTime(pairId, hour) ? TIMES : 1)
        reads[pairId] = poisson(rates[pairId] as number, random)
      }
      return { rates, reads }
    },
  }
}

/** Whether it is the pair's time. */
function timesOf(pattern: Pattern, pairs: number, random: () => number): (pairId: number, hour: number) => boolean {
  const anyOf = (count: number) => Math.floor(random() * count)
  const inWindow = (hour: number, begin: number) => (hour - begin + DAY_HOURS) % DAY_HOURS < WINDOW_HOURS
  switch (pattern) {
    case 'steady':
      return () => false
    case 'daily': {
      const begins = Array.from({ length: pairs }, () => anyOf(DAY_HOURS))
      return (pairId, hour) => inWindow(hour % DAY_HOURS, begins[pairId] as number)
    }
    case 'weekly': {
      const begins = Array.from({ length: pairs * 7 }, () => anyOf(DAY_HOURS))
      const dayOf = (hour: number) => Math.floor((hour % WEEK_HOURS) / DAY_HOURS)
      return (pairId, hour) => inWindow(hour % DAY_HOURS, begins[pairId * 7 + dayOf(hour)] as number)
    }
    case 'sessions':
      return (pairId, hour) =>
        SESSIONS.some((session, at) => at === pairId % SESSIONS.length && isOpenAt(session, hour))
    case 'rising': {
      const lastWeek = FIRST_HOUR + LIVED_HOURS - WEEK_HOURS
      const from = Array.from({ length: pairs }, () =>
        random() < RISING_SHARE ? lastWeek + anyOf(WEEK_HOURS) : Number.POSITIVE_INFINITY,
      )
      return (pairId, hour) => hour >= (from[pairId] as number)
    }
    case 'sectors': {
      const turns = Array.from({ length: (LIVED_HOURS + WEEK_HOURS) / TURN_HOURS }, () => anyOf(pairs / GROUP_PAIRS))
      return (pairId, hour) => Math.floor(pairId / GROUP_PAIRS) === turns[Math.floor((hour - FIRST_HOUR) / TURN_HOURS)]
    }
  }
}

/** Names that say more: the currency of a session, the group. */
function nameOf(pattern: Pattern, pairId: number): PairNames {
  const currency = pattern === 'sessions' ? SESSIONS[pairId % SESSIONS.length]?.currencies[0] : undefined
  const pair = currency === undefined ? `P${pairId}` : `P${pairId}/${currency}`
  const group = pattern === 'sectors' ? `G${Math.floor(pairId / GROUP_PAIRS)}` : undefined
  return { chain: 'planted', pair, group }
}

function basesOf(pairs: number, random: () => number): Float64Array {
  const order = Array.from({ length: pairs }, (_, pairId) => ({ pairId, at: random() })).sort((a, b) => a.at - b.at)
  const bases = new Float64Array(pairs)
  let sum = 0
  for (let rank = 1; rank <= pairs; rank++) sum += 1 / rank
  for (const [rank, { pairId }] of order.entries())
    bases[pairId] = (READS_AN_HOUR_AND_PAIR * pairs) / (sum * (rank + 1))
  return bases
}

/** Draws from a Poisson distribution by products of random numbers (Knuth), in pieces that do not underflow. */
function poisson(mean: number, random: () => number): number {
  const PIECE = 200
  let left = mean
  let count = 0
  while (left > 0) {
    const limit = Math.exp(-Math.min(left, PIECE))
    for (let product = random(); product > limit; product *= random()) count++
    left -= PIECE
  }
  return count
}
