import { isUtf8 } from 'node:buffer'
import { EIGHT_BYTES, FOUR_BYTES, LENGTH, VARINT, type WireReader } from './wire-reader.ts'

/** How the value of a field that is no message is read. */
export interface Scalar {
  readonly wire: number
  /** What stands for it if it is not written and its type has no presence. */
  readonly zero: number | string | boolean
  read(reader: WireReader): unknown
}

/** The scalar types of Protobuf. A 64-bit integer that a double does not hold is read as a text, as JSON's are. */
export const SCALARS: ReadonlyMap<string, Scalar> = new Map<string, Scalar>([
  [
    'double',
    { wire: EIGHT_BYTES, zero: 0, read: (reader) => at(reader, 8, (bytes, from) => bytes.readDoubleLE(from)) },
  ],
  ['float', { wire: FOUR_BYTES, zero: 0, read: (reader) => at(reader, 4, (bytes, from) => bytes.readFloatLE(from)) }],
  ['int32', { wire: VARINT, zero: 0, read: (reader) => varint(reader, () => reader.low) }],
  ['uint32', { wire: VARINT, zero: 0, read: (reader) => varint(reader, () => reader.low >>> 0) }],
  ['sint32', { wire: VARINT, zero: 0, read: (reader) => varint(reader, () => (reader.low >>> 1) ^ -(reader.low & 1)) }],
  ['int64', { wire: VARINT, zero: 0, read: (reader) => varint(reader, () => reader.signed()) }],
  ['uint64', { wire: VARINT, zero: 0, read: (reader) => varint(reader, () => reader.unsigned()) }],
  ['sint64', { wire: VARINT, zero: 0, read: (reader) => varint(reader, () => unfolded(reader)) }],
  [
    'fixed32',
    { wire: FOUR_BYTES, zero: 0, read: (reader) => at(reader, 4, (bytes, from) => bytes.readUInt32LE(from)) },
  ],
  [
    'sfixed32',
    { wire: FOUR_BYTES, zero: 0, read: (reader) => at(reader, 4, (bytes, from) => bytes.readInt32LE(from)) },
  ],
  ['fixed64', { wire: EIGHT_BYTES, zero: 0, read: (reader) => eight(reader, () => reader.unsigned()) }],
  ['sfixed64', { wire: EIGHT_BYTES, zero: 0, read: (reader) => eight(reader, () => reader.signed()) }],
  ['bool', { wire: VARINT, zero: false, read: (reader) => varint(reader, () => (reader.low | reader.high) !== 0) }],
  ['string', { wire: LENGTH, zero: '', read: text }],
  ['bytes', { wire: LENGTH, zero: '', read: base64 }],
])

/** An enum's value by its name; the number itself if the schema names none. `byNumber`: the names. */
export function enumScalar(byNumber: Readonly<Record<number, string>>, zero: string | number): Scalar {
  return { wire: VARINT, zero, read: (reader) => varint(reader, () => byNumber[reader.low] ?? reader.low) }
}

function varint<T>(reader: WireReader, value: () => T): T | undefined {
  reader.varint()
  return reader.fault === undefined ? value() : undefined
}

function at<T>(reader: WireReader, bytes: number, value: (bytes: Buffer, from: number) => T): T | undefined {
  const from = reader.take(bytes)
  return from === undefined ? undefined : value(reader.bytes, from)
}

function eight<T>(reader: WireReader, value: () => T): T | undefined {
  const from = reader.take(8)
  if (from === undefined) return undefined
  reader.low = reader.bytes.readInt32LE(from)
  reader.high = reader.bytes.readInt32LE(from + 4)
  return value()
}

/** A signed integer whose sign is its lowest bit. */
function unfolded(reader: WireReader): number | string {
  const { low, high } = reader
  const sign = -(low & 1)
  reader.low = ((low >>> 1) | (high << 31)) ^ sign
  reader.high = (high >>> 1) ^ sign
  return reader.signed()
}

function text(reader: WireReader): string | undefined {
  const bytes = lengthOf(reader)
  if (bytes === undefined) return undefined
  if (isUtf8(bytes)) return bytes.toString('utf8')
  // Decoding other bytes would turn different names into the same one.
  reader.broken('a text that is no UTF-8')
  return undefined
}

/** Bytes are texts of base64, as in the JSON form of Protobuf; `decimal` of a mapping reads them. */
function base64(reader: WireReader): string | undefined {
  return lengthOf(reader)?.toString('base64')
}

function lengthOf(reader: WireReader): Buffer | undefined {
  const end = reader.lengthEnd()
  if (reader.fault !== undefined) return undefined
  const from = reader.at
  reader.at = end
  return reader.bytes.subarray(from, end)
}
