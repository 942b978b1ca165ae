import { NUMBER_COUNT } from '../../schemas/price-update.ts'
import type { PriceRecord } from './price-record.ts'
import { VERSIONS_PER_MS } from './price-record.ts'
import { Residency, type WarmCounts } from './residency.ts'

/**
 * The first level: numeric price records in shared memory, one writer thread, any number of readers.
 *
 *   floors      8 B a pair     the lowest version still accepted; outlives eviction and delisting
 *   isKnown     1 B a pair     1: the pair has had a value since it was last delisted
 *   slotOfPair  4 B a pair     slot + 1, 0: not resident
 *   pairOfSlot  4 B a slot     pair id + 1, 0: free
 *   generation  4 B a slot     which of the two copies is valid: generation & 1
 *   copies      2 × 64 B a slot
 *
 *   copy        0        8      16    24    32        40        48         56        60
 *               version  price  bid   ask   reserve0  reserve1  liquidity  pair id   –
 *
 * The writer fills the copy that nobody reads, then publishes it by storing the next generation; every word of a copy
 * is stored through Atomics, so that a reader in another thread that loads the generation, the copy, and the
 * generation again has either one whole record or a changed generation (then it reads again).
 * Reads on the writer's own thread are plain: nothing can come between.
 *
 * Every write passes one gate: a version below the pair's floor is refused, whatever L1 holds now. "Newer than what is
 * resident" is not enough: eviction forgets the version, and an older value from L2 would come back.
 */

const WORDS = 16
const COPY_BYTES = WORDS * 4
const VERSION_DOUBLES = 1
const PAIR_WORD = 14
/** Two copies, generation, pair, and the residency's own queues, counters and birth (10 + 8 B). */
export const SLOT_BYTES = 2 * COPY_BYTES + 4 + 4 + 18
/** Floor, slot, and whether it is known. */
export const PAIR_BYTES = 8 + 4 + 1
export const DEFAULT_WARM_SHARE = 0.3

export interface L1Options {
  readonly slots: number
  readonly maxPairs: number
  /** 0 to 1: the most of the slots that warms may hold; 0.3 unless given. */
  readonly warmShare?: number
}

/** The slots that fit into so many megabytes beside what `maxPairs` pairs need; at least half of it is for slots. */
export function slotsIn(megabytes: number, maxPairs: number): number {
  const bytes = megabytes * 1024 * 1024
  return Math.max(1, Math.floor(Math.max(bytes / 2, bytes - maxPairs * PAIR_BYTES) / SLOT_BYTES))
}

export type UpdateOutcome = 'refreshed' | 'inserted' | 'floor-only' | 'older' | 'too-many-in-ms'
export type FillOutcome = 'filled' | 'already' | 'older'
export type PromoteOutcome = 'warmed' | 'already' | 'older' | 'no-room'

export class L1 {
  readonly slots: number
  readonly maxPairs: number
  readonly bytes: number
  readonly #residency: Residency
  readonly #floors: Float64Array
  readonly #generations: Int32Array
  readonly #words: Int32Array
  readonly #doubles: Float64Array
  readonly #scratch = new Float64Array(WORDS / 2)
  readonly #scratchWords = new Int32Array(this.#scratch.buffer)
  readonly #isKnown: Uint8Array
  /** While all known pairs fit, every update is kept. */
  #known = 0

  constructor(options: L1Options) {
    this.slots = options.slots
    this.maxPairs = options.maxPairs
    const slotOfPair = new Int32Array(new SharedArrayBuffer(options.maxPairs * 4))
    const pairOfSlot = new Int32Array(new SharedArrayBuffer(options.slots * 4))
    const copies = new SharedArrayBuffer(options.slots * 2 * COPY_BYTES)
    this.#floors = new Float64Array(new SharedArrayBuffer(options.maxPairs * 8))
    this.#generations = new Int32Array(new SharedArrayBuffer(options.slots * 4))
    this.#words = new Int32Array(copies)
    this.#doubles = new Float64Array(copies)
    this.#isKnown = new Uint8Array(options.maxPairs)
    this.bytes = options.slots * SLOT_BYTES + options.maxPairs * PAIR_BYTES
    const { slots, maxPairs, warmShare = DEFAULT_WARM_SHARE } = options
    this.#residency = new Residency({ slots, maxPairs, warmShare, slotOfPair, pairOfSlot })
  }

  get resident(): number {
    return this.#residency.resident
  }

  /** Slots that hold warms now, and the most that may. */
  get warm(): number {
    return this.#residency.warm
  }

  get warmLimit(): number {
    return this.#residency.warmLimit
  }

  get warmCounts(): Readonly<WarmCounts> {
    return this.#residency.warmCounts
  }

  get evictions(): number {
    return this.#residency.evictions
  }

  has(pairId: number): boolean {
    return this.#residency.slotOf(pairId) >= 0
  }

  /** As `has`, when the pair is known to be read soon: where it is resident, it is not the next one to go. */
  expect(pairId: number): boolean {
    const slot = this.#residency.slotOf(pairId)
    if (slot < 0) return false
    this.#residency.expect(slot)
    return true
  }

  /** The lowest version still accepted, 0 where the pair never had one. */
  floor(pairId: number): number {
    return this.#floors[pairId] as number
  }

  /** A demand read: counts for what stays. Fills `into` and tells whether the pair was there. */
  get(pairId: number, into: PriceRecord): boolean {
    const slot = this.#residency.slotOf(pairId)
    if (slot < 0) {
      this.#residency.miss()
      return false
    }
    this.#residency.hit(slot)
    this.#copy(slot, into)
    return true
  }

