import { readFileSync } from 'node:fs'
import avro from 'avsc'
import { type Refused, refused } from './refusal.ts'

/** The Confluent wire format: a zero byte, the id of the writer's schema (4 bytes, big-endian), the value. */
export const AVRO_MAGIC = 0
export const AVRO_HEADER_BYTES = 5

export const PRICE_RECORD_SCHEMA = avro.Type.forSchema(
  JSON.parse(readFileSync(new URL('./price-record.avsc', import.meta.url), 'utf8')),
  { wrapUnions: true },
)

/**
 * The id of price-record.avsc: the first four bytes of its MD5 fingerprint, made negative, since the ids of registries
 * are positive. So no registry gives it to another schema, and another release's schema has another id.
 */
export const PRICE_SCHEMA_ID = PRICE_RECORD_SCHEMA.fingerprint('md5').readInt32BE(0) | (1 << 31)

const OPENING = '{['
const CLOSING = '}]'

/**
 * The reason to refuse a value by its header. Avro names no fields in its bytes, so those of another schema could be
 * read, with a bid where ours have an ask. Only our own schema's id is therefore taken.
 */
export function checkedFrame(bytes: Buffer): Refused | undefined {
  if (bytes.length <= AVRO_HEADER_BYTES)
    return refused('not-avro', `expected more than the header, got ${bytes.length} bytes`)
  const id = bytes.readInt32BE(1)
  if (id === PRICE_SCHEMA_ID) return undefined
  if (isJson(bytes))
    return refused(
      'unknown-schema',
      `JSON behind schema id ${id}, as Confluent's JSON Schema serializer writes it: produce it without these 5 bytes`,
    )
  return refused(
    'unknown-schema',
    `schema id ${id}: Avro is read by price-record.avsc alone, under the id ${PRICE_SCHEMA_ID}: produce with that schema and id, or produce JSON`,
  )
}

/** Confluent's serializers may put the schema's id into this header, with no bytes of it in the value. */
const ID_HEADER = '__value_schema_id'

/** Names a refused value for what it is, if a header says that it was written by a schema of a registry. */
export function namedByHeaders(
  against: Refused,
  headers: readonly (readonly [name: string, value: Uint8Array])[],
): Refused {
  const isOfBytes = against.reason === 'not-json' || against.reason === 'not-avro'
  if (!isOfBytes || !headers.some(([name]) => name === ID_HEADER)) return against
  return refused(
    'unknown-schema',
    `the header ${ID_HEADER} names a schema of a registry, which is not read: produce JSON, or Avro by price-record.avsc`,
  )
}

function isJson(bytes: Buffer): boolean {
  const kind = OPENING.indexOf(String.fromCharCode(bytes[AVRO_HEADER_BYTES] as number))
  return kind >= 0 && bytes.toString('latin1').trimEnd().endsWith(CLOSING.charAt(kind))
}
