import type { LookAheadMode } from '../warming/look-ahead.ts'
import type { PolicyName } from './policies/policies.ts'
import type { Counts } from './tally.ts'
import type { WarmingName } from './warmings/warmings.ts'

/** One combination of what is simulated. */
export interface Combination {
  readonly policy: PolicyName
  readonly warming: WarmingName
  /** Of `keys`, 0 to 1. */
  readonly capacity: number
  readonly slots: number
  readonly lookAhead: LookAheadMode
  readonly attribution: 'on' | 'off'
  /** From an update to its reads. */
  readonly delayMs: number
  /** From a request for a warm to its value. */
  readonly warmMs: number
}

/** A line of `forewarm simulate --json`. `null`: there is nothing to divide by. */
export interface SimulationRow extends Combination {
  readonly input: string
  readonly reads: number
  readonly hits: number
  readonly hitRatio: number
  /** Values brought in ahead of a read. */
  readonly warms: number
  readonly warmsUsed: number
  /** Warms read before they left ÷ warms. */
  readonly accuracy: number | null
  /** Misses saved ÷ misses of the same policy without warming; below 0 where warming costs hits. */
  readonly coverage: number | null
  /** Used warms ÷ (used warms + those that a read was faster than). */
  readonly timeliness: number | null
  /** Misses on pairs that a warm had pushed out ÷ misses. */
  readonly pollution: number | null
  /** Requests for pairs that were resident ÷ requests. */
  readonly redundancy: number | null
  /** Values read from L2 for warms, also those that came too late ÷ misses saved. */
  readonly l2ReadsPerSavedMiss: number | null
  /** That the simulation took. */
  readonly seconds: number
}

export interface Outcome {
  readonly input: string
  readonly combination: Combination
  readonly counts: Readonly<Counts>
  /** Misses of the same without warming. */
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
    l2ReadsPerSavedMiss: saved > 0 ? counts.fetched / saved : null,
    seconds,
  }
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole
}
