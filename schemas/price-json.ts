import { isUtf8 } from 'node:buffer'
import { END_OF_EVENT_TIME_MS, MIN_EVENT_TIME_MS } from './event-time.ts'
import {
  CHAIN,
  EVENT_TIME,
  FIELD_BYTES,
  FIRST_PREFIXES,
  fieldAt,
  GROUP,
  isAt,
  LATER_PREFIXES,
  PAIR,
  SEQUENCE,
  UNKNOWN,
  UPDATES,
  VERSION,
  type Words,
} from './json/json-fields.ts'
import { NUMBER_READ, NUMBER_ROUNDED, readNumber } from './json/json-number.ts'
import { parsedJson } from './json/rounding.ts'
import { type Updates, updatesOf } from './price-object.ts'
import { NUMBER_COUNT, type PriceUpdate } from './price-update.ts'
import { areSame, aroundOf, isPlain } from './record-bytes.ts'
import { type Refused, refused } from './refusal.ts'
import { MAX_CHAIN_BYTES, MAX_PAIR_BYTES } from './topics.ts'
import { appendUpdates, type PairIds, reserveRow, truncateColumns, type UpdateColumns } from './update-columns.ts'

/**
 * Decodes JSON bytes into columns. Either all rows of the record are appended or none. Updates of pairs for which the
 * table of names has no room are left out; a record of such updates alone is refused. No string and no object is made
 * of an update, and a known name costs a comparison (bench/cases/pipeline.ts compares it with JSON.parse).
 *
 * It takes records as one would write them: known fields in any order, ASCII names without escapes, numbers of at least
 * 0. At anything else it gives up without a verdict, and `updatesOf` reads the record exactly. So the two cannot
 * disagree on what is valid.
 */
export function decodePriceJson(bytes: Buffer, columns: UpdateColumns, ids: PairIds): Refused | undefined {
  const { count: rows, rounded, leftOut } = columns
  if (new Scan(bytes, columns, ids).record()) return undefined
  truncateColumns(columns, rows)
  columns.rounded = rounded
  columns.leftOut = leftOut
  const read = parsePriceJson(bytes)
  if (!read.ok) return read
  const against = appendUpdates(read.updates, columns, ids)
  if (against === undefined) columns.rounded += read.rounded ?? 0
  return against
}

/** Reads a record exactly, as objects. */
export function parsePriceJson(bytes: Buffer): Updates {
  // Decoding other bytes would turn different names into the same one.
  if (!isUtf8(bytes)) return refused('not-json', 'expected UTF-8, got other bytes')
  let parsed: unknown
  try {
    parsed = parsedJson(bytes.toString('utf8'))
  } catch (cause) {
    return refused('not-json', cause instanceof Error ? cause.message : String(cause))
  }
  return updatesOf(parsed)
}

export function encodePriceJson(updates: PriceUpdate | readonly PriceUpdate[]): string {
  return JSON.stringify(updates)
}

const QUOTE = 0x22
const COMMA = 0x2c
const ONE = 0x31
const COLON = 0x3a
const BACKSLASH = 0x5c
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** The fields of the current object: numbers (NaN: absent), and names by start and end (end 0: absent). */
const SCRATCH = new Float64Array(PAIR)
const STARTS = new Int32Array(VERSION)
const FOUND = new Int32Array(VERSION)

/**
 * The fields of the last update, in its order. A source writes all its updates alike, so the next one is first compared
 * with these, name by name. Only if it differs is it read letter by letter.
 */
const ORDER = new Int8Array(UPDATES)
const ORDER_SEEN = new Int8Array(UPDATES)
let orderLength = 0

/**
 * Positions count from the start of the buffer that the record lies in. They are passed and returned, with -1 for "give
 * up": as locals they cost a third of what fields of an object do. All else that is read goes into the constants above.
 */
class Scan {
  readonly #bytes: Buffer
  readonly #view: DataView
  readonly #start: number
  readonly #end: number
  readonly #columns: UpdateColumns
  readonly #ids: PairIds
  /** The chain of the first update; a record holds one chain. */
  #chainId = -1
  /** Its place in the first update. */
  #chainStart = 0
  #chainLength = -1

