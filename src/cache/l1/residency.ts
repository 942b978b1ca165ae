/**
 * Which pairs hold a slot. Pairs that detectors read are kept by S3-FIFO (Yang and others, "FIFO queues are all you need
 * for cache eviction", SOSP 2023). Beside them stands a warm part, which borrows slots.
 *
 *   missed demand read ──► small queue (a tenth) ──read twice──► main queue (the rest)
 *                             │                                    ▲
 *                             └─ evicted: ghost ──missed again─────┘
 *   warm ──► warm part (first in, first out; at most `warmShare` of the slots) ──demand read──► small queue
 *
 * Warms by history stand in a queue of their own, as they wait longer for their reads. They count as warms otherwise.
 *
 * A warm takes a free slot, or else evicts a pair of the demand part. Once warms hold their share, it evicts the oldest
 * warm; a warm that is asked for again counts as the newest. A warm that is not read within its horizon gives its slot to
 * whoever needs one next. So useless warming costs next to nothing, useful warming may hold almost a third of the slots,
 * and nothing is evicted while slots are free.
 *
 * Slots are integers; the caller knows what they hold. There is one writer. `slotOfPair` (slot + 1; 0: not resident),
 * `pairOfSlot` (pair id + 1) and `reads` are passed in because readers of L1 in other threads use them, too. These count
 * their reads and move nothing. A warm that only they read becomes a demand entry when it would be evicted.
 */

import { PushedOut } from './pushed-out.ts'
import { Ghosts } from './queues/ghosts.ts'
import { NO_SLOT, SlotQueues } from './queues/slot-queues.ts'
import type { ResidencyOptions, Usage } from './usage.ts'
import { HORIZON_PARTS, QUEUES, WarmPart } from './warm-part.ts'

/** The queues that slots stand in, besides those of the warm part. */
const FREE = 0
const SMALL = 1
const MAIN = 2

/** The share of the small queue in the S3-FIFO paper. */
const SMALL_SHARE = 0.1
/** How often a pair must be read in the small queue for a place in the main queue, as in the paper. */
const READS_TO_STAY = 2
/** At most so many reads are counted for an entry, as in the paper. */
const MAX_READS = 3

export class Residency implements Usage {
  readonly slots: number
  limit: number
  warmLimit: number
  readonly warmCounts: Usage['warmCounts']
  readonly warmsByKind: Usage['warmsByKind']
  readonly warmsByCell: Usage['warmsByCell']
  evictions = 0
  expirations = 0
  readonly #warmShare: number
  readonly #slotOfPair: Int32Array
  readonly #pairOfSlot: Int32Array
  readonly #reads: Uint8Array
  readonly #onFree: (slot: number) => void
  readonly pushedOut: PushedOut
  readonly #queues: SlotQueues
  readonly #warms: WarmPart
  /** The queue of each slot. */
  readonly #part: Uint8Array
  readonly #ghosts: Ghosts
  /** Slots that were ever in use; those behind them are free, and in no queue, so that their memory is not touched. */
  #begun = 0
  #demandReads = 0
  #isWarming = false

  constructor(options: ResidencyOptions) {
    this.slots = options.slots
    this.limit = options.slots
    this.#warmShare = options.warmShare
    this.warmLimit = Math.floor(options.slots * options.warmShare)
    this.#slotOfPair = options.slotOfPair ?? new Int32Array(options.maxPairs)
    this.#pairOfSlot = options.pairOfSlot ?? new Int32Array(options.slots)
    this.#reads = options.reads ?? new Uint8Array(options.slots)
    this.#onFree = options.onFree ?? (() => undefined)
    this.pushedOut = new PushedOut(options.maxPairs)
    this.#queues = new SlotQueues(options.slots, QUEUES)
    this.#warms = new WarmPart(this.#queues, options.slots)
    this.warmCounts = this.#warms.tally.all
    this.warmsByKind = this.#warms.tally.byKind
    this.warmsByCell = this.#warms.tally.byCell
    this.#part = this.#queues.of
    this.#ghosts = new Ghosts(Math.max(1, Math.ceil(options.slots * (1 - SMALL_SHARE))))
  }

