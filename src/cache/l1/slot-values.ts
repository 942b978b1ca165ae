import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import type { CachedPrice } from '../cached-price.ts'
import { storeDouble } from '../sources/shared-double.ts'
import { FOLLOWS, Sources } from '../sources/sources.ts'
import {
  type L1Memory,
  nextName,
  nthOf,
  ORIGIN_WORD,
  originOf,
  PAIR_BITS,
  sourceOf,
  TAG_WORD,
  WORDS,
} from './memory.ts'
import { readCopy } from './reader.ts'

/** The values of the slots: two copies each, of which one is valid. L1 is their one writer. */
export class Copies {
  readonly #generations: Int32Array
  readonly #words: Int32Array
  readonly #doubles: Float64Array
  readonly #pairOfSlot: Int32Array
  readonly #maxPairs: number
  /** How many pairs had each id before, by pair id. It has no length until the first id goes to another pair. */
  #nth = new Int32Array(0)
  /** One double, and the same memory as words. */
  readonly #scratch = new Float64Array(1)
  readonly #scratchWords = new Int32Array(this.#scratch.buffer)

  constructor({ generations, words, doubles, pairOfSlot, maxPairs }: L1Memory) {
    this.#generations = generations
    this.#words = words
    this.#doubles = doubles
    this.#pairOfSlot = pairOfSlot
    this.#maxPairs = maxPairs
  }

  /** The pair loses its id: its copies are none of the pair that gets the id next. */
  forget(pairId: number): void {
    if (this.#nth.length === 0) this.#nth = new Int32Array(this.#maxPairs)
    this.#nth[pairId] = nextName(this.#nth[pairId] as number)
  }

  sourceAt(slot: number): number {
    return sourceOf(this.#words[this.#validOf(slot) * WORDS + ORIGIN_WORD] as number)
  }

  /** Publishes the value anew: who has read its former source may have read the moment of that after this. */
  setSource(slot: number, source: number): void {
    const from = this.#validOf(slot) * WORDS
    const generation = (this.#generations[slot] as number) + 1
    const to = (slot * 2 + (generation & 1)) * WORDS
    const words = this.#words
    for (let word = 0; word < WORDS; word++) Atomics.store(words, to + word, words[from + word] as number)
    Atomics.store(words, to + ORIGIN_WORD, originOf(nthOf(words[from + ORIGIN_WORD] as number), source))
    Atomics.store(this.#generations, slot, generation)
  }

  versionAt(slot: number): number {
    return this.#doubles[this.#validOf(slot) * (WORDS / 2)] as number
  }

  read(slot: number, into: CachedPrice): void {
    const copy = this.#validOf(slot)
    readCopy(into, this.#doubles, this.#words[copy * WORDS + TAG_WORD] as number, (copy * WORDS) / 2)
    into.json = undefined
    into.source = sourceOf(this.#words[copy * WORDS + ORIGIN_WORD] as number)
  }

  /** Publishes the numbers at `base` for the slot's pair. */
  publish(slot: number, version: number, numbers: Float64Array, base: number, source: number): void {
    const pairId = (this.#pairOfSlot[slot] as number) - 1
    const generation = (this.#generations[slot] as number) + 1
    const at = (slot * 2 + (generation & 1)) * WORDS
    let tag = pairId
    this.#store(at, version)
    for (let f = 0; f < NUMBER_COUNT; f++) {
      const value = numbers[base + f] as number
      if (Number.isNaN(value)) continue
      tag |= 1 << (PAIR_BITS + f)
      this.#store(at + 2 + f * 2, value)
    }
    const nth = this.#nth.length === 0 ? 0 : (this.#nth[pairId] as number)
    const origin = originOf(nth, source)
    if (this.#words[at + ORIGIN_WORD] !== origin) Atomics.store(this.#words, at + ORIGIN_WORD, origin)
    if (this.#words[at + TAG_WORD] !== tag) Atomics.store(this.#words, at + TAG_WORD, tag)
    // It is ordered after the stores above, because readers look at it first and last.
    Atomics.store(this.#generations, slot, generation)
  }

  /** The place of the slot's valid copy among all copies. */
  #validOf(slot: number): number {
    return slot * 2 + ((this.#generations[slot] as number) & 1)
  }

  /** Stores a double. Words that are the same already are left, because an atomic store costs twenty plain loads. */
  #store(at: number, value: number): void {
    this.#scratch[0] = value
    const words = this.#words
    const low = this.#scratchWords[0] as number
    const high = this.#scratchWords[1] as number
    if (words[at] !== low) Atomics.store(words, at, low)
    if (words[at + 1] !== high) Atomics.store(words, at + 1, high)
  }
}

/** For each slot, the moment as of which its value is known to be the newest; FOLLOWS: the moment of its source. */
export class Moments {
  readonly sources: Sources
  readonly #moments: Float64Array
  readonly #bits: BigInt64Array

  constructor({ moments, momentBits }: Pick<L1Memory, 'moments' | 'momentBits'>, sources = new Sources()) {
    this.sources = sources
    this.#moments = moments
    this.#bits = momentBits
  }

  of(slot: number): number {
    return this.#moments[slot] as number
  }

  follows(slot: number): boolean {
    return this.#moments[slot] === FOLLOWS
  }

  set(slot: number, atMs: number): void {
    if (this.#moments[slot] !== atMs) storeDouble(this.#bits, slot, atMs)
  }

  /** Never a later moment than before. */
  lower(slot: number, atMs: number): void {
    if (atMs < (this.#moments[slot] as number)) storeDouble(this.#bits, slot, atMs)
  }

  /** Newer values may exist from now on. `source`: that of the slot's value. */
  suspend(slot: number, source: number): void {
    if (this.follows(slot)) this.set(slot, this.sources.asOf(source))
  }
}
