import { createHash } from 'node:crypto'
import { NUMBER_COUNT, NUMBER_FIELDS, type PriceUpdate } from '../../schemas/price-update.ts'
import { MAX_VERSION, VERSIONS_PER_MS, versionAfter } from '../cache/cached-price.ts'
import { SequenceOrder } from '../cache/sequence-order.ts'
import { ReplayError } from './replay-error.ts'

/** The outcome of an update. `unversioned`: its time is too late, or its millisecond too full, for an exact version. */
export type PriceOutcome = 'taken' | 'older' | 'unversioned'

/** A value of a pair, with its version. */
export interface StateValue {
  readonly chain: string
  readonly pair: string
  readonly version: number
  /** NUMBER_COUNT numbers in the order of NUMBER_FIELDS; an absent one is NaN. */
  readonly numbers: ArrayLike<number>
}

interface Newest {
  readonly id: number
  readonly name: Buffer
  /** The newest version so far; -1 before the first. */
  version: number
  /** Delisted pairs have no value. */
  isListed: boolean
  readonly numbers: Float64Array
}

const HEADING = 'forewarm-state-1\n'
const END_OF_PAIRS = 0xffffffff
const DEFAULT_MAX_PAIRS = 10_000_000

/**
 * One hash for the state that a stream of prices leads to, so that two runs can be compared. It depends on the newest
 * value of each pair alone, neither on the order of the pairs' updates nor on when they came.
 *
 * The bytes under SHA-256, integers and floats big-endian:
 *
 * - "forewarm-state-1\n"
 * - for each pair with a value, sorted by the UTF-8 bytes of its chain, then of its name:
 *   - u32 length, chain in UTF-8
 *   - u32 length, pair in UTF-8
 *   - u64 version
 *   - f64 × 6 price, bid, ask, reserve0, reserve1, liquidity; absent is the quiet NaN 7ff8000000000000, -0 is 0
 * - u32 ffffffff
 *
 * The mark at the end leaves room for sections that a later version may add.
 */
export class StateHash {
  readonly #maxPairs: number
  readonly #order = new SequenceOrder()
  readonly #chains = new Map<string, Map<string, Newest>>()
  #pairs = 0
  /** Includes delisted pairs. */
  #known = 0

  constructor(options: { readonly maxPairs?: number } = {}) {
    this.#maxPairs = options.maxPairs ?? DEFAULT_MAX_PAIRS
  }

  get pairs(): number {
    return this.#pairs
  }

  /**
   * Takes an update's value under the next version of its pair. An update older than the pair's value changes nothing.
   * Throws `too-many-pairs`.
   */
  updatePrice(update: PriceUpdate): PriceOutcome {
    if (update.eventTimeMs >= MAX_VERSION / VERSIONS_PER_MS) return 'unversioned'
    const newest = this.#newestOf(update.chain, update.pair)
    const { eventTimeMs, sequence = Number.NaN } = update
    const place = this.#order.place(newest.id, newest.version, eventTimeMs, sequence)
    if (place < 0) return 'older'
    const version = versionAfter(newest.version, eventTimeMs, place)
    if (version < 0) return version === -1 ? 'older' : 'unversioned'
    this.#take(newest, version)
    for (let f = 0; f < NUMBER_COUNT; f++) {
      newest.numbers[f] = update[NUMBER_FIELDS[f] ?? 'price'] ?? Number.NaN
    }
    return 'taken'
  }

  /** As `updatePrice`, with a known version (from L1 or L2). The newest version wins; an equal one changes nothing. */
  updateValue(value: StateValue): void {
    const newest = this.#newestOf(value.chain, value.pair)
    if (value.version <= newest.version) return
    this.#take(newest, value.version)
    for (let f = 0; f < NUMBER_COUNT; f++) newest.numbers[f] = value.numbers[f] ?? Number.NaN
  }

  /** A delisted pair has no value. As in L1, versions that it has had do not come back. */
  delist(chain: string, pair: string): void {
    const newest = this.#chains.get(chain)?.get(pair)
    if (newest === undefined || !newest.isListed) return
    newest.isListed = false
    newest.version++
    this.#pairs--
  }

  /** The hash so far, in lower-case hexadecimal. More updates may follow. */
  digest(): string {
    return digestOf(this.#chains)
  }

  #take(newest: Newest, version: number): void {
    if (!newest.isListed) this.#pairs++
    newest.isListed = true
    newest.version = version
  }

  #newestOf(chain: string, pair: string): Newest {
    let ofChain = this.#chains.get(chain)
    if (ofChain === undefined) {
      ofChain = new Map()
      this.#chains.set(chain, ofChain)
    }
    let newest = ofChain.get(pair)
    if (newest === undefined) {
      if (this.#known >= this.#maxPairs)
        throw new ReplayError('too-many-pairs', `the state hash holds at most ${this.#maxPairs} pairs`)
      const numbers = new Float64Array(NUMBER_COUNT)
      newest = { id: this.#known++, name: Buffer.from(pair), version: -1, isListed: false, numbers }
      ofChain.set(pair, newest)
    }
    return newest
  }
}

/** A state hash that records are added to: equal for equal newest values, in whatever order they came. */
export function createStateHash(options?: { readonly maxPairs?: number }): StateHash {
  return new StateHash(options)
}

function digestOf(chains: ReadonlyMap<string, ReadonlyMap<string, Newest>>): string {
  const hash = createHash('sha256').update(HEADING)
  const sortedChains = [...chains]
    .map(([chain, ofChain]) => ({ name: Buffer.from(chain), ofChain }))
    .sort((a, b) => a.name.compare(b.name))
  for (const { name: chain, ofChain } of sortedChains) {
    const sorted = [...ofChain.values()].filter(({ isListed }) => isListed).sort((a, b) => a.name.compare(b.name))
    for (const newest of sorted) hash.update(bytesOf(chain, newest))
  }
  const end = Buffer.alloc(4)
  end.writeUInt32BE(END_OF_PAIRS)
  return hash.update(end).digest('hex')
}

function bytesOf(chain: Buffer, newest: Newest): Buffer {
  const bytes = Buffer.allocUnsafe(4 + chain.length + 4 + newest.name.length + 8 + NUMBER_COUNT * 8)
  let at = bytes.writeUInt32BE(chain.length, 0)
  at += chain.copy(bytes, at)
  at = bytes.writeUInt32BE(newest.name.length, at)
  at += newest.name.copy(bytes, at)
  at = bytes.writeBigUInt64BE(BigInt(newest.version), at)
  for (const number of newest.numbers) {
    // A NaN may carry any payload, and -0 equals 0: the hash is defined over one form of each.
    at = Number.isNaN(number)
      ? bytes.writeBigUInt64BE(0x7ff8_0000_0000_0000n, at)
      : bytes.writeDoubleBE(number === 0 ? 0 : number, at)
  }
  return bytes
}