  /** The pair's slot, or -1. */
  slotOf(pairId: number): number {
    return (this.#slotOfPair[pairId] as number) - 1
  }

  get resident(): number {
    return this.#begun - (this.#queues.sizes[FREE] as number)
  }

  get warm(): number {
    return this.#warms.size
  }

  /** A demand read found the slot. */
  hit(slot: number): void {
    this.#demandReads++
    const reads = this.#reads[slot] as number
    if (this.#warms.has(slot)) this.#useWarm(slot)
    else if (reads < MAX_READS) this.#reads[slot] = reads + 1
  }

  /** A read will come soon: eviction passes the entry by once, as if it had been read. */
  expect(slot: number): void {
    const enough = this.#part[slot] === SMALL ? READS_TO_STAY : 1
    if (!this.#warms.has(slot) && (this.#reads[slot] as number) < enough) this.#reads[slot] = enough
  }

  /** The pair would be warmed again: its warm counts as a new one. */
  renew(slot: number): void {
    if (this.#warms.has(slot)) this.#warms.renew(slot, this.#demandReads)
  }

  /** A demand read found nothing. */
  miss(pairId: number): void {
    this.#demandReads++
    this.pushedOut.miss(pairId, this.#demandReads, this.#horizon)
  }

  /** Gives a slot to a pair that has none, by eviction if need be; -1 if the part has no room at all. */
  admit(pairId: number, as: 'demand' | 'warm', kind = 0): number {
    const slot = this.reserve(pairId, as, kind)
    if (slot >= 0) this.link(slot)
    return slot
  }

  /** As `admit`, but the pair is not found in the slot before `link`: until its value is there, an old one of it may be. */
  reserve(pairId: number, as: 'demand' | 'warm', kind = 0): number {
    if (as === 'warm' && this.warmLimit === 0) return NO_SLOT
    if (this.resident >= this.limit) this.#expireWarms()
    this.#isWarming = as === 'warm'
    if (as === 'warm' && this.warm >= this.warmLimit) this.#evictWarm()
    while (this.resident >= this.limit) this.#evictOne()
    this.#isWarming = false
    this.pushedOut.back(pairId)
    const free = this.#queues.takeHead(FREE)
    const slot = free === NO_SLOT ? this.#begun++ : free
    this.#pairOfSlot[slot] = pairId + 1
    this.#reads[slot] = 0
    if (as === 'warm') this.#warms.add(slot, kind, this.#demandReads)
    else this.#queues.push(slot, this.#ghosts.take(pairId) ? MAIN : SMALL)
    return slot
  }

  /** From now on the pair is found in the slot that was reserved for it. */
  link(slot: number): void {
    // It is ordered after the stores of the value, because readers in other threads look at it first (reader.ts).
    Atomics.store(this.#slotOfPair, (this.#pairOfSlot[slot] as number) - 1, slot + 1)
  }

  /** The pair is delisted: its slot becomes free, and its ghost is forgotten. */
  remove(pairId: number): void {
    this.#ghosts.take(pairId)
    const slot = this.slotOf(pairId)
    if (slot < 0) return
    if (this.#warms.has(slot)) this.#warms.count(slot, this.#reads[slot] === 0 ? 'dropped' : 'used')
    this.#free(slot)
  }

  /** Up to `limit` pairs that were not read since they came in and are next to be evicted, the first of them first. */
  coldest(limit: number): readonly number[] {
    const pairs: number[] = []
    for (let slot = this.#queues.tails[SMALL] as number; slot !== NO_SLOT && pairs.length < limit; ) {
      if (this.#reads[slot] === 0) pairs.push((this.#pairOfSlot[slot] as number) - 1)
      slot = this.#queues.previous[slot] as number
    }
    return pairs
  }

  /** The slot's value is too old to stay. */
  expire(slot: number): void {
    this.expirations++
    this.#leave(slot)
  }

  evict(slot: number): void {
    this.evictions++
    if (this.#isWarming) this.pushedOut.left((this.#pairOfSlot[slot] as number) - 1, this.#demandReads)
    this.#leave(slot)
  }

  #leave(slot: number): void {
    if (this.#warms.has(slot)) this.#warms.count(slot, this.#reads[slot] === 0 ? 'unused' : 'used')
    this.#free(slot)
  }

  /** As in FirstLevel. Whatever is beyond the new limits is evicted, warms first; at least one slot stays. */
  resize(slotShare: number, warmShare: number): void {
    this.limit = Math.max(1, Math.ceil(this.slots * slotShare))
    this.warmLimit = Math.floor(this.limit * this.#warmShare * warmShare)
    while (this.warm > this.warmLimit) this.#evictWarm()
    while (this.resident > this.limit) this.#evictOne()
  }

  get #horizon(): number {
    return this.warmLimit * HORIZON_PARTS
  }

  #expireWarms(): void {
    let slot = this.#warms.expired(this.#demandReads, this.warmLimit)
    while (slot !== NO_SLOT) {
      this.#evictWarm(slot)
      slot = this.#warms.expired(this.#demandReads, this.warmLimit)
    }
  }

  /** Evicts the warm, or makes it a demand entry if another thread has read it. */
  #evictWarm(slot = this.#warms.oldest): void {
    if (slot === NO_SLOT) return
    if (this.#reads[slot] === 0) this.evict(slot)
    else this.#useWarm(slot)
  }

  #useWarm(slot: number): void {
    this.#warms.count(slot, 'used')
    this.#queues.move(slot, SMALL)
    this.#reads[slot] = 0
  }

  #evictOne(): void {
    if (this.warm < this.resident) this.#evictDemand()
    else this.#evictWarm()
  }

  #evictDemand(): void {
    const demandSlots = this.limit - this.warm
    const smallTarget = Math.max(1, Math.floor(demandSlots * SMALL_SHARE))
    const isSmall = (this.#queues.sizes[SMALL] as number) >= smallTarget || this.#queues.sizes[MAIN] === 0
    if (!isSmall || !this.#evictSmall()) this.#evictMain()
  }

  /** False when every entry of the small queue had been read twice and was moved to the main queue. */
  #evictSmall(): boolean {
    for (let slot = this.#queues.tails[SMALL] as number; slot !== NO_SLOT; slot = this.#queues.tails[SMALL] as number) {
      if ((this.#reads[slot] as number) >= READS_TO_STAY) {
        this.#reads[slot] = 0
        this.#queues.move(slot, MAIN)
        continue
      }
      this.#ghosts.add((this.#pairOfSlot[slot] as number) - 1)
      this.evict(slot)
      return true
    }
    return false
  }

  #evictMain(): void {
    // Readers in other threads may go on counting, so the number of entries passed by is bounded.
    let left = this.slots * MAX_READS
    for (let slot = this.#queues.tails[MAIN] as number; slot !== NO_SLOT; slot = this.#queues.tails[MAIN] as number) {
      const reads = this.#reads[slot] as number
      if (reads === 0 || left-- === 0) {
        this.evict(slot)
        return
      }
      this.#reads[slot] = reads - 1
      this.#queues.move(slot, MAIN)
    }
  }

  #free(slot: number): void {
    Atomics.store(this.#slotOfPair, (this.#pairOfSlot[slot] as number) - 1, 0)
    this.#pairOfSlot[slot] = 0
    this.#queues.move(slot, FREE)
    this.#onFree(slot)
  }
}
