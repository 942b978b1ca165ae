import { readNumber } from './json-number.ts'
import { MIN_EVENT_TIME_MS, type Updates, updatesOf } from './price-object.ts'
import { NUMBER_COUNT, NUMBER_FIELDS, type PriceUpdate } from './price-update.ts'
import { type Refused, refused } from './refusal.ts'
import { MAX_CHAIN_BYTES, MAX_PAIR_BYTES } from './topics.ts'
import { type PairIds, reserveRow, truncateColumns, type UpdateColumns } from './update-columns.ts'

/**
 * Price records in JSON -> columns, straight from the bytes: no string and no object an update, and names that are
 * known cost a comparison (bench/pipeline.ts holds it against JSON.parse). It takes records as one would write them:
 * known fields in any order, ASCII names without escapes, numbers at least 0. At anything else it gives up
 * on the record without an opinion, and `updatesOf` reads it exactly; so the two cannot disagree on what is valid.
 * Rows are appended, all of a record's or none.
 */
export function decodePriceJson(bytes: Buffer, columns: UpdateColumns, ids: PairIds): Refused | undefined {
  const rows = columns.count
  if (new Scan(bytes, columns, ids).record()) return undefined
  truncateColumns(columns, rows)
  const read = parsePriceJson(bytes)
  if (!read.ok) return read
  const against = appendUpdates(read.updates, columns, ids)
  if (against !== undefined) truncateColumns(columns, rows)
  return against
}

/** The exact reading, as objects. */
export function parsePriceJson(bytes: Buffer): Updates {
  let parsed: unknown
  try {
    parsed = JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    return refused('not-json', cause instanceof Error ? cause.message : String(cause))
  }
  return updatesOf(parsed)
}

export function encodePriceJson(updates: PriceUpdate | readonly PriceUpdate[]): string {
  return JSON.stringify(updates)
}

