import { type CachedPrice, eventTimeOf } from '../cached-price.ts'
import { loadDouble } from '../sources/shared-double.ts'
import { FOLLOWS, Sources } from '../sources/sources.ts'
import { attachL1Memory, nthOf, ORIGIN_WORD, PAIR_BITS, PAIR_MASK, sourceOf, TAG_WORD, WORDS } from './memory.ts'

/**
 * Reads L1 in a thread that does not write it. Nothing is locked, so that a writer that dies leaves every slot readable.
 *
 *   the writer stores, from top to bottom            a reader loads, from top to bottom
 *
 *   words of the copy that is not valid              slotOfPair    where to look
 *   generation    makes that copy valid              generation    which copy is valid
 *   slotOfPair    if the pair is new in the slot     words of the copy
 *                                                    generation    the same: the words are of one price
 *
 * A slot keeps its copies when its pair leaves, so it may have an old value of a pair that comes back to it. Therefore the
 * pair gets the slot after its new value is valid there: as long as slotOfPair names a slot, the pair's newest value is valid
 * in it. A reader that stops between two loads finds that value, a newer one, or a copy with another pair's tag. If the
 * generation has changed, the writer may have been writing the copy, and the reader tries again. Only two updates of the pair
 * during one read disturb it.
 */

/** Tries after which a read is given up and counts as a miss. */
const MAX_TRIES = 8
const MAX_READS = 3

export class L1Reader {
  readonly maxPairs: number
  readonly #slotOfPair: Int32Array
  readonly #generations: Int32Array
  readonly #words: Int32Array
  readonly #reads: Uint8Array
  readonly #moments: BigInt64Array
  /** The moment of each source. */
  readonly #sources: BigInt64Array
  readonly #scratch = new Float64Array(WORDS / 2)
  readonly #scratchWords = new Int32Array(this.#scratch.buffer)
  hits = 0
  misses = 0

  /** `sources`: the buffer of the Sources that values come from. Throws a ForewarmError `bad-shared-memory` if the buffer is not the memory of an L1, or has another layout. */
  constructor(buffer: SharedArrayBuffer, sources = new Sources().buffer) {
    const memory = attachL1Memory(buffer)
    this.maxPairs = memory.maxPairs
    this.#slotOfPair = memory.slotOfPair
    this.#generations = memory.generations
    this.#words = memory.words
    this.#reads = memory.reads
    this.#moments = memory.momentBits
    this.#sources = new BigInt64Array(sources)
  }

  /** A demand read: fills `into` and tells whether the pair was there. `shared`: its id, from a NameLogReader. */
  get(shared: number, into: CachedPrice): boolean {
    // Few ids have had other pairs before; without them no double is computed with.
    const nth = shared <= PAIR_MASK ? 0 : Math.floor(shared / (PAIR_MASK + 1))
    const pairId = nth === 0 ? shared : shared - nth * (PAIR_MASK + 1)
    // While it is read, a pair may move to another slot or be updated: seldom once, never often.
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      // It says where to look: the tag in the copy says whose it is. It is ordered before the generation, because the slot
      // had the pair's value before it had the pair.
      const slot = pairId < this.maxPairs ? Atomics.load(this.#slotOfPair, pairId) - 1 : -1
      if (slot < 0) break
      const generation = Atomics.load(this.#generations, slot)
      const at = (slot * 2 + (generation & 1)) * WORDS
      const tag = this.#copy(at)
      const origin = this.#scratchWords[ORIGIN_WORD] as number
      const source = sourceOf(origin)
      // First the moment of the source, then the slot's: a value that is no longer the newest is suspended before its
      // source's moment goes on.
      const sourceMs = loadDouble(this.#sources, source)
      const slotMs = loadDouble(this.#moments, slot)
      if (Atomics.load(this.#generations, slot) !== generation) continue
      if ((tag & PAIR_MASK) === pairId && tag !== 0 && nthOf(origin) === nth) {
        const seen = this.#reads[slot] as number
        if (seen < MAX_READS) this.#reads[slot] = seen + 1
        this.hits++
        readCopy(into, this.#scratch, tag)
        into.source = source
        into.asOfMs = slotMs === FOLLOWS ? sourceMs : slotMs
        return true
      }
      // The slot is that of the name that has the id now.
      if (Atomics.load(this.#slotOfPair, pairId) - 1 === slot) break
    }
    this.misses++
    return false
  }

  /** Copies a price into the scratch, where nobody else writes; returns its tag. */
  #copy(at: number): number {
    const words = this.#words
    const scratch = this.#scratchWords
    const tag = Atomics.load(words, at + TAG_WORD)
    scratch[ORIGIN_WORD] = Atomics.load(words, at + ORIGIN_WORD)
    scratch[0] = Atomics.load(words, at)
    scratch[1] = Atomics.load(words, at + 1)
    for (let word = 2, bits = tag >>> PAIR_BITS; bits !== 0; word += 2, bits >>>= 1) {
      if ((bits & 1) === 0) continue
      scratch[word] = Atomics.load(words, at + word)
      scratch[word + 1] = Atomics.load(words, at + word + 1)
    }
    return tag
  }
}

/** Reads version and numbers into the price; a number without its bit in the tag is absent. */
export function readCopy(into: CachedPrice, doubles: Float64Array, tag: number, at = 0): void {
  const version = doubles[at] as number
  const bits = tag >>> PAIR_BITS
  into.version = version
  into.eventTimeMs = eventTimeOf(version)
  into.price = bits & 1 ? (doubles[at + 1] as number) : Number.NaN
  into.bid = bits & 2 ? (doubles[at + 2] as number) : Number.NaN
  into.ask = bits & 4 ? (doubles[at + 3] as number) : Number.NaN
  into.reserve0 = bits & 8 ? (doubles[at + 4] as number) : Number.NaN
  into.reserve1 = bits & 16 ? (doubles[at + 5] as number) : Number.NaN
  into.liquidity = bits & 32 ? (doubles[at + 6] as number) : Number.NaN
}
