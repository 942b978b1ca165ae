/**
 * What happened, in the order in which it came: updates, and reads that missed. Appended to on the hot path, mined off
 * it, by this thread or by another one over the same memory.
 *
 * ```
 *   ┌──────────────┬──────────────────┬──────────────────┬──────────────────┬──────────────────┐
 *   │ reserved     │ forgotten        │ events           │ slices           │ chains           │
 *   │ Int32 (+ 4)  │ Float64 a pair   │ Int32 an entry   │ Int32 an entry   │ Uint16 a pair    │
 *   └──────────────┴──────────────────┴──────────────────┴──────────────────┴──────────────────┘
 * ```
 *
 * Entry n stands at n modulo the number of entries. There is one writer. It counts blocks of BLOCK entries in `reserved`
 * a whole block before it overwrites them, so that a reader that copies entries and looks at `reserved` (Atomics.load)
 * after it knows which of its copies may be of newer entries. Time is event time alone, in slices of SLICE_MS; a pair's
 * updates are logged once a slice, so that one updated a million times a second takes no more than 200 entries of it.
 * Reads are logged once a millisecond, as some keep to their time by the millisecond. An entry of `events` is the event × 8
 * and the milliseconds from the beginning of its slice.
 *
 * A pair is here its place among those that are tracked. When another pair gets the place, `forgotten` says up to which
 * entry it was not this one's: that is its generation.
 */

import { enlarged } from '../../enlarged.ts'

export const SLICE_MS = 5
const OFFSET_BITS = 3
const OFFSET_MASK = 2 ** OFFSET_BITS - 1
/** A stretch ends after so much event time, or when it fills the log. */
export const STRETCH_MS = 60_000
/** An update may come so long after newer ones of its chain. */
const TOLERATED_MS = 1_000
const BLOCK = 1_024
const MAX_ENDED = 2
/** A share of the log that stays free for what is written while another thread copies a stretch. */
const HEADROOM = 1 / 16
export const MAX_CHAINS = 65_536
const HEADER_BYTES = 8
const BYTES_A_PAIR = 10
const BYTES_AN_ENTRY = 8
/** Before all slices. */
export const NEVER = -(2 ** 31)

export interface LogSize {
  /** Pairs with ids below it are logged. */
  readonly maxPairs: number
  readonly entries: number
}

/** The log's memory, as another thread gets it. */
export interface LogMemory extends LogSize {
  readonly buffer: SharedArrayBuffer
}

/** Entries `from` to below `to`, as counted from the first that was ever written. */
export interface Stretch {
  readonly from: number
  readonly to: number
}

/** An event: the pair's id × 2, + 1 where it is a read that missed, or that only a warm kept from missing. */
export const READ_BIT = 1

/** What is in `events`: an event, so many milliseconds after the beginning of its slice. */
export function entryOf(event: number, offsetMs: number): number {
  return (event << OFFSET_BITS) + offsetMs
}

export function eventOf(entry: number): number {
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
  /** By pair: how many entries were written when it was delisted, or its place was given to it: those are not its own. */
  readonly forgotten: Float64Array<SharedArrayBuffer>
  readonly events: Int32Array<SharedArrayBuffer>
  readonly slices: Int32Array<SharedArrayBuffer>
  /** By pair. */
  readonly chains: Uint16Array<SharedArrayBuffer>

  constructor({ buffer, maxPairs, entries }: LogMemory) {
    const eventsAt = HEADER_BYTES + maxPairs * 8
    const slicesAt = eventsAt + entries * 4
    this.size = entries
    this.maxPairs = maxPairs
    this.reserved = new Int32Array(buffer, 0, 1)
    this.forgotten = new Float64Array(buffer, HEADER_BYTES, maxPairs)
    this.events = new Int32Array(buffer, eventsAt, entries)
    this.slices = new Int32Array(buffer, slicesAt, entries)
    this.chains = new Uint16Array(buffer, slicesAt + entries * 4, maxPairs)
  }

  /** The first entry that is certainly still what it was. `written`: a number of entries that have been; `reserved` counts on beyond its 32 bits. */
  firstWhole(written: number): number {
    const blocks = Math.floor(written / BLOCK)
    return (blocks + ((Atomics.load(this.reserved, 0) - blocks) | 0)) * BLOCK - this.size
  }
}