/** Up to the first update that is refused: the caller takes back what stands before it. */
export function appendUpdates(
  updates: readonly PriceUpdate[],
  columns: UpdateColumns,
  ids: PairIds,
): Refused | undefined {
  for (const update of updates) {
    const pairId = ids.register(update.chain, update.pair)
    if (pairId < 0)
      return refused('too-many-pairs', `no room for ${update.chain} ${update.pair}: all MAX_PAIRS are taken`)
    reserveRow(columns)
    const row = columns.count++
    columns.pairIds[row] = pairId
    columns.eventTimesMs[row] = update.eventTimeMs
    columns.sequences[row] = update.sequence ?? Number.NaN
    for (let f = 0; f < NUMBER_COUNT; f++)
      columns.numbers[row * NUMBER_COUNT + f] = update[NUMBER_FIELDS[f] ?? 'price'] ?? Number.NaN
    if (update.group !== undefined) columns.groups[row] = update.group
  }
  return undefined
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

/** Fields of an update; the first six are the columns of NUMBER_FIELDS. */
const EVENT_TIME = 6
const SEQUENCE = 7
const PAIR = 8
const CHAIN = 9
const GROUP = 10
const VERSION = 11
const UPDATES = 12
const UNKNOWN = -1

const FIELD_NAMES: readonly (readonly [name: string, field: number])[] = [
  ...NUMBER_FIELDS.map((name, column) => [name, column] as const),
  ['eventTimeMs', EVENT_TIME],
  ['sequence', SEQUENCE],
  ['pair', PAIR],
  ['chain', CHAIN],
  ['group', GROUP],
  ['v', VERSION],
  ['updates', UPDATES],
]

/** What the object at hand had: its numbers by field (NaN: not there), its names by start and end (end 0: not there). */
const SCRATCH = new Float64Array(PAIR)
const STARTS = new Int32Array(VERSION)
const FOUND = new Int32Array(VERSION)

/** Field names by length and first and last letter, which tell them apart; the letters between are compared after. */
const MAX_FIELD_NAME = 11
const FIELDS_BY_SHAPE = new Int8Array(1024).fill(UNKNOWN)
const FIELD_BYTES: Buffer[] = []
for (const [name, field] of FIELD_NAMES) {
  const bytes = Buffer.from(name)
  FIELDS_BY_SHAPE[shapeOf(bytes.length, bytes[0] ?? 0, bytes[bytes.length - 1] ?? 0)] = field
  FIELD_BYTES[field] = bytes
}

function shapeOf(length: number, first: number, last: number): number {
  return ((length << 6) ^ (first << 3) ^ last) & 1023
}

/**
 * Positions are passed and returned, -1 for "give up": kept in locals, they cost a third of what fields of an object do.
 * What else a reading finds is left in `names` and `scratch`.
 */
class Scan {
  readonly #bytes: Buffer
  readonly #columns: UpdateColumns
  readonly #ids: PairIds
  /** The first update's; a record holds one chain. */
  #chainId = -1

  constructor(bytes: Buffer, columns: UpdateColumns, ids: PairIds) {
    this.#bytes = bytes
    this.#columns = columns
    this.#ids = ids
  }

  /** False: nothing is claimed about the record, and the columns hold whatever was read of it. */
  record(): boolean {
    const bytes = this.#bytes
    const rows = this.#columns.count
    const at = skipSpace(bytes, 0)
    const end = bytes[at] === OPEN_LIST ? this.#list(at) : this.#object(at, true)
    // Not one byte past the end: a load that was once out of bounds is compiled the slow way for good (a third slower).
    return end > 0 && (end === bytes.length || skipSpace(bytes, end) === bytes.length) && this.#columns.count > rows
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

  /** An update, or, at the top, a frame of them. */
  #object(from: number, top: boolean): number {
    const bytes = this.#bytes
    if (bytes[from] !== OPEN_OBJECT) return -1
    // Not by `fill`, which costs more than it clears.
    FOUND[PAIR] = 0
    FOUND[CHAIN] = 0
    FOUND[GROUP] = 0
    for (let f = 0; f < PAIR; f++) SCRATCH[f] = Number.NaN
    let at = from + 1
    let framed = false
    for (;;) {
      at = skipSpace(bytes, at)
      const field = fieldAt(bytes, at)
      if (field === UNKNOWN) return -1
      at = skipSpace(bytes, at + (FIELD_BYTES[field] as Buffer).length + 2)
      if (bytes[at++] !== COLON) return -1
      at = skipSpace(bytes, at)
      if (field < PAIR) at = readNumber(bytes, at, SCRATCH, field)
      else if (field < VERSION) at = readName(bytes, at, field)
      else if (field === VERSION) at = bytes[at] === ONE ? at + 1 : -1
      // A frame's list comes after nothing but its version: an update read before it would be overwritten.
      else if (top && !framed && FOUND[PAIR] === 0 && bytes[at] === OPEN_LIST) {
        at = this.#list(at)
        framed = true
        FOUND[PAIR] = 0
        FOUND[CHAIN] = 0
        FOUND[GROUP] = 0
      } else return -1
      if (at < 0) return -1
      at = skipSpace(bytes, at)
      const next = bytes[at++]
      if (next === CLOSE_OBJECT) break
      if (next !== COMMA) return -1
    }
    if (framed) return FOUND[PAIR] === 0 && FOUND[CHAIN] === 0 && FOUND[GROUP] === 0 ? at : -1
    return this.#take() ? at : -1
  }

  /** The fields found -> a row. */
  #take(): boolean {
    const bytes = this.#bytes
    const columns = this.#columns
    const pairEnd = FOUND[PAIR] as number
    const chainEnd = FOUND[CHAIN] as number
    const eventTimeMs = SCRATCH[EVENT_TIME] as number
    if (pairEnd === 0 || chainEnd === 0 || !(eventTimeMs >= MIN_EVENT_TIME_MS) || Number.isNaN(SCRATCH[0] as number))
      return false
    const chainId = this.#ids.chainIdOfBytes(bytes, STARTS[CHAIN] as number, chainEnd)
    if (this.#chainId < 0) this.#chainId = chainId
    else if (this.#chainId !== chainId) return false
    const pairId = this.#ids.registerBytes(chainId, bytes, STARTS[PAIR] as number, pairEnd)
    if (pairId < 0) return false
    reserveRow(columns)
    const row = columns.count++
    const numbers = columns.numbers
    const base = row * NUMBER_COUNT
    for (let f = 0; f < NUMBER_COUNT; f++) numbers[base + f] = SCRATCH[f] as number
    columns.pairIds[row] = pairId
    columns.eventTimesMs[row] = Math.floor(eventTimeMs)
    columns.sequences[row] = SCRATCH[SEQUENCE] as number
    const groupEnd = FOUND[GROUP] as number
    if (groupEnd > 0) columns.groups[row] = bytes.toString('latin1', STARTS[GROUP] as number, groupEnd)
    return true
  }
}

/** The field whose quoted name starts here. */
function fieldAt(bytes: Buffer, at: number): number {
  if (bytes[at] !== QUOTE) return UNKNOWN
  const start = at + 1
  let end = start
  while (bytes[end] !== QUOTE) if (end++ - start > MAX_FIELD_NAME) return UNKNOWN
  const length = end - start
  if (length === 0) return UNKNOWN
  const field = FIELDS_BY_SHAPE[shapeOf(length, bytes[start] as number, bytes[end - 1] as number)] as number
  if (field === UNKNOWN) return UNKNOWN
  const name = FIELD_BYTES[field] as Buffer
  if (name.length !== length) return UNKNOWN
  for (let i = 1; i < length - 1; i++) if (name[i] !== bytes[start + i]) return UNKNOWN
  return name[0] === bytes[start] && name[length - 1] === bytes[end - 1] ? field : UNKNOWN
}

function readName(bytes: Buffer, from: number, field: number): number {
  if (bytes[from] !== QUOTE) return -1
  const start = from + 1
  let end = start
  for (; ; end++) {
    const byte = bytes[end] as number
    if (byte === QUOTE) break
    // Escapes, control characters, anything beyond ASCII and the end of the record: for the exact reading.
    if (!(byte >= 0x20 && byte < 0x80) || byte === BACKSLASH) return -1
  }
  if (end === start || end - start > (field === PAIR ? MAX_PAIR_BYTES : MAX_CHAIN_BYTES)) return -1
  STARTS[field] = start
  FOUND[field] = end
  return end + 1
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from
  let byte = bytes[at] as number
  while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++at] as number
  return at
}
