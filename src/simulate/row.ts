import type { LookAheadMode } from '../strategy/named.ts'
import type { WarmingRatios } from '../warming/measurement.ts'
import type { PolicyName } from './policies/policies.ts'
import type { Counts } from './tally.ts'
import type { WarmingName } from './warmings/warmings.ts'

/** The settings of one simulation. */
export interface Combination {
  readonly policy: PolicyName
  readonly warming: WarmingName
  /** Slots ÷ distinct keys or pairs. */
  readonly capacity: number
  readonly slots: number
  readonly lookAhead: LookAheadMode
  readonly attribution: 'on' | 'off'
  /** Time from an update to its reads. */
  readonly delayMs: number
  /** Time from the request for a warm to its value. */
  readonly warmMs: number
}

/** The figures of one simulation; undefined if there is nothing to divide by. */
export interface SimulationRow extends Combination, WarmingRatios {
  readonly input: string
  readonly reads: number
  readonly hits: number
  readonly hitRatio: number
  /** Values brought in ahead of a read. */
  readonly warms: number
  readonly warmsUsed: number
  /** How long the simulation took. */
  readonly seconds: number
}

export interface Outcome {
  readonly input: string
  readonly combination: Combination
  readonly counts: Readonly<Counts>
  /** Misses of the same policy without warming. */
  readonly missesUnwarmed: number
  readonly seconds: number
}

export function rowOf({ input, combination, counts, missesUnwarmed, seconds }: Outcome): SimulationRow {
  const { policy, warming, capacity, slots, lookAhead, attribution, delayMs, warmMs } = combination
  const { reads, hits, warms, warmsUsed } = counts
  const misses = reads - hits
  const saved = missesUnwarmed - misses
  return {
    ...{ input, capacity, slots, policy, warming, lookAhead, attribution, delayMs, warmMs },
    ...{ reads, hits, hitRatio: reads === 0 ? 0 : hits / reads, warms, warmsUsed },
    accuracy: share(warmsUsed, warms),
    coverage: share(saved, missesUnwarmed),
    timeliness: share(warmsUsed, warmsUsed + counts.late),
    pollution: share(counts.polluted, misses),
    redundancy: share(counts.redundant, counts.requests),
    l2ReadsPerSavedMiss: saved > 0 ? counts.fetched / saved : undefined,
    seconds,
  }
}

function share(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole
}
