import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { type CachedPrice, writeNumbers } from '../cached-price.ts'
import { atLeastAsOf, decidedNow, mergedMoment, type Origin } from '../sources/decided.ts'
import { FOLLOWS, NEVER, type Sources, UNKNOWN_SOURCE } from '../sources/sources.ts'
import { Expiry } from './expiry.ts'
import type { FillOutcome, FirstLevel, PromoteOutcome, UpdateOutcome } from './first-level.ts'
import { Floors } from './floors.ts'
import { createL1Memory, type L1Memory, type L1Size, PAIR_BYTES, SLOT_BYTES } from './memory.ts'
import { Residency } from './residency.ts'
import { Copies, Moments } from './slot-values.ts'
import type { Usage } from './usage.ts'

/**
 * The first level: prices in shared memory (memory.ts draws it), with one writer thread and any number of reader threads
 * (reader.ts).
 *
 *   copy 0 │ version 7 │ price … │ tag │      generation 8: copy 0 is valid (8 & 1 = 0)
 *   copy 1 │ version 6 │ price … │ tag │  ◄── the next write goes here, then generation 9
 *
 * The writer fills the copy that is not valid, then publishes it by storing the next generation. It stores every word of
 * a copy through Atomics. A reader in another thread loads the generation, the copy, and the generation again: it has one
 * whole price, or a changed generation and reads again. A pair gets a slot after its value is valid there. Reads on the
 * writer's own thread are plain: nothing can come in between.
 */

export const DEFAULT_WARM_SHARE = 0.3

export interface L1Options extends L1Size {
  /** 0 to 1: the most of the slots that warms may hold; 0.3 unless given. */
  readonly warmShare?: number
  /** How long a value stays; for ever unless given. The rest is explained in expiry.ts. */
  readonly ttlMs?: number
  readonly l2TtlMs?: number
  readonly refreshThreshold?: number
  /** The partitions that values come from. */
  readonly sources?: Sources
}

export class L1 implements FirstLevel {
  readonly slots: number
  readonly maxPairs: number
  /** Slots, index and floors together. */
  readonly bytes: number
  readonly #memory: L1Memory
  readonly #residency: Residency
  readonly #expiry: Expiry
  readonly due: number[] = []
  readonly #floors: Floors
  readonly #pairOfSlot: Int32Array
  readonly #copies: Copies
  readonly #moments: Moments
  /** The numbers of the price that is being put. */
  readonly #numbers = new Float64Array(NUMBER_COUNT)

  constructor(options: L1Options) {
    const { slots, maxPairs, warmShare = DEFAULT_WARM_SHARE } = options
    this.slots = slots
    this.maxPairs = maxPairs
    this.#memory = createL1Memory({ slots, maxPairs })
    this.#floors = new Floors(this.#memory.floors)
    this.#pairOfSlot = this.#memory.pairOfSlot
    this.#copies = new Copies(this.#memory)
    this.#moments = new Moments(this.#memory, options.sources)
    this.bytes = slots * SLOT_BYTES + maxPairs * PAIR_BYTES
    this.#expiry = new Expiry(options)
    this.#residency = new Residency({ ...this.#memory, warmShare, onFree: (slot) => this.#freed(slot) })
  }

  /** For an L1Reader in another thread. */
  get buffer(): SharedArrayBuffer {
    return this.#memory.buffer
  }

  get usage(): Readonly<Usage> {
    return this.#residency
  }

  get usedBytes(): number {
    return this.usage.resident * SLOT_BYTES
  }

  get tickMs(): number {
    return this.#expiry.tickMs
  }

