import type { LookAheadMode } from '../warming/look-ahead.ts'
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

/** The figures of one simulation; undefined where there is nothing to divide by. */
export interface SimulationRow extends Combination {
  readonly input: string
  readonly reads: number
  readonly hits: number
  readonly hitRatio: number
  /** Values brought in ahead of a read. */
  readonly warms: number
  readonly warmsUsed: number
  /** Warms read before they left ÷ warms. */
  readonly accuracy: number | undefined
  /** Misses saved ÷ misses of the same policy without warming; below 0 where warming costs hits. */
  readonly coverage: number | undefined
  /** Used warms ÷ (used warms + late ones: a read came while the value was on its way). */
  readonly timeliness: number | undefined
  /** Misses on pairs that a warm had evicted ÷ misses. */
  readonly pollution: number | undefined
  /** Requests for resident pairs ÷ requests. */
  readonly redundancy: number | undefined
  /** Values read from L2 for warms, late ones too ÷ misses saved. */
  readonly l2ReadsPerSavedMiss: number | undefined
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

/** A line of `forewarm simulate --json`: what is undefined in the row is `null` there. */
export function rowJson(row: SimulationRow): string {
  return JSON.stringify(row, (_, value) => value ?? null)
}

function share(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole
}