  constructor(record: Buffer, columns: UpdateColumns, ids: PairIds) {
    const around = aroundOf(record)
    this.#bytes = around.bytes
    this.#view = around.view
    this.#start = record.byteOffset
    this.#end = record.byteOffset + record.length
    this.#columns = columns
    this.#ids = ids
  }

  /** False is no verdict on the record. The columns then hold whatever was read of it. */
  record(): boolean {
    const bytes = this.#bytes
    const rows = this.#columns.count
    const at = skipSpace(bytes, this.#start)
    const end = bytes[at] === OPEN_LIST ? this.#list(at) : this.#object(at, true)
    if (end < 0 || end > this.#end || this.#columns.count === rows) return false
    // Never reads past the end: once a load was out of bounds, it stays compiled the slow way (a third slower).
    return end === this.#end || skipSpace(bytes, end) >= this.#end
  }

  #list(from: number): number {
    const bytes = this.#bytes
    let at = from + 1
    for (;;) {
      at = this.#object(skipSpace(bytes, at), false)
      if (at < 0) return -1
      at = skipSpace(bytes, at)
      const next = bytes[at++]
      if (next === CLOSE_LIST) return at
      if (next !== COMMA) return -1
    }
  }

  /** Reads an update or, at the top level, a frame of updates. */
  #object(from: number, top: boolean): number {
    const end = this.#alike(from)
    return end < 0 ? this.#byLetter(from, top) : end
  }