export class UpdateLog {
  readonly memory: LogMemory
  readonly #columns: LogColumns
  /** By event, as a pair's reads are logged beside its updates: of its last entry, the slice of an update, the millisecond of a read. */
  readonly #lastTimes: Int32Array<ArrayBuffer>
  /** By chain. */
  #newestMs = new Float64Array(64).fill(Number.NEGATIVE_INFINITY)
  /** Of the first entry: slices are counted from it. */
  #baseMs = Number.NaN
  #written = 0
  #stretchFrom = 0
  #stretchEndMs = Number.POSITIVE_INFINITY
  readonly #stretchEntries: number
  /** Not taken yet. */
  readonly #ended: Stretch[] = []
  #newestOfAllMs = Number.NEGATIVE_INFINITY
  /** Seen in their slice before. */
  repeated = 0
  /** More than the tolerated second after newer updates of their chain. */
  older = 0
  /** Of stretches that nobody took in time. */
  notTaken = 0
  /** Of pairs beyond `maxPairs`, or of chains beyond 65,536, or at no time. */
  refusedEvents = 0

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

  /** When the slice began, in event time. Their numbers begin anew after 248 days: of the times it may be, the nearest to the newest. */
  timeOf(slice: number): number {
    const newest = Math.floor((Math.max(this.#newestOfAllMs, this.#baseMs) - this.#baseMs) / SLICE_MS)
    return this.#baseMs + (newest - ((newest - slice) | 0)) * SLICE_MS
  }

  update(pairId: number, chainId: number, eventTimeMs: number): void {
    this.#append(pairId * 2, chainId, eventTimeMs)
  }

  /** A demand read that missed, some time after its update; updates in between that come later are not late for that. */
  missedRead(pairId: number, chainId: number, atMs: number): void {
    this.#append(pairId * 2 + READ_BIT, chainId, atMs)
  }

  /** Whatever is known of the pair is of no use for the next one in its place, nor if it is listed again. */
  forget(pairId: number): void {
    if (pairId >= this.memory.maxPairs) return
    this.#columns.forgotten[pairId] = this.#written
    this.#lastTimes.fill(NEVER, pairId * 2, pairId * 2 + 2)
  }

  /** How many entries were written before those of the pair that is there now. */
  forgottenAt(pairId: number): number {
    return this.#columns.forgotten[pairId] ?? 0
  }

  /** A stretch that has ended, the oldest first, each once; undefined while none has. */
  takeStretch(): Stretch | undefined {
    return this.#ended.shift()
  }

  /** Ends the stretch before its time, and takes it together with those that nobody took. */
  endStretch(): Stretch {
    const from = this.#ended[0]?.from ?? this.#stretchFrom
    this.#ended.length = 0
    this.#beginStretch()
    return { from, to: this.#written }
  }

  /** Where a stretch ends is a matter of what was logged, not of who looks when: the same log, the same stretches. */
  #endStretch(): void {
    // Its minute is over without an entry, where the one before it ended as it was full: it begins with this update.
    if (this.#written > this.#stretchFrom) this.#keepEnded()
    this.#beginStretch()
  }

  #keepEnded(): void {
    // Of those that nobody came for, the log has the newest still.
    const late = this.#ended.length === MAX_ENDED ? this.#ended.shift() : undefined
    if (late !== undefined) this.notTaken += late.to - late.from
    this.#ended.push({ from: this.#stretchFrom, to: this.#written })
  }

  #beginStretch(): void {
    this.#stretchFrom = this.#written
    this.#stretchEndMs =
      this.#newestOfAllMs === Number.NEGATIVE_INFINITY ? Number.POSITIVE_INFINITY : this.#newestOfAllMs + STRETCH_MS
  }

  #append(event: number, chainId: number, eventTimeMs: number): void {
    if (event >= this.#lastTimes.length || chainId >= MAX_CHAINS || !(eventTimeMs >= 0)) {
      this.refusedEvents++
      return
    }
    const isFirst = this.#written === 0
    const sinceMs = isFirst ? 0 : Math.floor(eventTimeMs - this.#baseMs)
    const slice = Math.floor(sinceMs / SLICE_MS)
    const isUpdate = (event & READ_BIT) === 0
    const time = (isUpdate ? slice : sinceMs) | 0
    if (this.#lastTimes[event] === time && !isFirst) {
      this.repeated++
      return
    }
    if (this.#isOlder(chainId, eventTimeMs, isUpdate)) {
      this.older++
      return
    }
    if (isFirst) this.#baseMs = eventTimeMs
    // The update that shows that the minute is over begins the next one: what follows it is to be mined with it.
    if (this.#newestOfAllMs >= this.#stretchEndMs) this.#endStretch()
    this.#lastTimes[event] = time
    this.#write(entryOf(event, sinceMs - slice * SLICE_MS), chainId, slice)
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
    columns.events[at] = entry
    columns.slices[at] = slice
    columns.chains[pairOf(entry)] = chainId
    this.#written = written + 1
    if (this.#written - this.#stretchFrom >= this.#stretchEntries) this.#endStretch()
  }
}
