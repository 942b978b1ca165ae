import type { PairIds } from '../../schemas/update-columns.ts'

/**
 * Names to small integers, once: everything behind the decoder works with pair ids. A pair is known by its chain and
 * its name; ids count up from 0 in the order of registration and are bounded by `maxPairs`.
 *
 * The decoder looks pairs up by their bytes in the record, so that no string is built for a pair that is known:
 * open addressing over 32-bit hashes, the names' UTF-8 bytes in one arena.
 */

export const UNKNOWN_PAIR = -1
export const TABLE_FULL = -2

const MAX_LOAD = 0.5
const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

export class PairTable implements PairIds {
  readonly maxPairs: number
  readonly #chains: string[] = []
  readonly #chainIds = new Map<string, number>()
  /** chain id -> pair name -> id, for lookups that start from strings. */
  readonly #idsByName: Map<string, number>[] = []
  readonly #names: string[] = []
  #lastChainId = UNKNOWN_PAIR
  #lastChainBytes: Buffer = Buffer.alloc(0)
  #chainOfPair = new Int32Array(1024)
  /** Where the name's bytes start in the arena; they end where the next one starts. */
  #starts = new Int32Array(1025)
  #hashes = new Int32Array(1024)
  #arena = Buffer.allocUnsafe(65_536)
  /** Pair id + 1; 0 is free. */
  #slots = new Int32Array(4096)

  constructor(options: { readonly maxPairs: number }) {
    this.maxPairs = options.maxPairs
  }

  get size(): number {
    return this.#names.length
  }

  get chains(): readonly string[] {
    return this.#chains
  }

  /** Chains are few and come from the operator's topics; the bound guards against a feed that makes them up. */
  chainId(chain: string): number {
    const known = this.#chainIds.get(chain)
    if (known !== undefined) return known
    const id = this.#chains.length
    this.#chains.push(chain)
    this.#chainIds.set(chain, id)
    this.#idsByName.push(new Map())
    return id
  }

  /** As `chainId`, for UTF-8 bytes of a record; records of one chain mostly follow each other. */
  chainIdOfBytes(source: Uint8Array, start: number, end: number): number {
    const last = this.#lastChainBytes
    if (last.length === end - start) {
      let i = 0
      while (i < last.length && last[i] === source[start + i]) i++
      if (i === last.length) return this.#lastChainId
    }
    const bytes = Buffer.from(source.subarray(start, end))
    this.#lastChainId = this.chainId(bytes.toString('utf8'))
    this.#lastChainBytes = bytes
    return this.#lastChainId
  }

  /** -1 when the chain was never seen. */
  findChain(chain: string): number {
    return this.#chainIds.get(chain) ?? UNKNOWN_PAIR
  }

  chainName(chainId: number): string {
    return this.#chains[chainId] ?? ''
  }

  find(chain: string, pair: string): number {
    const chainId = this.#chainIds.get(chain)
    if (chainId === undefined) return UNKNOWN_PAIR
    return this.#idsByName[chainId]?.get(pair) ?? UNKNOWN_PAIR
  }

  /** The pair's id, or TABLE_FULL. */
  register(chain: string, pair: string): number {
    const chainId = this.chainId(chain)
    const known = this.#idsByName[chainId]?.get(pair)
    if (known !== undefined) return known
    const bytes = Buffer.from(pair)
    return this.#add(chainId, pair, bytes, hashBytes(bytes, 0, bytes.length, chainId))
  }

  /** As `register`, for UTF-8 bytes `start` (inclusive) to `end` (exclusive) of a record. */
  registerBytes(chainId: number, source: Uint8Array, start: number, end: number): number {
    const hash = hashBytes(source, start, end, chainId)
    const mask = this.#slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot] as number
      if (entry === 0) break
      if (this.#matches(entry - 1, hash, chainId, source, start, end)) return entry - 1
    }
    const bytes = Buffer.from(source.subarray(start, end))
    return this.#add(chainId, bytes.toString('utf8'), bytes, hash)
  }

  pairName(pairId: number): string {
    return this.#names[pairId] ?? ''
  }

  chainOf(pairId: number): number {
    return this.#chainOfPair[pairId] ?? UNKNOWN_PAIR
  }

  #matches(pairId: number, hash: number, chainId: number, source: Uint8Array, start: number, end: number): boolean {
    if (this.#hashes[pairId] !== hash || this.#chainOfPair[pairId] !== chainId) return false
    const from = this.#starts[pairId] as number
    const length = (this.#starts[pairId + 1] as number) - from
    if (length !== end - start) return false
    const arena = this.#arena
    for (let i = 0; i < length; i++) if (arena[from + i] !== source[start + i]) return false
    return true
  }

  #add(chainId: number, name: string, bytes: Buffer, hash: number): number {
    const pairId = this.#names.length
    if (pairId >= this.maxPairs) return TABLE_FULL
    this.#reserve(pairId, bytes.length)
    const from = this.#starts[pairId] as number
    bytes.copy(this.#arena, from)
    this.#starts[pairId + 1] = from + bytes.length
    this.#hashes[pairId] = hash
    this.#chainOfPair[pairId] = chainId
    this.#names.push(name)
    this.#idsByName[chainId]?.set(name, pairId)
    this.#place(pairId)
    return pairId
  }

  #place(pairId: number): void {
    const mask = this.#slots.length - 1
    let slot = (this.#hashes[pairId] as number) & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = pairId + 1
  }

  #reserve(pairId: number, nameBytes: number): void {
    if (pairId >= this.#hashes.length) {
      this.#chainOfPair = grown(this.#chainOfPair, pairId * 2)
      this.#hashes = grown(this.#hashes, pairId * 2)
      this.#starts = grown(this.#starts, pairId * 2 + 1)
    }
    const used = this.#starts[pairId] as number
    if (used + nameBytes > this.#arena.length) {
      const arena = Buffer.allocUnsafe((used + nameBytes) * 2)
      this.#arena.copy(arena, 0, 0, used)
      this.#arena = arena
    }
    if (pairId + 1 > this.#slots.length * MAX_LOAD) {
      this.#slots = new Int32Array(this.#slots.length * 2)
      for (let id = 0; id < pairId; id++) this.#place(id)
    }
  }
}

function grown(array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length)
  larger.set(array)
  return larger
}

/** FNV-1a (Fowler, Noll, Vo; 32 bit), seeded with the chain. */
export function hashBytes(bytes: Uint8Array, start: number, end: number, chainId: number): number {
  let hash = FNV_OFFSET ^ chainId
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), FNV_PRIME)
  return hash ^ (hash >>> 15)
}