  tick(nowMs: number): void {
    if (!this.#expiry.advance(nowMs)) return
    for (let slot = this.#expiry.nextExpired(0); slot >= 0; slot = this.#expiry.nextExpired(slot + 1))
      this.#residency.expire(slot)
  }

  resize(slotShare: number, warmShare: number): void {
    this.#residency.resize(slotShare, warmShare)
  }

  has(pairId: number): boolean {
    return this.#residency.slotOf(pairId) >= 0
  }

  expect(pairId: number): boolean {
    const slot = this.#residency.slotOf(pairId)
    if (slot < 0) return false
    this.#residency.expect(slot)
    return true
  }

  renew(pairId: number): void {
    const slot = this.#residency.slotOf(pairId)
    if (slot >= 0) this.#residency.renew(slot)
  }

  floor(pairId: number): number {
    return this.#floors.of(pairId)
  }

  get(pairId: number, into: CachedPrice): boolean {
    const slot = this.#residency.slotOf(pairId)
    if (slot < 0) {
      this.#residency.miss(pairId)
      return false
    }
    this.#residency.hit(slot)
    if (this.#expiry.isDue(slot)) this.due.push(pairId)
    this.#copy(slot, into)
    return true
  }

  peek(pairId: number, into: CachedPrice): boolean {
    const slot = this.#residency.slotOf(pairId)
    if (slot >= 0) this.#copy(slot, into)
    return slot >= 0
  }

  nextVersion(pairId: number, eventTimeMs: number, place?: number): number {
    return this.#floors.nextVersion(pairId, eventTimeMs, place)
  }

  update(pairId: number, version: number, numbers: Float64Array, base: number, source = UNKNOWN_SOURCE): UpdateOutcome {
    if (version < this.#floors.of(pairId)) return 'older'
    this.#floors.raise(pairId, version)
    let slot = this.#residency.slotOf(pairId)
    const resident = slot >= 0
    if (!resident) {
      // While all known pairs fit, every update is kept.
      if (this.#floors.known > this.#residency.limit) return 'floor-only'
      slot = this.#residency.reserve(pairId, 'demand')
    }
    this.#expiry.written(slot)
    const isFollowed = this.#moments.sources.isFollowed(source)
    if (!resident) this.#moments.set(slot, NEVER)
    // The moment of the source before it was that of this value, too. That of another source need not be.
    else if (!isFollowed && this.#copies.sourceAt(slot) !== source)
      this.#moments.suspend(slot, this.#copies.sourceAt(slot))
    this.#copies.publish(slot, version, numbers, base, source)
    if (isFollowed) this.#moments.set(slot, FOLLOWS)
    if (!resident) this.#residency.link(slot)
    return resident ? 'refreshed' : 'inserted'
  }

  fill(pairId: number, loaded: Readonly<CachedPrice>): FillOutcome {
    if (loaded.version < this.#floors.of(pairId)) return 'older'
    const price = decidedNow(loaded, this.#moments.sources)
    const slot = this.#residency.slotOf(pairId)
    const held = slot >= 0 ? this.#copies.versionAt(slot) : -1
    if (held > price.version) return 'already'
    // The same value may be known to be the newest as of a later moment, also by a source into which others were merged.
    if (held === price.version && price.asOfMs <= this.#moments.of(slot)) this.#expiry.filled(slot, price.eventTimeMs)
    else if (slot >= 0) this.#put(slot, pairId, atLeastAsOf(price, this.#originAt(slot), this.#moments.sources))
    else this.#insert(this.#residency.reserve(pairId, 'demand'), pairId, price)
    return held === price.version ? 'already' : 'filled'
  }

  promote(pairId: number, price: Readonly<CachedPrice>, kind = 0): PromoteOutcome {
    if (price.version < this.#floors.of(pairId)) return 'older'
    let slot = this.#residency.slotOf(pairId)
    if (slot >= 0) {
      if (price.version > this.#copies.versionAt(slot)) this.#put(slot, pairId, price)
      return 'already'
    }
    slot = this.#residency.reserve(pairId, 'warm', kind)
    if (slot < 0) return 'no-room'
    this.#insert(slot, pairId, price)
    return 'warmed'
  }

  remove(pairId: number, floor?: number): void {
    this.#residency.remove(pairId)
    this.#floors.delist(pairId, floor)
  }

  coldest(limit: number): readonly number[] {
    return this.#residency.coldest(limit)
  }

  evict(pairId: number): void {
    const slot = this.#residency.slotOf(pairId)
    if (slot >= 0) this.#residency.evict(slot)
  }

  isKnown(pairId: number): boolean {
    return this.#floors.isKnown(pairId)
  }

  forget(pairId: number): void {
    this.remove(pairId)
    this.#floors.forget(pairId)
    this.#residency.pushedOut.back(pairId)
    this.#copies.forget(pairId)
  }

  suspend(pairId: number): void {
    const slot = this.#residency.slotOf(pairId)
    if (slot >= 0) this.#moments.suspend(slot, this.#copies.sourceAt(slot))
  }

  suspendSources(sources: ReadonlySet<number>): void {
    for (const slot of this.#taken()) {
      const source = this.#copies.sourceAt(slot)
      if (sources.has(source)) this.#moments.suspend(slot, source)
    }
  }

  resolveSources(): void {
    const { sources } = this.#moments
    for (const slot of this.#taken()) {
      const from = this.#copies.sourceAt(slot)
      const into = sources.resolve(from)
      if (into === from) continue
      // Another thread must not see the moment of the new source before this.
      this.#moments.set(slot, mergedMoment(this.#moments.of(slot), [from, into], sources))
      this.#copies.setSource(slot, into)
    }
  }

  followedPairs(): number {
    let followed = 0
    for (const slot of this.#taken()) if (this.#moments.sources.isFollowed(this.#copies.sourceAt(slot))) followed++
    return followed
  }

  /** The slots that have a pair. The memory of the others may never have been touched, and is not now. */
  *#taken(): Iterable<number> {
    let left = this.#residency.resident
    for (let slot = 0; left > 0 && slot < this.slots; slot++) {
      if (this.#pairOfSlot[slot] === 0) continue
      left--
      yield slot
    }
  }

  #originAt(slot: number): Origin {
    return { source: this.#copies.sourceAt(slot), asOfMs: this.#moments.of(slot), epoch: this.#moments.sources.epoch }
  }

  #copy(slot: number, into: CachedPrice): void {
    this.#copies.read(slot, into)
    into.asOfMs = this.#moments.of(slot)
    into.epoch = this.#moments.sources.epoch
  }

  #freed(slot: number): void {
    this.#expiry.freed(slot)
    // A reader in another thread may still be about to read the slot, and the pair may get a newer value elsewhere. The reader
    // must not see a later moment of the source with the old value. It loads the slot's moment after that of the source.
    this.#moments.set(slot, NEVER)
  }

  /** Until the moment of the new value is set, another thread must not see that of the pair that had the slot before. */
  #insert(slot: number, pairId: number, price: Readonly<CachedPrice>): void {
    this.#moments.set(slot, NEVER)
    this.#put(slot, pairId, price)
    this.#residency.link(slot)
  }

  #put(slot: number, pairId: number, loaded: Readonly<CachedPrice>): void {
    const price = decidedNow(loaded, this.#moments.sources)
    writeNumbers(price, this.#numbers, 0)
    this.#floors.raise(pairId, price.version)
    this.#expiry.filled(slot, price.eventTimeMs)
    // With the old value, another thread may see the earlier of the two moments, never the later.
    this.#moments.lower(slot, price.asOfMs)
    this.#copies.publish(slot, price.version, this.#numbers, 0, price.source)
    this.#moments.set(slot, price.asOfMs)
  }
}
