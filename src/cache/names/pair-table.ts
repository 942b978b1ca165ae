import { MAX_CHAIN_BYTES, MAX_PAIR_BYTES } from '../../../schemas/topics.ts'
import { NO_ROOM_FOR_CHAIN, type PairIds } from '../../../schemas/update-columns.ts'
import { NameLog } from './name-log.ts'
import { NameTable } from './name-table.ts'

/**
 * Turns names into small integers once, so that everything behind the decoder works with pair ids. A pair is known by its
 * chain and its name. Ids count up from 0 in the order of registration, and `maxPairs` bounds them. An id is for good, and
 * names that are only asked for may be made up: such names take at most half of the ids and leave the rest to updates.
 */

export const UNKNOWN_PAIR = -1
export const TABLE_FULL = -2
export const CHAINS_FULL = NO_ROOM_FOR_CHAIN
/** Chains are few and come from the operator's topics. The bound guards against a feed that makes them up. */
const MAX_CHAINS = 65_536
const NO_OWNER = 0

export interface PairName {
  readonly chain: string
  readonly pair: string
}

export class PairTable implements PairIds {
  readonly maxPairs: number
  readonly #chainNames: string[] = []
  readonly #pairNames: string[] = []
  /** It is sparse, so that only feeds that send groups pay for them. */
  readonly #groups: (string | undefined)[] = []
  #asked = 0
  /** How often an unknown pair was asked for and got no id. */
  asksWithoutId = 0
  readonly #chains = new NameTable()
  readonly #pairs = new NameTable()
  /** For lookups by strings: the id of each chain, and the pair ids of each chain. */
  readonly #chainIds = new Map<string, number>()
  readonly #pairIds: Map<string, number>[] = []

  /** The names, for readers in other threads. */
  readonly log: NameLog

  constructor(options: { readonly maxPairs: number }) {
    this.maxPairs = options.maxPairs
    this.log = new NameLog({ names: options.maxPairs + MAX_CHAINS, nameBytes: MAX_PAIR_BYTES })
  }

  get size(): number {
    return this.#pairNames.length
  }

  get chains(): readonly string[] {
    return this.#chainNames
  }

  /** The chain's id, or CHAINS_FULL. */
  chainId(chain: string): number {
    return this.#chainIds.get(chain) ?? this.#addChain(chain)
  }

  /** As `chainId`, for UTF-8 bytes `start` (inclusive) to `end` (exclusive) in a view. */
  chainIdOfBytes(source: DataView, start: number, end: number): number {
    const known = this.#chains.find(source, start, end, NO_OWNER)
    return known >= 0 ? known : this.chainId(textOf(source, start, end))
  }

  /** The chain's id, or UNKNOWN_PAIR. */
  findChain(chain: string): number {
    return this.#chainIds.get(chain) ?? UNKNOWN_PAIR
  }

  /** The pair's id, or UNKNOWN_PAIR. */
  find(chain: string, pair: string): number {
    const chainId = this.#chainIds.get(chain)
    if (chainId === undefined) return UNKNOWN_PAIR
    return this.#pairIds[chainId]?.get(pair) ?? UNKNOWN_PAIR
  }

  /** The pair's id, or TABLE_FULL, or CHAINS_FULL if the table has no room for its chain. */
  register(chain: string, pair: string): number {
    const chainId = this.chainId(chain)
    if (chainId < 0) return chainId
    return this.#pairIds[chainId]?.get(pair) ?? this.#addPair(chainId, pair)
  }

  /** As `register`, for a pair that somebody asks for: it may be in L2 although this node got no update of it. */
  ask(chain: string, pair: string): number {
    const known = this.find(chain, pair)
    if (known >= 0) return known
    const mayTake =
      this.#asked * 2 < this.maxPairs && (this.#chainIds.has(chain) || this.chains.length * 2 < MAX_CHAINS)
    const pairId = mayTake ? this.register(chain, pair) : TABLE_FULL
    if (pairId >= 0) this.#asked++
    else this.asksWithoutId++
    return Math.max(pairId, TABLE_FULL)
  }

  /** As `register`, for UTF-8 bytes in a view. */
  registerBytes(chainId: number, source: DataView, start: number, end: number): number {
    if (chainId < 0) return chainId
    const known = this.#pairs.find(source, start, end, chainId)
    if (known >= 0) return known
    // Bytes that are no UTF-8 are decoded to their replacement, whose name may have an id already.
    const pair = textOf(source, start, end)
    return this.#pairIds[chainId]?.get(pair) ?? this.#addPair(chainId, pair)
  }

  pairName(pairId: number): string {
    return this.#pairNames[pairId] ?? ''
  }

  namesOf(pairId: number): PairName {
    return { chain: this.chainName(this.chainOf(pairId)), pair: this.pairName(pairId) }
  }

  chainName(chainId: number): string {
    return this.#chainNames[chainId] ?? ''
  }

  /** The group of pairs that it moves together with, as its updates say. */
  groupOf(pairId: number): string | undefined {
    return this.#groups[pairId]
  }

  setGroup(pairId: number, group: string): void {
    if (this.#groups[pairId] !== group) this.#groups[pairId] = group
  }

  /** The id of the pair's chain. */
  chainOf(pairId: number): number {
    return this.#pairs.ownerOf(pairId)
  }

  #addChain(chain: string): number {
    if (this.#chainNames.length >= MAX_CHAINS) return CHAINS_FULL
    const bytes = Buffer.from(chain)
    if (bytes.length > MAX_CHAIN_BYTES) return CHAINS_FULL
    const id = this.#chains.add(bytes, NO_OWNER)
    this.log.addChain(bytes)
    this.#chainNames.push(chain)
    this.#chainIds.set(chain, id)
    this.#pairIds.push(new Map())
    return id
  }

  #addPair(chainId: number, pair: string): number {
    if (this.size >= this.maxPairs) return TABLE_FULL
    const bytes = Buffer.from(pair)
    // Records and requests with such names have been refused already, but a detector may ask for anything.
    if (bytes.length > MAX_PAIR_BYTES) return TABLE_FULL
    const id = this.#pairs.add(bytes, chainId)
    this.log.addPair(chainId, bytes)
    this.#pairNames.push(pair)
    this.#pairIds[chainId]?.set(pair, id)
    return id
  }
}

function textOf(source: DataView, start: number, end: number): string {
  return Buffer.from(source.buffer, source.byteOffset + start, end - start).toString('utf8')
}
