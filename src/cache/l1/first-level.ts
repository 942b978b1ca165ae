import type { CachedPrice } from '../cached-price.ts'
import type { Usage } from './usage.ts'

export type UpdateOutcome = 'refreshed' | 'inserted' | 'floor-only' | 'older' | 'too-many-in-ms'
export type FillOutcome = 'filled' | 'already' | 'older'
export type PromoteOutcome = 'warmed' | 'already' | 'older' | 'no-room'

/**
 * The first level: numeric records in shared memory (l1.ts), or records as objects in an in-process store
 * (l1-objects.ts). Every write passes one gate: a version below the pair's floor is refused, whatever the level holds
 * now. "Newer than what is resident" is not enough: eviction forgets the version, and an older value from L2 would come
 * back.
 */
export interface FirstLevel {
  readonly slots: number
  readonly maxPairs: number
  /** The most that it takes. */
  readonly bytes: number
  /** What one value takes of it. */
  readonly entryBytes: number
  /** Slots in use, warms among them, and what became of both. */
  readonly usage: Readonly<Usage>
  /** Pairs whose values were read in the last part of their time since the owner last emptied the list. */
  readonly due: number[]
  /** How often the time is to be told; Infinity where nothing expires. */
  readonly tickMs: number
  /** Tells the time, in milliseconds; what has expired leaves. */
  tick(nowMs: number): void
  /** Memory is short, or no longer: the share of the slots that may be used, 0 to 1, and that of their usual part for warms. */
  resize(slotShare: number, warmShare: number): void
  has(pairId: number): boolean
  /** As `has`, when the pair is known to be read soon: where it is resident, it is not the next one to go. */
  expect(pairId: number): boolean
  /** A warm would be asked for again: where it is unread still, it is as new as one that comes now. */
  renew(pairId: number): void
  /** The lowest version still accepted, 0 where the pair never had one. */
  floor(pairId: number): number
  /** A demand read: counts for what stays. Fills `into` and tells whether the pair was there. */
  get(pairId: number, into: CachedPrice): boolean
  /** As `get`, without leaving a trace. */
  peek(pairId: number, into: CachedPrice): boolean
  /**
   * The version that an update of this event time gets: its place among the pair's updates of the same millisecond
   * counts up from 0. -1: the pair has had a newer event time; -2: more than 4,096 updates in one millisecond.
   */
  nextVersion(pairId: number, eventTimeMs: number): number
  /**
   * A price update, its numbers at `base` in `numbers`. It refreshes a resident pair, is kept while all known pairs
   * fit, and moves only the floor otherwise: residency is earned by reads and warms.
   */
  update(pairId: number, version: number, numbers: Float64Array, base: number): UpdateOutcome
  /** What a demand read that missed brought from further down. */
  fill(pairId: number, price: Readonly<CachedPrice>): FillOutcome
  /** A warm: into the warm part, unless the pair is resident. `kind`: its place in WARM_KINDS. */
  promote(pairId: number, price: Readonly<CachedPrice>, kind?: number): PromoteOutcome
  /** The pair is delisted: its value goes, its floor rises above it, so that not even its last value comes back late. */
  remove(pairId: number): void
  /** Up to `limit` pairs that were not read since they came, the oldest first. */
  coldest(limit: number): readonly number[]
  /** The pair's value leaves; its floor stays. */
  evict(pairId: number): void
}
