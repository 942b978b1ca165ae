import type { CachedPrice } from '../cached-price.ts'
import type { StoredJson } from '../values/stored-json.ts'
import type { Usage } from './usage.ts'

export type UpdateOutcome = 'refreshed' | 'inserted' | 'floor-only' | 'older' | 'too-many-in-ms'
export type FillOutcome = 'filled' | 'already' | 'older'
export type PromoteOutcome = 'warmed' | 'already' | 'older' | 'no-room'

/**
 * The first level: prices in shared memory (l1.ts), or as objects in an in-process store (objects.ts). Every write passes
 * one gate: a version below the pair's floor is refused, whatever the level holds now. To compare with the resident
 * version is not enough: eviction forgets it, and an older value from L2 would come back.
 */
export interface FirstLevel {
  readonly slots: number
  readonly maxPairs: number
  /** The most memory that the level takes. */
  readonly bytes: number
  /** What the values take of that now. */
  readonly usedBytes: number
  /** How many slots are in use, how many of them by warms, and what became of both. */
  readonly usage: Readonly<Usage>
  /** Pairs whose values were read in the last part of their time. The owner empties the list. */
  readonly due: number[]
  /** How often the owner tells the time; Infinity when nothing expires. */
  readonly tickMs: number
  /** Tells the time, in milliseconds; expired values leave. */
  tick(nowMs: number): void
  /** Memory is short, or no longer: the shares, 0 to 1, of the slots and of their usual warm part that may be used. */
  resize(slotShare: number, warmShare: number): void
  has(pairId: number): boolean
  /** As `has`, for a pair that will be read soon: if it is resident, it is not the next to be evicted. */
  expect(pairId: number): boolean
  /** A pair would be warmed again: if its warm is still unread, it counts as a new one. */
  renew(pairId: number): void
  /** The lowest version still accepted; 0 if the pair never had one. */
  floor(pairId: number): number
  /** A demand read, which counts for residency. Fills `into` and tells whether the pair was there. */
  get(pairId: number, into: CachedPrice): boolean
  /** As `get`, but nothing is counted. */
  peek(pairId: number, into: CachedPrice): boolean
  /**
   * The version that an update of this event time gets. Places among the pair's updates of one millisecond count up from
   * `place`, 0 unless given. -1: the pair has had a newer event time; -2: that millisecond has no place left.
   */
  nextVersion(pairId: number, eventTimeMs: number, place?: number): number
  /**
   * A price update, its numbers at `base` in `numbers`. It refreshes a resident pair. The value of another pair is kept
   * while all known pairs fit; after that only the floor moves, because residency is earned by reads and warms.
   * `source`: the partition that it comes from; unknown unless given. `json`: what belongs to it beside the numbers; shared memory
   * does not keep that.
   */
  update(
    pairId: number,
    version: number,
    numbers: Float64Array,
    base: number,
    source?: number,
    json?: StoredJson,
  ): UpdateOutcome
  /** The value that a missed demand read brought from L2 or L3. */
  fill(pairId: number, price: Readonly<CachedPrice>): FillOutcome
  /** A warm: it goes into the warm part, unless the pair is resident. `kind`: a place in WARM_KINDS, or a `warmCode`. */
  promote(pairId: number, price: Readonly<CachedPrice>, kind?: number): PromoteOutcome
  /**
   * The pair is delisted, or L2 has something newer: its value leaves. Its floor rises above that value, so that even that
   * one is refused, and to `floor`.
   */
  remove(pairId: number, floor?: number): void
  /** Newer values may exist: the value stays, and so does the moment as of which it was the newest. */
  suspend(pairId: number): void
  /** As `suspend`, for all values of these sources. It is called before the node gets or loses them. */
  suspendSources(sources: ReadonlySet<number>): void
  /** Sources were merged: values get the source that theirs is now. */
  resolveSources(): void
  /** How many resident pairs have values of a source that the node follows. It looks at every slot. */
  followedPairs(): number
  /** Up to `limit` pairs that were not read since they came in, the oldest first. */
  coldest(limit: number): readonly number[]
  /** The pair's value leaves; its floor stays. */
  evict(pairId: number): void
  /** Whether the pair has had a value and was not delisted since. */
  isKnown(pairId: number): boolean
  /** The id goes to another pair: value and floor leave, and no reader in another thread takes the one's value for the other's. */
  forget(pairId: number): void
}
