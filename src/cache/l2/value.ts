import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import {
  type CachedPrice,
  emptyPrice,
  isTombstone,
  MAX_VERSION,
  type PriceColumns,
  setNumber,
} from '../cached-price.ts'
import { StoredJson } from '../values/stored-json.ts'

/**
 * A price as L2 stores it, little endian:
 *
 *     schema u8 | version f64 | event time f64 | presence u8 | source u32 | the numbers that are present, f64 each
 *
 * Schema 1 has no source; schema 2 has the code of the partition that the value came from (../sources/sources.ts). That
 * is 30 bytes with a price alone, 54 with four numbers, 70 with all six. Bit i of the presence byte stands for
 * NUMBER_FIELDS[i]. A value whose source is unknown is written in schema 1, and so is a tombstone.
 *
 * If the presence has the bit JSON, JSON in UTF-8 follows the numbers, to the end: values of any kind have nothing else, and prices
 * may have some beside their numbers. To an older release it is bytes that it cannot read, whose version it respects.
 *
 * Every later schema must keep schema and version where they are, because the versioned write also compares versions that a newer release has written.
 *
 * A tombstone is such a value with the presence TOMBSTONE and no numbers: everything up to its version is deleted. To an
 * older release it is bytes that it cannot read, whose version it respects.
 */
export const L2_SCHEMA = 1
export const SOURCE_SCHEMA = 2
export const VERSION_OFFSET = 1
export const HEAD_BYTES = 18
/** It also stands in the code that runs inside Redis. */
export const TOMBSTONE = 0x80
export const JSON_BIT = 0x40
export const SOURCE_BYTES = 4
/** The longest value without JSON. */
export const MAX_VALUE_BYTES = HEAD_BYTES + SOURCE_BYTES + 8 * NUMBER_COUNT

const EVENT_TIME_OFFSET = 9
const PRESENCE_OFFSET = 17

export type DecodedValue =
  /** The code of the price's source is 0 if that is unknown. */
  | { readonly ok: true; readonly price: CachedPrice; readonly sourceCode: number }
  /** The pair is deleted up to this version. */
  | { readonly ok: true; readonly price: undefined; readonly version: number }
  /** `other-kind`: a value of any kind where prices are read, or the other way round. */
  | { readonly ok: false; readonly reason: 'short' | 'corrupt' | 'newer-schema' | 'other-kind' }

/** What a cache holds: prices, which may have JSON beside their numbers, or values of any kind as JSON. */
export type Kind = 'prices' | 'values'

/** The most bytes that a row takes. */
export function mostBytesOf({ jsons }: PriceColumns, row: number): number {
  return MAX_VALUE_BYTES + (jsons[row]?.bytes ?? 0)
}

/** Writes a row at `offset` and returns the number of bytes. */
export function encodeValue(columns: PriceColumns, row: number, into: Buffer, offset: number): number {
  const sourceCode = isTombstone(columns, row) ? 0 : (columns.sourceCodes[row] as number)
  into[offset] = sourceCode === 0 ? L2_SCHEMA : SOURCE_SCHEMA
  into.writeDoubleLE(columns.versions[row] as number, offset + VERSION_OFFSET)
  into.writeDoubleLE(columns.eventTimesMs[row] as number, offset + EVENT_TIME_OFFSET)
  let presence = 0
  let end = offset + HEAD_BYTES
  if (sourceCode !== 0) end = into.writeUInt32LE(sourceCode, end)
  for (let field = 0; field < NUMBER_COUNT; field++) {
    const value = columns.numbers[row * NUMBER_COUNT + field] as number
    if (Number.isNaN(value)) continue
    presence |= 1 << field
    end = into.writeDoubleLE(value, end)
  }
  const json = columns.jsons[row]
  if (json !== undefined) {
    presence |= JSON_BIT
    end += into.write(json.text, end)
  }
  into[offset + PRESENCE_OFFSET] = presence === 0 ? TOMBSTONE : presence
  return end - offset
}

/** Anything may be stored under a key of ours: bytes that are no value of this schema give a reason, and never throw. */
export function decodeValue(bytes: Buffer, kind: Kind = 'prices'): DecodedValue {
  const schema = bytes[0]
  if (schema === undefined) return { ok: false, reason: 'short' }
  if (schema > SOURCE_SCHEMA) return { ok: false, reason: 'newer-schema' }
  if (schema < L2_SCHEMA) return { ok: false, reason: 'corrupt' }
  const headBytes = schema === SOURCE_SCHEMA ? HEAD_BYTES + SOURCE_BYTES : HEAD_BYTES
  if (bytes.length < headBytes) return { ok: false, reason: 'short' }
  const presence = bytes[PRESENCE_OFFSET] as number
  const isDeleted = presence === TOMBSTONE && schema === L2_SCHEMA && bytes.length === headBytes
  if (presence >= 2 * JSON_BIT && !isDeleted) return { ok: false, reason: 'corrupt' }
  const hasJson = !isDeleted && presence >= JSON_BIT
  const length = headBytes + (isDeleted ? 0 : 8 * bitCount(presence % JSON_BIT))
  if (bytes.length < length) return { ok: false, reason: 'short' }
  if (bytes.length > length && !hasJson) return { ok: false, reason: 'corrupt' }
  const version = bytes.readDoubleLE(VERSION_OFFSET)
  const eventTimeMs = bytes.readDoubleLE(EVENT_TIME_OFFSET)
  if (!(version >= 0 && version <= MAX_VERSION) || !Number.isFinite(eventTimeMs))
    return { ok: false, reason: 'corrupt' }
  if (isDeleted) return { ok: true, price: undefined, version }
  if ((kind === 'values') !== (presence === JSON_BIT)) return { ok: false, reason: 'other-kind' }
  const price = emptyPrice()
  price.version = version
  price.eventTimeMs = eventTimeMs
  price.json = hasJson ? StoredJson.of(bytes.subarray(length)) : undefined
  if (!decodeNumbers(bytes, headBytes, price) || hasJson !== (price.json !== undefined))
    return { ok: false, reason: 'corrupt' }
  return { ok: true, price, sourceCode: schema === SOURCE_SCHEMA ? bytes.readUInt32LE(HEAD_BYTES) : 0 }
}

function decodeNumbers(bytes: Buffer, from: number, price: CachedPrice): boolean {
  const presence = bytes[PRESENCE_OFFSET] as number
  let at = from
  for (let field = 0; field < NUMBER_COUNT; field++) {
    if ((presence & (1 << field)) === 0) continue
    const value = bytes.readDoubleLE(at)
    if (!Number.isFinite(value)) return false
    setNumber(price, field, value)
    at += 8
  }
  return true
}

function bitCount(byte: number): number {
  let count = 0
  for (let rest = byte; rest !== 0; rest &= rest - 1) count++
  return count
}
