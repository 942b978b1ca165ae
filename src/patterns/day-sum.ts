import { DAY_HOURS } from '../prediction/access-history.ts'
import type { PairNames, PatternsDocument } from '../prediction/patterns-document.ts'
import type { Answer, DayHashes, Part } from './day-hashes.ts'
import { decodeEntry, type Refusal } from './pattern-entry.ts'

export interface DaySumOptions {
  readonly hashes: DayHashes
  readonly maxPairs: number
  /** Negative if there is no room. */
  readonly idOf: (names: PairNames) => number
  readonly onRefused: (entry: string, part: Part, reason: Refusal) => void
  /** True once the process ends: then the rest is not read. */
  readonly isClosed: () => boolean
}

export interface PartAsked extends Part {
  /** Reads of later hours are left out. */
  readonly now: number
  /** Entries that are left out. */
  readonly isOwn: (entry: string) => boolean
}

/** Merged and gone while they were read: then all are read anew, so often at most. */
const ATTEMPTS = 3

/** Adds up the entries of one part. */
export class DaySum {
  readonly #options: DaySumOptions
  readonly #asked: PartAsked
  /** The reads of each hour of the day. */
  readonly #sums = new Map<number, Uint32Array>()
  /** The hours that any of the nodes knows; none without entries. */
  firstHour = Number.POSITIVE_INFINITY
  lastHour = -1
  /** Entries that could be read. */
  readonly entries: string[] = []
  /** Those that nobody will write again. */
  readonly finals: string[] = []
  /** Pairs for which there was no room, once an entry. */
  withoutRoom = 0

  constructor(options: DaySumOptions, asked: PartAsked) {
    this.#options = options
    this.#asked = asked
  }

  get pairIds(): Iterable<number> {
    return this.#sums.keys()
  }

  in(pairId: number, hour: number): number {
    return this.#sums.get(pairId)?.[hour - this.#asked.day * DAY_HOURS] ?? 0
  }

  /** The id goes to another pair. */
  forget(pairId: number): void {
    this.#sums.delete(pairId)
  }

  async read(): Promise<Answer<void>> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      this.#clear()
      const read = await this.#readAll()
      if (!read.ok) return read
      if (read.value) return { ok: true, value: undefined }
    }
    return { ok: false, reason: 'entries were merged while they were read' }
  }

  #clear(): void {
    this.#sums.clear()
    this.entries.length = 0
    this.finals.length = 0
    this.withoutRoom = 0
  }

  /** False if an entry was gone. */
  async #readAll(): Promise<Answer<boolean>> {
    const { hashes, onRefused, isClosed } = this.#options
    const { isOwn, ...asked } = this.#asked
    const listed = await hashes.entries(asked)
    if (!listed.ok) return listed
    for (const entry of listed.value) {
      if (isClosed()) return { ok: false, reason: 'closed' }
      if (isOwn(entry)) continue
      const stored = await hashes.read(asked, entry)
      if (!stored.ok) return stored
      if (stored.value === undefined) return { ok: true, value: false }
      const outcome = await decodeEntry(stored.value, asked, (document) => this.#add(document))
      if (typeof outcome === 'string') onRefused(entry, asked, outcome)
      else {
        this.entries.push(entry)
        if (outcome.isFinal) this.finals.push(entry)
      }
    }
    return { ok: true, value: true }
  }

  #add({ firstHour, lastHour, pairs }: PatternsDocument): void {
    const { day, now } = this.#asked
    this.firstHour = Math.min(this.firstHour, firstHour)
    this.lastHour = Math.max(this.lastHour, Math.min(lastHour, now))
    for (const { reads, ...names } of pairs) {
      const sums = this.#sumsOf(this.#options.idOf(names))
      if (sums === undefined) this.withoutRoom++
      else for (const [hour, count] of reads) if (firstHour + hour <= now) add(sums, firstHour + hour, { day, count })
    }
  }

  #sumsOf(pairId: number): Uint32Array | undefined {
    const known = this.#sums.get(pairId)
    if (known !== undefined || pairId < 0 || this.#sums.size >= this.#options.maxPairs) return known
    const sums = new Uint32Array(DAY_HOURS)
    this.#sums.set(pairId, sums)
    return sums
  }
}

function add(sums: Uint32Array, hour: number, { day, count }: { readonly day: number; readonly count: number }): void {
  const at = hour - day * DAY_HOURS
  sums[at] = (sums[at] as number) + count
}
