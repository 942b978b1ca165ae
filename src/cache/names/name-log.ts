import { ForewarmError } from '../../forewarm-error.ts'
import { sharedIdOf } from '../l1/memory.ts'

/**
 * The names of chains and pairs with their ids, for readers in other threads. The thread that gives the ids appends to the
 * log. Each reader keeps a map of its own and reads on from where it stopped.
 *
 *   0       4     8         12        16       entry after entry, each at a multiple of 4
 *   magic │ end │ edition │ –       │ owner (−1: a chain; else the chain's id) │ id │ nth │ length │ UTF-8 bytes
 *
 * An id may go from one name to another: the later entry counts, and `nth` says how many names the id had before. Entries
 * that no longer count are dead. When half of the log is dead, it is written again from its beginning, with an odd edition
 * while that goes on, and readers begin anew. All words are stored and loaded through Atomics, so a reader that finds the
 * edition unchanged after an entry has read a whole one.
 */

const MAGIC = 0x4e326677
const MAGIC_WORD = 0
const END_WORD = 1
const EDITION_WORD = 2
const HEADER_WORDS = 4
const ENTRY_WORDS = 4
/** The owner of a chain. */
export const CHAIN = -1
const FIRST_BYTES = 65_536

/** The name that an id has now. `owner`: the id of a pair's chain. */
export interface LoggedName {
  readonly owner: number
  readonly id: number
  /** How many names the id had before. */
  readonly nth: number
  readonly name: Uint8Array
}

export class NameLog {
  readonly buffer: SharedArrayBuffer
  readonly #living: () => Iterable<LoggedName>
  #words: Int32Array
  #end = HEADER_WORDS
  #dead = 0

  /**
   * There is room for so many names of so many bytes; memory is taken as names come. `living`: all names that have an id
   * now, each chain before its pairs.
   */
  constructor(options: {
    readonly names: number
    readonly nameBytes: number
    readonly living?: () => Iterable<LoggedName>
  }) {
    const most = 4 * (HEADER_WORDS + options.names * wordsOf(options.nameBytes))
    this.#living = options.living ?? (() => [])
    this.buffer = new SharedArrayBuffer(FIRST_BYTES, { maxByteLength: Math.max(FIRST_BYTES, most) })
    this.#words = new Int32Array(this.buffer)
    this.#words[MAGIC_WORD] = MAGIC
    this.#words[END_WORD] = HEADER_WORDS
  }

  addChain(name: Omit<LoggedName, 'owner'>): void {
    this.add({ ...name, owner: CHAIN })
  }

