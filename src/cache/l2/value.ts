import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { type CachedPrice, emptyPrice, MAX_VERSION, type PriceColumns, setNumber } from '../cached-price.ts'

/**
 * A price as L2 stores it, little endian:
 *
 *     schema u8 | version f64 | event time f64 | presence u8 | the numbers that are present, f64 each
 *
 * That is 26 bytes with a price alone, 50 with four numbers, 66 with all six. Bit i of the presence byte stands for
 * NUMBER_FIELDS[i]. Every later schema must keep schema and version where they are, because the versioned write also
 * compares versions that a newer release has written.
 *
 * A tombstone is such a value with the presence TOMBSTONE and no numbers: everything up to its version is deleted. To an
 * older release it is bytes that it cannot read, whose version it respects.
 */
export const L2_SCHEMA = 1
export const VERSION_OFFSET = 1
export const HEAD_BYTES = 18
/** It also stands in the code that runs inside Redis. */
export const TOMBSTONE = 0x80
export const MAX_VALUE_BYTES = HEAD_BYTES + 8 * NUMBER_COUNT

const EVENT_TIME_OFFSET = 9
const PRESENCE_OFFSET = 17

export type DecodedValue =
  | { readonly ok: true; readonly price: CachedPrice }
  /** The pair is deleted up to this version. */
  | { readonly ok: true; readonly price: undefined; readonly version: number }
  | { readonly ok: false; readonly reason: 'short' | 'corrupt' | 'newer-schema' }

/** Writes a row at `offset` and returns the number of bytes, at most MAX_VALUE_BYTES. */
export function encodeValue(columns: PriceColumns, row: number, into: Buffer, offset: number): number {
  into[offset] = L2_SCHEMA
  into.writeDoubleLE(columns.versions[row] as number, offset + VERSION_OFFSET)
  into.writeDoubleLE(columns.eventTimesMs[row] as number, offset + EVENT_TIME_OFFSET)
  let presence = 0
  let end = offset + HEAD_BYTES
  for (let field = 0; field < NUMBER_COUNT; field++) {
    const value = columns.numbers[row * NUMBER_COUNT + field] as number
    if (Number.isNaN(value)) continue
    presence |= 1 << field
    end = into.writeDoubleLE(value, end)
  }
  into[offset + PRESENCE_OFFSET] = presence === 0 ? TOMBSTONE : presence
  return end - offset
}

/** Anything may be stored under a key of ours: bytes that are no value of this schema give a reason, and never throw. */
export function decodeValue(bytes: Buffer): DecodedValue {
  const schema = bytes[0]
  if (schema === undefined) return { ok: false, reason: 'short' }
  if (schema > L2_SCHEMA) return { ok: false, reason: 'newer-schema' }
  if (schema !== L2_SCHEMA) return { ok: false, reason: 'corrupt' }
  if (bytes.length < HEAD_BYTES) return { ok: false, reason: 'short' }
  const presence = bytes[PRESENCE_OFFSET] as number
  const isTombstone = presence === TOMBSTONE && bytes.length === HEAD_BYTES
  if (presence >= 1 << NUMBER_COUNT && !isTombstone) return { ok: false, reason: 'corrupt' }
  const length = HEAD_BYTES + (isTombstone ? 0 : 8 * bitCount(presence))
  if (bytes.length < length) return { ok: false, reason: 'short' }
  if (bytes.length > length) return { ok: false, reason: 'corrupt' }
  const version = bytes.readDoubleLE(VERSION_OFFSET)
  const eventTimeMs = bytes.readDoubleLE(EVENT_TIME_OFFSET)
  if (!(version >= 0 && version <= MAX_VERSION) || !Number.isFinite(eventTimeMs))
    return { ok: false, reason: 'corrupt' }
  if (isTombstone) return { ok: true, price: undefined, version }
  const price = emptyPrice()
  price.version = version
  price.eventTimeMs = eventTimeMs
  return decodeNumbers(bytes, presence, price) ? { ok: true, price } : { ok: false, reason: 'corrupt' }
}

function decodeNumbers(bytes: Buffer, presence: number, price: CachedPrice): boolean {
  let at = HEAD_BYTES
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