  /** As `get`, without leaving a trace. */
  peek(pairId: number, into: PriceRecord): boolean {
    const slot = this.#residency.slotOf(pairId)
    if (slot < 0) return false
    this.#copy(slot, into)
    return true
  }

  /**
   * The version that an update of this event time gets: its place among the pair's updates of the same millisecond
   * counts up from 0. -1: the pair has had a newer event time; -2: more than 4,096 updates in one millisecond.
   */
  nextVersion(pairId: number, eventTimeMs: number): number {
    const first = eventTimeMs * VERSIONS_PER_MS
    const floor = this.#floors[pairId] as number
    if (floor < first) return first
    if (floor >= first + VERSIONS_PER_MS) return -1
    return floor + 1 < first + VERSIONS_PER_MS ? floor + 1 : -2
  }

  /**
   * A price update, its numbers at `base` in `numbers`. It refreshes a resident pair, is kept while all known pairs
   * fit, and moves only the floor otherwise: residency is earned by reads and warms.
   */
  update(pairId: number, version: number, numbers: Float64Array, base: number): UpdateOutcome {
    if (version < (this.#floors[pairId] as number)) return 'older'
    this.#meet(pairId)
    this.#floors[pairId] = version
    let slot = this.#residency.slotOf(pairId)
    const resident = slot >= 0
    if (!resident) {
      if (this.#known > this.slots) return 'floor-only'
      slot = this.#residency.admit(pairId, 'demand')
    }
    const scratch = this.#scratch
    scratch[0] = version
    for (let f = 0; f < NUMBER_COUNT; f++) scratch[VERSION_DOUBLES + f] = numbers[base + f] as number
    this.#publish(slot, pairId)
    return resident ? 'refreshed' : 'inserted'
  }

  /** What a demand read that missed brought from further down. */
  fill(pairId: number, record: Readonly<PriceRecord>): FillOutcome {
    if (record.version < (this.#floors[pairId] as number)) return 'older'
    const slot = this.#residency.slotOf(pairId)
    if (slot >= 0 && this.#versionAt(slot) >= record.version) return 'already'
    this.#put(slot >= 0 ? slot : this.#residency.admit(pairId, 'demand'), pairId, record)
    return 'filled'
  }

  /** A warm: into the warm part, unless the pair is resident. */
  promote(pairId: number, record: Readonly<PriceRecord>): PromoteOutcome {
    if (record.version < (this.#floors[pairId] as number)) return 'older'
    let slot = this.#residency.slotOf(pairId)
    if (slot >= 0) {
      if (record.version > this.#versionAt(slot)) this.#put(slot, pairId, record)
      return 'already'
    }
    slot = this.#residency.admit(pairId, 'warm')
    if (slot < 0) return 'no-room'
    this.#put(slot, pairId, record)
    return 'warmed'
  }

  /** The pair is delisted: its value goes, its floor rises above it, so that not even its last value comes back late. */
  remove(pairId: number): void {
    this.#residency.remove(pairId)
    if (this.#isKnown[pairId] === 0) return
    this.#isKnown[pairId] = 0
    this.#known--
    this.#floors[pairId] = (this.#floors[pairId] as number) + 1
  }

  #meet(pairId: number): void {
    if (this.#isKnown[pairId] === 1) return
    this.#isKnown[pairId] = 1
    this.#known++
  }

  #versionAt(slot: number): number {
    const copy = (slot * 2 + ((this.#generations[slot] as number) & 1)) * (WORDS / 2)
    return this.#doubles[copy] as number
  }

  #copy(slot: number, into: PriceRecord): void {
    const doubles = this.#doubles
    const at = (slot * 2 + ((this.#generations[slot] as number) & 1)) * (WORDS / 2)
    const version = doubles[at] as number
    into.version = version
    into.eventTimeMs = Math.floor(version / VERSIONS_PER_MS)
    into.price = doubles[at + 1] as number
    into.bid = doubles[at + 2] as number
    into.ask = doubles[at + 3] as number
    into.reserve0 = doubles[at + 4] as number
    into.reserve1 = doubles[at + 5] as number
    into.liquidity = doubles[at + 6] as number
  }

  #put(slot: number, pairId: number, record: Readonly<PriceRecord>): void {
    const scratch = this.#scratch
    scratch[0] = record.version
    scratch[1] = record.price
    scratch[2] = record.bid
    scratch[3] = record.ask
    scratch[4] = record.reserve0
    scratch[5] = record.reserve1
    scratch[6] = record.liquidity
    this.#meet(pairId)
    this.#floors[pairId] = record.version
    this.#publish(slot, pairId)
  }

  /** The record in `scratch` becomes the slot's. Words that are the same already are not stored: an atomic store costs ten plain loads. */
  #publish(slot: number, pairId: number): void {
    const generation = (this.#generations[slot] as number) + 1
    const at = (slot * 2 + (generation & 1)) * WORDS
    const words = this.#words
    this.#scratchWords[PAIR_WORD] = pairId
    const source = this.#scratchWords
    for (let w = 0; w <= PAIR_WORD; w++) {
      const word = source[w] as number
      // Ordered before the generation below, which is what readers look at first and last.
      if (words[at + w] !== word) Atomics.store(words, at + w, word)
    }
    Atomics.store(this.#generations, slot, generation)
  }
}
