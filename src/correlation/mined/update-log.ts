/**
 * The log of updates and missed reads, in the order in which they came. The hot path appends to it; it is mined off that
 * path, by this thread or by another one over the same memory.
 *
 * ```
 *   ┌──────────────┬──────────────────┬──────────────────┬──────────────────┬──────────────────┐
 *   │ reserved     │ forgotten        │ marks            │ slices           │ chains           │
 *   │ Int32 (+ 4)  │ Float64 a pair   │ Int32 an entry   │ Int32 an entry   │ Uint16 a pair    │
 *   └──────────────┴──────────────────┴──────────────────┴──────────────────┴──────────────────┘
 * ```
 *
 * Entry n stands at n modulo the number of entries. There is one writer. It reserves blocks of BLOCK entries, and counts
 * them in `reserved` a whole block before it overwrites them. A reader copies entries first and loads `reserved` (with
 * Atomics) after that, so it knows which of its copies may be of newer entries.
 *
 * Time is event time, in slices of SLICE_MS. A pair's updates are logged once a slice, so that one updated a million
 * times a second takes only 200 entries of that second. Reads are logged once a millisecond, as some are that punctual.
 * An entry of `marks` is the mark × 8 + the milliseconds since its slice began.
 *
 * Pairs are named by their places in tracked-pairs.ts. When a place is given to another pair, `forgotten` has the number
 * of entries until then: these are not the new pair's.
 */

import { enlarged } from '../../../schemas/enlarged.ts'

export const SLICE_MS = 5
const OFFSET_BITS = 3
const OFFSET_MASK = 2 ** OFFSET_BITS - 1
/** A stretch ends after so much event time, or when it fills the log but for HEADROOM. */
export const STRETCH_MS = 60_000
/** An update may be so much older than the newest of its chain. */
const TOLERATED_MS = 1_000
const BLOCK = 1_024
const MAX_ENDED = 2
/** This share of the log stays free, for entries that are written while another thread copies a stretch. */
const HEADROOM = 1 / 16
export const MAX_CHAINS = 65_536
const HEADER_BYTES = 8
const BYTES_A_PAIR = 10
const BYTES_AN_ENTRY = 8
/** A slice before all others. */
export const NEVER = -(2 ** 31)

export interface LogSize {
  /** Only pairs with smaller ids are logged. */
  readonly maxPairs: number
  readonly entries: number
}

/** The log's memory, as it is handed to another thread. */
export interface LogMemory extends LogSize {
  readonly buffer: SharedArrayBuffer
}

/** The entries `from` to `to` (exclusive), numbered from the first that was ever written. */
export interface Stretch {
  readonly from: number
  readonly to: number
}

/** A mark is the pair's id × 2, + this bit for a read that missed, or would have missed without a warm. */
export const READ_BIT = 1

/** An entry of `marks`: the mark, so many milliseconds after its slice began. */
export function entryOf(mark: number, offsetMs: number): number {
  return (mark << OFFSET_BITS) + offsetMs
}

export function markOf(entry: number): number {
  return entry >> OFFSET_BITS
}

export function pairOf(entry: number): number {
  return entry >> (OFFSET_BITS + 1)
}

export function offsetMsOf(entry: number): number {
  return entry & OFFSET_MASK
}

export class LogColumns {
  readonly size: number
  readonly maxPairs: number
  readonly reserved: Int32Array<SharedArrayBuffer>
  /** Indexed by pair: how many entries were written when it was delisted, or got its place: those are not its own. */
  readonly forgotten: Float64Array<SharedArrayBuffer>
  readonly marks: Int32Array<SharedArrayBuffer>
  readonly slices: Int32Array<SharedArrayBuffer>
  /** Indexed by pair. */
  readonly chains: Uint16Array<SharedArrayBuffer>