  /** Called for a name that has just got its id, before anything is stored under the id. */
  add(entry: LoggedName): void {
    const isFull = (this.#end + wordsOf(entry.name.length)) * 4 > this.buffer.maxByteLength
    if (isFull || this.#dead * 2 > this.#end) this.#writeAgain()
    else this.#append(entry)
    Atomics.store(this.#words, END_WORD, this.#end)
  }

  /** A name of so many bytes has lost its id. */
  lost(nameBytes: number): void {
    this.#dead += wordsOf(nameBytes)
  }

  #writeAgain(): void {
    Atomics.add(this.#words, EDITION_WORD, 1)
    this.#end = HEADER_WORDS
    this.#dead = 0
    for (const entry of this.#living()) this.#append(entry)
    Atomics.store(this.#words, END_WORD, this.#end)
    Atomics.add(this.#words, EDITION_WORD, 1)
  }

  #append({ owner, id, nth, name }: LoggedName): void {
    const end = this.#end + wordsOf(name.length)
    const { buffer } = this
    if (end * 4 > buffer.byteLength) {
      buffer.grow(Math.min(buffer.maxByteLength, Math.max(end * 4, buffer.byteLength * 2)))
      this.#words = new Int32Array(buffer)
    }
    const bytes = new Uint8Array((end - this.#end - ENTRY_WORDS) * 4)
    bytes.set(name)
    const entry = [owner, id, nth, name.length, ...new Int32Array(bytes.buffer)]
    for (const word of entry) Atomics.store(this.#words, this.#end++, word)
  }
}

/** Finds the ids that another thread gave. */
export class NameLogReader {
  readonly #buffer: SharedArrayBuffer
  #words: Int32Array
  #at = HEADER_WORDS
  #edition = 0
  readonly #chainIds = new Map<string, number>()
  /** The name of each chain, and its pairs, by its id. */
  readonly #chains: { readonly name: string; readonly pairs: Map<string, number> }[] = []
  /** The name of each pair, and where it stands, by its id. */
  readonly #pairs: { readonly name: string; readonly among: Map<string, number>; readonly shared: number }[] = []

  /** Throws a ForewarmError `bad-shared-memory` if the buffer is not that of a NameLog. */
  constructor(buffer: unknown) {
    const isLog = buffer instanceof SharedArrayBuffer && buffer.byteLength >= HEADER_WORDS * 4
    if (!isLog || new Int32Array(buffer, 0, 1)[MAGIC_WORD] !== MAGIC)
      throw new ForewarmError('bad-shared-memory', `expected the names of a node, got ${String(buffer)}`)
    this.#buffer = buffer
    this.#words = new Int32Array(buffer)
  }

  /** The pair as an L1Reader takes it; -1 if it has no id. It may have lost its id just now: then L1 has no value under it. */
  find(chain: string, pair: string): number {
    const known = this.#known(chain, pair)
    if (known >= 0 || !this.catchUp()) return known
    return this.#known(chain, pair)
  }

  /** Reads new entries; false if there are none. */
  catchUp(): boolean {
    const edition = Atomics.load(this.#words, EDITION_WORD)
    // While the log is written again no name gets an id, so what is known is as good as it was.
    if (edition % 2 !== 0) return false
    if (edition !== this.#edition) this.#beginAnew(edition)
    const end = Atomics.load(this.#words, END_WORD)
    if (end === this.#at || Atomics.load(this.#words, EDITION_WORD) !== edition) return false
    if (end > this.#words.length) this.#words = new Int32Array(this.#buffer)
    while (this.#at < end && this.#take(this.#at, edition));
    return true
  }

  #known(chain: string, pair: string): number {
    const chainId = this.#chainIds.get(chain)
    return (chainId === undefined ? undefined : this.#chains[chainId]?.pairs.get(pair)) ?? -1
  }

  #beginAnew(edition: number): void {
    this.#edition = edition
    this.#at = HEADER_WORDS
    this.#chainIds.clear()
    this.#chains.length = 0
    this.#pairs.length = 0
  }

  /** Takes the entry at a word. False if the log is being written again, so that the entry may be half of another one. */
  #take(at: number, edition: number): boolean {
    const words = this.#words
    const [owner, id, nth, length] = [0, 1, 2, 3].map((word) => Atomics.load(words, at + word)) as [
      number,
      number,
      number,
      number,
    ]
    if (Atomics.load(words, EDITION_WORD) !== edition) return false
    const text = new Int32Array(wordsOf(length) - ENTRY_WORDS)
    for (let word = 0; word < text.length; word++) text[word] = Atomics.load(words, at + ENTRY_WORDS + word)
    if (Atomics.load(words, EDITION_WORD) !== edition) return false
    const name = Buffer.from(text.buffer, 0, length).toString('utf8')
    if (owner === CHAIN) this.#takeChain(id, name)
    else this.#takePair(this.#chains[owner]?.pairs, { id, nth, name })
    this.#at = at + wordsOf(length)
    return true
  }

  /** A name that has lost its id must not be found: when so many names had the id that `nth` comes round, it would be another's. */
  #takePair(among = new Map<string, number>(), { id, nth, name }: { id: number; nth: number; name: string }): void {
    const before = this.#pairs[id]
    // The name that had the id may have another one by now.
    if (before !== undefined && before.among.get(before.name) === before.shared) before.among.delete(before.name)
    const shared = sharedIdOf(id, nth)
    among.set(name, shared)
    this.#pairs[id] = { name, among, shared }
  }

  #takeChain(id: number, name: string): void {
    const before = this.#chains[id]?.name
    // The chain that had the id may have another one by now.
    if (before !== undefined && this.#chainIds.get(before) === id) this.#chainIds.delete(before)
    this.#chains[id] = { name, pairs: new Map() }
    this.#chainIds.set(name, id)
  }
}

function wordsOf(nameBytes: number): number {
  return ENTRY_WORDS + Math.ceil(nameBytes / 4)
}
