import avro from 'avsc'
import { AVRO_HEADER_BYTES, AVRO_MAGIC, checkedFrame, PRICE_RECORD_SCHEMA } from './avro-frame.ts'
import { decodePriceAvro } from './price-avro.ts'
import { decodePriceJson, parsePriceJson } from './price-json.ts'
import { type Updates, updatesOf } from './price-object.ts'
import { type Refused, refused } from './refusal.ts'
import { MAX_RECORD_BYTES } from './topics.ts'
import type { PairIds, UpdateColumns } from './update-columns.ts'

const NO_BYTES = refused('empty', 'the value has no bytes')

/** Decodes the value of a price record, JSON or Avro by its first byte, into columns. Appends all its rows or none, but for pairs without room. */
export function decodePrices(value: Buffer, columns: UpdateColumns, ids: PairIds): Refused | undefined {
  const against = checkedSize(value)
  if (against !== undefined) return against
  return value[0] === AVRO_MAGIC ? decodePriceAvro(value, columns, ids) : decodePriceJson(value, columns, ids)
}

/** The same as objects, for callers that look at records one by one: replay, tail, tests. */
export function decodePriceRecord(value: Buffer): Updates {
  const against = checkedSize(value)
  if (against !== undefined) return against
  return value[0] === AVRO_MAGIC ? parsePriceAvro(value) : parsePriceJson(value)
}

function checkedSize(value: Buffer): Refused | undefined {
  return value.length === 0 ? NO_BYTES : checkedLength(value)
}

/** The reason to refuse a record that is larger than one may be, however it is written. */
export function checkedLength(value: Buffer): Refused | undefined {
  if (value.length <= MAX_RECORD_BYTES) return undefined
  return refused('too-large', `at most ${MAX_RECORD_BYTES} bytes, got ${value.length}`)
}

/** The schema library throws at a long that a double does not hold; the checks of updates name the field instead. */
const LONG = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => Number(bytes.readBigInt64LE()),
  toBuffer: (value: number) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(value))
    return bytes
  },
  fromJSON: Number,
  toJSON: Number,
  isValid: Number.isInteger,
  compare: (a: number, b: number) => Math.sign(a - b),
})
const EXACT_READER = avro.Type.forSchema(PRICE_RECORD_SCHEMA.schema(), { wrapUnions: true, registry: { long: LONG } })

function parsePriceAvro(value: Buffer): Updates {
  const foreign = checkedFrame(value)
  if (foreign !== undefined) return foreign
  let wrapped: unknown
  try {
    wrapped = EXACT_READER.fromBuffer(value.subarray(AVRO_HEADER_BYTES))
  } catch (cause) {
    return refused('not-avro', cause instanceof Error ? cause.message : String(cause))
  }
  return updatesOf(unwrapped(wrapped))
}

/** Undoes what the schema library does to the value of a union: it wraps it in an object keyed by the type. */
function unwrapped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrapped)
  if (typeof value !== 'object' || value === null) return value
  const [type, only] = Object.entries(value)[0] ?? []
  if (type === 'double' || type === 'long' || type === 'string' || type?.startsWith('forewarm.')) return unwrapped(only)
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, unwrapped(field)]))
}
