import type { WarmCounts } from '../../src/cache/l1/usage.ts'
import type { Improvement } from '../../src/warming/measurement.ts'

/**
 * Why a warm was not carried out. `off`, `killed`: the rollout says so. `disabled`: `enabled` of the warmer is false. `canary`: the
 * pair is not in the share of the pairs that warm, or the gate of the rollout says no. `control`: the update belongs to the
 * control group. `closed`: the warming or its cache is closed.
 */
export type WarmRefused = 'off' | 'killed' | 'closed' | 'disabled' | 'canary' | 'control'

/** The outcome of a warm: each pair that was attempted is in one of its counts. `timestamp` is in milliseconds since 1970. */
export interface WarmReport {
  /** False when a pair failed, or the warm was refused. */
  readonly success: boolean
  readonly pairsAttempted: number
  readonly pairsWarmed: number
  readonly pairsAlreadyInL1: number
  readonly pairsNotFound: number
  /** Pairs whose value in L2 is older than one that L1 has had. */
  readonly pairsRefused: number
  /** Pairs that L1 had no room for, as warms hold at most three tenths of it, or no id, as all were taken (MAX_PAIRS). */
  readonly pairsWithoutRoom: number
  /** Pairs of which L2 did not tell in time, or that the rollout kept out meanwhile. A value that comes later goes into L1. */
  readonly pairsFailed: number
  /** Undefined for a warm that was carried out. */
  readonly refused: WarmRefused | undefined
  readonly timedOut: boolean
  readonly durationMs: number
  /** The pair whose followers were warmed. */
  readonly sourcePair: string | undefined
  readonly timestamp: number
}

/** What one kind of warms brought. */
export interface StrategyStats {
  readonly operations: number
  /** Pairs that these warms brought into L1. */
  readonly warmed: number
  /** Those that were read before they left L1. */
  readonly used: number
  /** Those that left L1 unread. */
  readonly unused: number
  /** Read ÷ read or gone unread, 0 to 1. Undefined before any. */
  readonly accuracy: number | undefined
}

/** Counts of a warming since its start. */
export interface CacheWarmerStats {
  /** Warms that were carried out. One that finds nothing to warm, or whose pairs only a shadow gets, is in no count. */
  readonly totalWarmingOps: number
  readonly successfulOps: number
  /** Also those that were late: they say `timedOut`, and return what they have warmed. */
  readonly failedOps: number
  /** Operations that were refused. They are in no other count. */
  readonly refusedOps: number
  /** Successful operations ÷ all, 0 to 1. Undefined before the first. */
  readonly successRate: number | undefined
  readonly totalPairsAttempted: number
  readonly totalPairsWarmed: number
  readonly avgPairsPerOp: number | undefined
  readonly avgDurationMs: number | undefined
  readonly totalTimeMs: number
  /** The hit ratio after updates that were warmed for, less that of the control group; undefined without such a group. */
  readonly hitRateImprovement: Improvement | undefined
  /**
   * The warms by who asked: `correlation` and `prediction` are those for a pair or after a read, `manual` those by name. `operations`
   * are those of this warming; the pairs are those of all warmings beside the cache.
   */
  readonly byStrategy: Readonly<Record<string, StrategyStats>>
  /** Warms that reads asked for: used before they were evicted, or not. */
  readonly predicted: Readonly<WarmCounts>
  /** Reads from which nothing was learned, because MAX_TRACKED_PAIRS other pairs were being read. */
  readonly readsNotTracked: number
  /** Pairs that were not read for long and whose place was given to another. */
  readonly pairsRecycled: number
  /** Pairs that were not warmed, because as many waited already as L1 takes warms. */
  readonly pairsNotAsked: number
}