  constructor({ buffer, maxPairs, entries }: LogMemory) {
    const marksAt = HEADER_BYTES + maxPairs * 8
    const slicesAt = marksAt + entries * 4
    this.size = entries
    this.maxPairs = maxPairs
    this.reserved = new Int32Array(buffer, 0, 1)
    this.forgotten = new Float64Array(buffer, HEADER_BYTES, maxPairs)
    this.marks = new Int32Array(buffer, marksAt, entries)
    this.slices = new Int32Array(buffer, slicesAt, entries)
    this.chains = new Uint16Array(buffer, slicesAt + entries * 4, maxPairs)
  }

  /** The first entry that is surely not overwritten. `written`: a count of entries so far, as `reserved` has only 32 bits. */
  firstWhole(written: number): number {
    const blocks = Math.floor(written / BLOCK)
    return (blocks + ((Atomics.load(this.reserved, 0) - blocks) | 0)) * BLOCK - this.size
  }
}

export class UpdateLog {
  readonly memory: LogMemory
  readonly #columns: LogColumns
  /** Indexed by mark: the time of its last entry, which is the slice of an update, or the millisecond of a read. */
  readonly #lastTimes: Int32Array<ArrayBuffer>
  /** Indexed by chain: the time of its newest update. */
  #newestMs = new Float64Array(64).fill(Number.NEGATIVE_INFINITY)
  /** The time of the first entry, which slices are counted from; NaN before it. */
  #baseMs = Number.NaN
  #written = 0
  #stretchFrom = 0
  #stretchEndMs = Number.POSITIVE_INFINITY
  readonly #stretchEntries: number
  /** Stretches that have ended and were not taken yet. */
  readonly #ended: Stretch[] = []
  #newestOfAllMs = Number.NEGATIVE_INFINITY
  /** Marks that were logged before in the same slice, or a read in the same millisecond. */
  repeated = 0
  /** Marks more than a second (TOLERATED_MS) older than the newest update of their chain. */
  older = 0
  /** Entries of stretches that nobody took in time. */
  notTaken = 0
  /** Marks of pairs beyond `maxPairs`, of chains beyond MAX_CHAINS, or without a valid time. */
  refusedMarks = 0

