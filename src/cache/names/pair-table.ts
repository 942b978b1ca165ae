import { checkedName } from '../../../schemas/price-object.ts'
import { MAX_CHAIN_BYTES, MAX_PAIR_BYTES } from '../../../schemas/topics.ts'
import { NO_ROOM_FOR_CHAIN, type PairIds } from '../../../schemas/update-columns.ts'
import { nextName } from '../l1/memory.ts'
import { type IdHolder, IdHolds, type PairName, SpareIds } from './id-holders.ts'
import { CHAIN, type LoggedName, NameLog } from './name-log.ts'
import { NameTable } from './name-table.ts'

/**
 * Turns names into small integers once, so that everything behind the decoder works with pair ids. A pair is known by its
 * chain and its name. Ids count up from 0, and `maxPairs` bounds them. When all are taken, a new name gets the id of one
 * that nobody needs: it was only asked for, or is deleted, and nothing is under way for it (id-holders.ts).
 *
 *   asked for, deleted ──► spare ──all ids are taken──► has a value: no longer spare
 *                                                   ├─► held: looked at again later
 *                                                   └─► else all parts forget it, and the new name gets its id
 *
 * Names that are only asked for may be made up: they take at most half of the ids and leave the rest to updates.
 */

export const UNKNOWN_PAIR = -1
export const TABLE_FULL = -2
export const CHAINS_FULL = NO_ROOM_FOR_CHAIN
/** Chains are few and come from the operator's topics. The bound guards against a feed that makes them up. */
const MAX_CHAINS = 65_536
const NO_OWNER = 0
/** For one new name, at most so many spare ids are looked at, and so many others whose value may be gone. */
const SPARE_LOOKED_AT = 1_024
const OTHERS_LOOKED_AT = 64

export interface PairTableOptions {
  readonly maxPairs: number
  /** 65,536 unless given. */
  readonly maxChains?: number
}

export class PairTable implements PairIds {
  readonly maxPairs: number
  readonly #maxChains: number
  readonly #chainNames: string[] = []
  readonly #pairNames: string[] = []
  /** It is sparse, so that only feeds that send groups pay for them. */
  readonly #groups: (string | undefined)[] = []
  /** How many names each id had before, by pair id. It is sparse: 0 if absent. */
  readonly #nth: number[] = []
  /** How often an unknown pair was asked for and got no id. */
  asksWithoutId = 0
  /** Ids that went to another name. */
  recycled = 0
  readonly #chains = new NameTable()
  readonly #pairs = new NameTable()
  /** For lookups by strings: the id of each chain, and the pair ids of each chain. */
  readonly #chainIds = new Map<string, number>()
  readonly #pairIds: Map<string, number>[] = []
  readonly #spare = new SpareIds()
  readonly #spareChains = new SpareIds()
  /** Pairs that were asked for, as long as no value of them is known. */
  readonly #asked = new Set<number>()
  #hand = 0
  /** Whether any part can tell which pairs have a value; until then ids are for good. */
  #recycles = false
  /** For what is under way and will come back to an id. */
  readonly holds = new IdHolds()
  readonly #holders: IdHolder[] = [this.holds]

  /** The names, for readers in other threads. */
  readonly log: NameLog

  constructor({ maxPairs, maxChains = MAX_CHAINS }: PairTableOptions) {
    this.maxPairs = maxPairs
    this.#maxChains = maxChains
    this.log = new NameLog({
      names: maxPairs + maxChains,
      nameBytes: MAX_PAIR_BYTES,
      living: () => this.#living(),
    })
  }

  get size(): number {
    return this.#pairs.size
  }

  /** All ids are below it. */
  get end(): number {
    return this.#pairs.end
  }

