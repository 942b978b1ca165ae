import { DAY_HOURS, HOUR_MS } from '../../src/prediction/access-history.ts'
import { Predictor } from '../../src/prediction/predictor.ts'
import { highest, KINDS, type Proposal } from '../../src/prediction/proposal.ts'
import { FIRST_HOUR, LIVED_HOURS, type Pattern, type PlantedWeeks, plantedWeeks } from './planted-weeks.ts'

/** Each kind alone, all kinds as a node recommends them, and one that knows the true rates: more cannot be known. */
export const FORETELLERS = [...KINDS, 'recommended', 'rates known'] as const
export type Foreteller = (typeof FORETELLERS)[number]

export interface Foretold {
  /** Pairs that were named and read in the hour ÷ pairs that could be named. */
  readonly named: number
  /** Reads of named pairs ÷ reads. */
  readonly reads: number
}

/** For each hour, one pair in twenty is named. */
const SHARE = 0.05
/** Recommendations are asked for from so many hours before the day: the predictor learns which of its kinds is right. */
const LEARNING_HOURS = 72

/**
 * The predictor sees three weeks of reads. In the day after them, the surest twentieth of the pairs is named at the end of
 * each hour for the next one.
 */
export function foretold(
  pattern: Pattern,
  { pairs, seed }: { readonly pairs: number; readonly seed: number },
): Readonly<Record<Foreteller, Foretold>> {
  const weeks = plantedWeeks(pattern, { pairs, seed })
  const predictor = predictorOf(weeks)
  const limit = Math.round(pairs * SHARE)
  const firstHour = FIRST_HOUR + LIVED_HOURS
  const all = { named: limit * DAY_HOURS, reads: 0 }
  const found = new Map(FORETELLERS.map((name) => [name, { named: 0, reads: 0 }]))
  let ahead: Partial<Record<Foreteller, readonly number[]>> = {}
  for (let hour = FIRST_HOUR; hour < firstHour + DAY_HOURS; hour++) {
    const { rates, reads } = weeks.in(hour)
    if (hour >= firstHour) {
      all.reads += reads.reduce((sum, each) => sum + each, 0)
      const named = { ...ahead, 'rates known': highest(rates, limit) }
      for (const [name, counts] of found) add(counts, named[name] ?? [], reads)
    }
    const nowMs = hour * HOUR_MS
    predictor.tell(nowMs)
    for (const [pairId, times] of reads.entries()) if (times > 0) predictor.history.record(pairId, nowMs, times)
    if (hour >= firstHour - LEARNING_HOURS) ahead = namedBy(predictor, nowMs, limit)
  }
  const shares = [...found].map(([name, { named, reads }]) => [
    name,
    { named: named / all.named, reads: reads / all.reads },
  ])
  return Object.fromEntries(shares)
}

function add(counts: { named: number; reads: number }, pairIds: readonly number[], reads: Uint16Array): void {
  for (const pairId of pairIds) {
    const its = reads[pairId] as number
    counts.reads += its
    if (its > 0) counts.named++
  }
}

function predictorOf({ names }: PlantedWeeks): Predictor {
  const namesOf = (pairId: number) => names[pairId] ?? { chain: '', pair: '' }
  return new Predictor({ maxPairs: names.length, namesOf, idOf: () => -1 })
}

function namedBy(predictor: Predictor, nowMs: number, limit: number): Partial<Record<Foreteller, readonly number[]>> {
  const ahead = { lookAheadHours: 1, limit }
  const proposed: Partial<Record<Foreteller, readonly Proposal[]>> = {
    popular: predictor.popular(nowMs, limit),
    trending: predictor.trending(nowMs, { limit }),
    'time-of-day': predictor.timeOfDay(nowMs, ahead),
    session: predictor.sessions(nowMs, ahead),
    forecast: predictor.forecast(nowMs, { hours: 1, limit }),
    'sector-rotation': predictor.sectorRotation(nowMs, limit),
    recommended: predictor.recommendations(nowMs, ahead),
  }
  const pairIdsOf = (proposals: readonly Proposal[]) => [...new Set(proposals.map(({ pairId }) => pairId))]
  return Object.fromEntries(Object.entries(proposed).map(([name, proposals]) => [name, pairIdsOf(proposals)]))
}
