import { ForewarmError } from '../../forewarm-error.ts'

/**
 * The names of chains and pairs in the order of their ids, for readers in other threads. The thread that gives the ids
 * appends to the log, and nothing in it changes. Each reader keeps a map of its own and reads on from where it stopped.
 *
 *   0       4       8        entry after entry, each at a multiple of 4
 *   magic │ end   │ owner (−1: a chain; else the chain's id) │ length │ UTF-8 bytes
 *
 * An entry is complete before the end moves past it.
 */

const MAGIC = 0x4e316677
const MAGIC_WORD = 0
const END_WORD = 1
const HEADER_BYTES = 8
const ENTRY_BYTES = 8
const CHAIN = -1
const FIRST_BYTES = 65_536

export class NameLog {
  readonly buffer: SharedArrayBuffer
  #end = HEADER_BYTES

  /** There is room for so many names of so many bytes; memory is taken as names come. */
  constructor(options: { readonly names: number; readonly nameBytes: number }) {
    const most = Math.max(FIRST_BYTES, HEADER_BYTES + options.names * (ENTRY_BYTES + options.nameBytes))
    this.buffer = new SharedArrayBuffer(FIRST_BYTES, { maxByteLength: aligned(most) })
    new Int32Array(this.buffer, 0, 2).set([MAGIC, HEADER_BYTES])
  }

  addChain(name: Uint8Array): void {
    this.#append(CHAIN, name)
  }

  addPair(chainId: number, name: Uint8Array): void {
    this.#append(chainId, name)
  }

  #append(owner: number, name: Uint8Array): void {
    const end = aligned(this.#end + ENTRY_BYTES + name.length)
    if (end > this.buffer.byteLength)
      this.buffer.grow(Math.min(this.buffer.maxByteLength, Math.max(end, this.buffer.byteLength * 2)))
    new Int32Array(this.buffer, this.#end, 2).set([owner, name.length])
    new Uint8Array(this.buffer, this.#end + ENTRY_BYTES, name.length).set(name)
    this.#end = end
    Atomics.store(new Int32Array(this.buffer, 0, 2), END_WORD, end)
  }
}

/** Finds the ids that another thread gave. */
export class NameLogReader {
  readonly #buffer: SharedArrayBuffer
  readonly #header: Int32Array
  #at = HEADER_BYTES
  #pairs = 0
  readonly #chainIds = new Map<string, number>()
  /** The pair ids of each chain, by its id. */
  readonly #pairIds: Map<string, number>[] = []

  /** Throws a ForewarmError `bad-shared-memory` if the buffer is not that of a NameLog. */
  constructor(buffer: unknown) {
    const isLog = buffer instanceof SharedArrayBuffer && buffer.byteLength >= HEADER_BYTES
    if (!isLog || new Int32Array(buffer, 0, 2)[MAGIC_WORD] !== MAGIC)
      throw new ForewarmError('bad-shared-memory', `expected the names of a node, got ${String(buffer)}`)
    this.#buffer = buffer
    this.#header = new Int32Array(buffer, 0, 2)
  }

  /** The pair's id; -1 if it has none yet. */
  find(chain: string, pair: string): number {
    const known = this.#known(chain, pair)
    if (known >= 0 || !this.#catchUp()) return known
    return this.#known(chain, pair)
  }

  #known(chain: string, pair: string): number {
    const chainId = this.#chainIds.get(chain)
    return (chainId === undefined ? undefined : this.#pairIds[chainId]?.get(pair)) ?? -1
  }

  /** Reads new entries; false if there are none. */
  #catchUp(): boolean {
    const end = Atomics.load(this.#header, END_WORD)
    if (end === this.#at) return false
    while (this.#at < end) {
      const [owner = CHAIN, length = 0] = new Int32Array(this.#buffer, this.#at, 2)
      const name = Buffer.from(this.#buffer, this.#at + ENTRY_BYTES, length).toString('utf8')
      if (owner === CHAIN) this.#chainIds.set(name, this.#pairIds.push(new Map()) - 1)
      else this.#pairIds[owner]?.set(name, this.#pairs++)
      this.#at = aligned(this.#at + ENTRY_BYTES + length)
    }
    return true
  }
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / 4) * 4
}