  get chains(): readonly string[] {
    return [...this.#chainIds.keys()]
  }

  /** From now on the part is asked before an id goes to another name, and told, until it calls the returned function. */
  keep(holder: IdHolder): () => void {
    this.#holders.push(holder)
    this.#recycles ||= holder.lives !== undefined
    return () => {
      const at = this.#holders.indexOf(holder)
      if (at >= 0) this.#holders.splice(at, 1)
    }
  }

  /** The pair is deleted: its id may go to another name. */
  release(pairId: number): void {
    this.#spare.add(pairId)
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
    const isPossible = this.#mayAsk(chain) && typeof pair === 'string' && checkedName(pair, 'pair') === undefined
    const pairId = isPossible ? this.register(chain, pair) : TABLE_FULL
    if (pairId >= 0) {
      this.#asked.add(pairId)
      this.#spare.add(pairId)
    } else this.asksWithoutId++
    return Math.max(pairId, TABLE_FULL)
  }

  /** As `ask` for several pairs, whose ids are held until the caller lets them go (`holds`). */
  askAndHold(chain: string, pairs: readonly string[]): number[] {
    return pairs.map((pair) => {
      const pairId = this.ask(chain, pair)
      this.holds.hold([pairId])
      return pairId
    })
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
    const bytes = Buffer.from(chain)
    if (bytes.length > MAX_CHAIN_BYTES) return CHAINS_FULL
    if (this.#chains.size >= this.#maxChains && !this.#recycleChain()) return CHAINS_FULL
    const id = this.#chains.add(bytes, NO_OWNER)
    this.#chainNames[id] = chain
    this.#chainIds.set(chain, id)
    this.#pairIds[id] = new Map()
    this.log.addChain({ id, nth: 0, name: bytes })
    this.#spareChains.add(id)
    return id
  }

  #addPair(chainId: number, pair: string): number {
    const bytes = Buffer.from(pair)
    // Records and requests with such names have been refused already, but a detector may ask for anything.
    if (bytes.length > MAX_PAIR_BYTES) return TABLE_FULL
    if (this.size >= this.maxPairs && !this.#recycle()) return TABLE_FULL
    const id = this.#pairs.add(bytes, chainId)
    this.#pairNames[id] = pair
    this.#pairIds[chainId]?.set(pair, id)
    this.log.add({ owner: chainId, id, nth: this.#nth[id] ?? 0, name: bytes })
    for (const holder of this.#holders) holder.given?.(id, { chain: this.chainName(chainId), pair })
    return id
  }

  /** Names that are only asked for take at most half of the ids, and of the chains. */
  #mayAsk(chain: string): boolean {
    while (this.#asked.size * 2 >= this.maxPairs && this.#recycle());
    if (this.#asked.size * 2 >= this.maxPairs) return false
    return this.#chainIds.has(chain) || this.#chains.size * 2 < this.#maxChains || this.#recycleChain()
  }

  /** Takes the id from one name that nobody needs; false if none was found. */
  #recycle(): boolean {
    if (!this.#recycles) return false
    for (let looked = 0; looked < SPARE_LOOKED_AT; looked++) {
      if (this.#spare.size === 0 && !this.#passOn()) return false
      const id = this.#spare.take()
      if (this.#pairs.ownerOf(id) < 0) continue
      if (this.#holders.some((holder) => holder.lives?.(id))) this.#asked.delete(id)
      else if (this.#holders.some((holder) => holder.holds?.(id))) this.#spare.add(id)
      else {
        this.#forget(id)
        return true
      }
    }
    return false
  }

  /** Looks for pairs that have lost their values without being deleted. False if it found none. */
  #passOn(): boolean {
    for (let looked = Math.min(OTHERS_LOOKED_AT, this.end); looked > 0 && this.#spare.size === 0; looked--) {
      this.#hand = (this.#hand + 1) % this.end
      const id = this.#hand
      if (this.#pairs.ownerOf(id) >= 0 && !this.#holders.some((holder) => holder.lives?.(id))) this.#spare.add(id)
    }
    return this.#spare.size > 0
  }

  #forget(id: number): void {
    for (const holder of this.#holders) holder.forget?.(id)
    const chainId = this.chainOf(id)
    const pair = this.pairName(id)
    this.log.lost(Buffer.byteLength(pair))
    this.#pairs.remove(id)
    this.#pairIds[chainId]?.delete(pair)
    this.#pairNames[id] = ''
    if (this.#groups[id] !== undefined) this.#groups[id] = undefined
    this.#asked.delete(id)
    this.#nth[id] = nextName(this.#nth[id] ?? 0)
    this.#spareChains.add(chainId)
    this.recycled++
  }

  /** Takes the id from a chain without pairs, or with none that is needed; false if there is no such chain. */
  #recycleChain(): boolean {
    if (!this.#recycles) return false
    do
      while (this.#spareChains.size > 0) {
        const id = this.#spareChains.take()
        if (this.#pairIds[id]?.size !== 0 || this.#chains.ownerOf(id) < 0) continue
        for (const holder of this.#holders) holder.forgetChain?.(id)
        const chain = this.chainName(id)
        this.log.lost(Buffer.byteLength(chain))
        this.#chains.remove(id)
        this.#chainIds.delete(chain)
        this.#chainNames[id] = ''
        return true
      }
    while (this.#recycle())
    return false
  }

  *#living(): Iterable<LoggedName> {
    for (const [name, id] of this.#chainIds) yield { owner: CHAIN, id, nth: 0, name: Buffer.from(name) }
    for (let id = 0; id < this.end; id++) {
      const owner = this.chainOf(id)
      if (owner >= 0) yield { owner, id, nth: this.#nth[id] ?? 0, name: Buffer.from(this.pairName(id)) }
    }
  }
}

function textOf(source: DataView, start: number, end: number): string {
  return Buffer.from(source.buffer, source.byteOffset + start, end - start).toString('utf8')
}