  constructor({ maxPairs, entries }: LogSize) {
    const bytes = HEADER_BYTES + maxPairs * BYTES_A_PAIR + entries * BYTES_AN_ENTRY
    this.memory = { buffer: new SharedArrayBuffer(bytes), maxPairs, entries }
    this.#columns = new LogColumns(this.memory)
    this.#lastTimes = new Int32Array(maxPairs * 2).fill(NEVER)
    this.#stretchEntries = Math.floor(entries * (1 - HEADROOM))
    Atomics.store(this.#columns.reserved, 0, 1)
  }

  get bytes(): number {
    return this.memory.buffer.byteLength + this.#lastTimes.byteLength + this.#newestMs.byteLength
  }

  /** How many entries were ever written. */
  get written(): number {
    return this.#written
  }

  /** When the slice began, in event time. Slices wrap around after 248 days: the time nearest to the newest is meant. */
  timeOf(slice: number): number {
    const newest = Math.floor((Math.max(this.#newestOfAllMs, this.#baseMs) - this.#baseMs) / SLICE_MS)
    return this.#baseMs + (newest - ((newest - slice) | 0)) * SLICE_MS
  }

  /** The slice of a time. */
  sliceOf(timeMs: number): number {
    return Math.floor((timeMs - this.#baseMs) / SLICE_MS) | 0
  }

  /** The time of the newest update; negative infinity before the first. */
  get newestMs(): number {
    return this.#newestOfAllMs
  }

  update(pairId: number, chainId: number, eventTimeMs: number): void {
    this.#append(pairId * 2, chainId, eventTimeMs)
  }

  /** A demand read missed at `atMs`, some time after its update. It makes no later update in between too old. */
  missedRead(pairId: number, chainId: number, atMs: number): void {
    this.#append(pairId * 2 + READ_BIT, chainId, atMs)
  }

  /** The pair was delisted, or its place goes to another pair: its entries until now count for nothing. */
  forget(pairId: number): void {
    if (pairId >= this.memory.maxPairs) return
    this.#columns.forgotten[pairId] = this.#written
    this.#lastTimes.fill(NEVER, pairId * 2, pairId * 2 + 2)
  }

  /** How many entries were written before the current pair got the place. */
  forgottenAt(pairId: number): number {
    return this.#columns.forgotten[pairId] ?? 0
  }

  /** Takes the oldest stretch that has ended; undefined if there is none. */
  takeStretch(): Stretch | undefined {
    return this.#ended.shift()
  }

  /** Ends the current stretch early, and takes it together with those that nobody took. */
  endStretch(): Stretch {
    const from = this.#ended[0]?.from ?? this.#stretchFrom
    this.#ended.length = 0
    this.#beginStretch()
    return { from, to: this.#written }
  }

  /** The logged entries alone decide where a stretch ends, so the same log always gives the same stretches. */
  #endStretch(): void {
    // After a stretch that filled the log, the next minute may pass without an entry: then there is nothing to keep.
    if (this.#written > this.#stretchFrom) this.#keepEnded()
    this.#beginStretch()
  }

  #keepEnded(): void {
    // If too many wait, the oldest goes: the log still has the newest ones.
    const late = this.#ended.length === MAX_ENDED ? this.#ended.shift() : undefined
    if (late !== undefined) this.notTaken += late.to - late.from
    this.#ended.push({ from: this.#stretchFrom, to: this.#written })
  }

  #beginStretch(): void {
    this.#stretchFrom = this.#written
    this.#stretchEndMs =
      this.#newestOfAllMs === Number.NEGATIVE_INFINITY ? Number.POSITIVE_INFINITY : this.#newestOfAllMs + STRETCH_MS
  }

  #append(mark: number, chainId: number, eventTimeMs: number): void {
    if (mark >= this.#lastTimes.length || chainId >= MAX_CHAINS || !(eventTimeMs >= 0)) {
      this.refusedMarks++
      return
    }
    const isFirst = this.#written === 0
    const sinceMs = isFirst ? 0 : Math.floor(eventTimeMs - this.#baseMs)
    const slice = Math.floor(sinceMs / SLICE_MS)
    const isUpdate = (mark & READ_BIT) === 0
    const time = (isUpdate ? slice : sinceMs) | 0
    if (this.#lastTimes[mark] === time && !isFirst) {
      this.repeated++
      return
    }
    if (this.#isOlder(chainId, eventTimeMs, isUpdate)) {
      this.older++
      return
    }
    if (isFirst) this.#baseMs = eventTimeMs
    // The first update after the minute is in the next stretch, so that it is mined together with what follows it.
    if (this.#newestOfAllMs >= this.#stretchEndMs) this.#endStretch()
    this.#lastTimes[mark] = time
    this.#write(entryOf(mark, sinceMs - slice * SLICE_MS), chainId, slice)
  }

  #isOlder(chainId: number, eventTimeMs: number, isUpdate: boolean): boolean {
    if (chainId >= this.#newestMs.length) this.#growTo(chainId)
    const newestMs = this.#newestMs[chainId] as number
    if (isUpdate && eventTimeMs > newestMs) {
      this.#newestMs[chainId] = eventTimeMs
      if (eventTimeMs > this.#newestOfAllMs) this.#newestOfAllMs = eventTimeMs
      if (this.#stretchEndMs === Number.POSITIVE_INFINITY) this.#stretchEndMs = eventTimeMs + STRETCH_MS
    }
    return eventTimeMs < newestMs - TOLERATED_MS
  }

  #growTo(chainId: number): void {
    const chains = Math.min(chainId * 2, MAX_CHAINS)
    this.#newestMs = enlarged(this.#newestMs, new Float64Array(chains).fill(Number.NEGATIVE_INFINITY))
  }

  #write(entry: number, chainId: number, slice: number): void {
    const columns = this.#columns
    const written = this.#written
    if (written % BLOCK === 0) Atomics.store(columns.reserved, 0, written / BLOCK + 2)
    const at = written % columns.size
    columns.marks[at] = entry
    columns.slices[at] = slice
    columns.chains[pairOf(entry)] = chainId
    this.#written = written + 1
    if (this.#written - this.#stretchFrom >= this.#stretchEntries) this.#endStretch()
  }
}