  /** Reads an update that lists its fields like the last one; -1 for any other, which is then read by letter. */
  #alike(from: number): number {
    const view = this.#view
    const end = this.#end
    clearFound()
    let at = from
    for (let i = 0; i < orderLength; i++) {
      const field = ORDER[i] as number
      const prefix = (i === 0 ? FIRST_PREFIXES : LATER_PREFIXES)[field] as Words
      if (at + prefix.length > end || !isAt(view, at, prefix)) return -1
      at = this.#value(at + prefix.length, field)
      if (at < 0) return -1
    }
    return at < end && view.getUint8(at) === CLOSE_OBJECT && this.#take() ? at + 1 : -1
  }

  #byLetter(from: number, top: boolean): number {
    const bytes = this.#bytes
    if (bytes[from] !== OPEN_OBJECT) return -1
    clearFound()
    let at = from + 1
    let fields = 0
    let framed = false
    for (;;) {
      at = skipSpace(bytes, at)
      const field = fieldAt(bytes, at)
      if (field === UNKNOWN) return -1
      at = skipSpace(bytes, at + (FIELD_BYTES[field] as Buffer).length + 2)
      if (bytes[at++] !== COLON) return -1
      at = skipSpace(bytes, at)
      if (field < UPDATES) at = this.#value(at, field)
      // Only the version may stand before a frame's list: an update read before it would be overwritten.
      else if (top && !framed && FOUND[PAIR] === 0 && bytes[at] === OPEN_LIST) {
        at = this.#list(at)
        framed = true
        clearFound()
      } else return -1
      if (at < 0) return -1
      ORDER_SEEN[fields++] = field
      at = skipSpace(bytes, at)
      const next = bytes[at++]
      if (next === CLOSE_OBJECT) break
      if (next !== COMMA) return -1
    }
    if (at > this.#end) return -1
    if (framed) return FOUND[PAIR] === 0 && FOUND[CHAIN] === 0 && FOUND[GROUP] === 0 ? at : -1
    if (!this.#take()) return -1
    if (fields <= UPDATES) keepOrder(fields)
    return at
  }

  /** Reads a field's value into the constants above. */
  #value(at: number, field: number): number {
    if (field < PAIR) {
      const before = NUMBER_ROUNDED[0] as number
      const next = readNumber(this.#view, at, this.#end)
      const rounded = NUMBER_ROUNDED[0] as number
      // Versions depend on the last two; of a field that comes twice only the last value counts.
      if (rounded !== 0 && ((rounded !== before && field >= EVENT_TIME) || !Number.isNaN(SCRATCH[field] as number)))
        return -1
      SCRATCH[field] = NUMBER_READ[0] as number
      return next
    }
    if (field < VERSION) return readName(this.#view, at, this.#end, field)
    return at < this.#end && this.#bytes[at] === ONE ? at + 1 : -1
  }

  /** Whether the chain is that of the record's first update. Nearly always it is written alike, so nothing is looked up. */
  #isSameChain(start: number, end: number): boolean {
    const length = end - start
    if (length === this.#chainLength && areSame(this.#view, start, this.#chainStart, length)) return true
    const chainId = this.#ids.chainIdOfBytes(this.#view, start, end)
    // All chains are taken. The exact reader tells whether the record has several.
    if (chainId < 0) return false
    if (this.#chainId >= 0) return chainId === this.#chainId
    this.#chainId = chainId
    this.#chainStart = start
    this.#chainLength = length
    return true
  }

  /** Makes a row of the fields that were found. */
  #take(): boolean {
    const view = this.#view
    const columns = this.#columns
    const pairEnd = FOUND[PAIR] as number
    const chainEnd = FOUND[CHAIN] as number
    const eventTimeMs = SCRATCH[EVENT_TIME] as number
    const isTime = eventTimeMs >= MIN_EVENT_TIME_MS && eventTimeMs < END_OF_EVENT_TIME_MS
    if (pairEnd === 0 || chainEnd === 0 || !isTime || Number.isNaN(SCRATCH[0] as number)) return false
    if ((SCRATCH[SEQUENCE] as number) > Number.MAX_SAFE_INTEGER) return false
    if (!this.#isSameChain(STARTS[CHAIN] as number, chainEnd)) return false
    const pairId = this.#ids.registerBytes(this.#chainId, view, STARTS[PAIR] as number, pairEnd)
    if (pairId < 0) {
      columns.leftOut++
      return true
    }
    reserveRow(columns)
    const row = columns.count++
    const numbers = columns.numbers
    const base = row * NUMBER_COUNT
    for (let f = 0; f < NUMBER_COUNT; f++) numbers[base + f] = SCRATCH[f] as number
    columns.pairIds[row] = pairId
    columns.eventTimesMs[row] = Math.floor(eventTimeMs)
    columns.sequences[row] = SCRATCH[SEQUENCE] as number
    if (NUMBER_ROUNDED[0] !== 0) columns.rounded++
    const groupEnd = FOUND[GROUP] as number
    if (groupEnd > 0) columns.groups[row] = this.#bytes.toString('latin1', STARTS[GROUP] as number, groupEnd)
    return true
  }
}

function clearFound(): void {
  // A loop is faster here than `fill`.
  FOUND[PAIR] = 0
  FOUND[CHAIN] = 0
  FOUND[GROUP] = 0
  for (let f = 0; f < PAIR; f++) SCRATCH[f] = Number.NaN
  NUMBER_ROUNDED[0] = 0
}

function keepOrder(fields: number): void {
  ORDER.set(ORDER_SEEN)
  orderLength = fields
}

function readName(view: DataView, from: number, end: number, field: number): number {
  if (from >= end || view.getUint8(from) !== QUOTE) return -1
  const start = from + 1
  let at = start
  while (at + 4 <= end && isPlain(view.getInt32(at, true))) at += 4
  for (; ; at++) {
    const byte = at < end ? view.getUint8(at) : 0
    if (byte === QUOTE) break
    // Escapes, control characters, non-ASCII bytes and the end of the record are left to the exact reading.
    if (!(byte >= 0x20 && byte < 0x80) || byte === BACKSLASH) return -1
  }
  if (at === start || at - start > (field === PAIR ? MAX_PAIR_BYTES : MAX_CHAIN_BYTES)) return -1
  STARTS[field] = start
  FOUND[field] = at
  return at + 1
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from
  let byte = bytes[at] as number
  while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++at] as number
  return at
}
