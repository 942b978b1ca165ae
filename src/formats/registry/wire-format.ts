import { type Refused, refused } from '../../../schemas/refusal.ts'
import type { KafkaRecord } from '../../kafka-record.ts'
import type { SchemaKey } from './schema-source.ts'

/** A value in the wire format of Confluent's serializers: the id of its schema, and where what it says begins. */
export interface Framed {
  readonly key: SchemaKey
  /** In the value. */
  readonly start: number
  /** What follows the id in the header; empty if the id is in the value. */
  readonly rest: Buffer
}

export const PREFIX_BYTES = 5
/** The first byte says what follows it: a number of four bytes, or a GUID of sixteen. */
const NUMBER = 0
const GUID = 1
const GUID_BYTES = 17
const NOTHING = Buffer.alloc(0)

/** Serializers may put the id into this header, with no bytes of it in the value. */
const ID_HEADER = '__value_schema_id'

export function hasIdHeader(headers: KafkaRecord['headers']): boolean {
  return headers.length > 0 && headers.some(([name]) => name === ID_HEADER)
}

/** Finds the id of a value's schema, in its header or in front of the value. */
export function framedOf({ headers }: Pick<KafkaRecord, 'headers'>, value: Buffer): Framed | Refused {
  const header = headers.length === 0 ? undefined : headers.findLast(([name]) => name === ID_HEADER)?.[1]
  if (header !== undefined) {
    const key = keyOf(header)
    return key ?? refused('unknown-schema', `${ID_HEADER}: expected the id of a schema, got ${shownBytes(header)}`)
  }
  if (value.length < PREFIX_BYTES || value[0] !== NUMBER)
    return refused(
      'unknown-schema',
      `expected a 0 and the id of a schema in front of the value, or the header ${ID_HEADER}, got ${shownBytes(value)}`,
    )
  return numbered(value.readInt32BE(1), { start: PREFIX_BYTES, rest: NOTHING })
}

/** No registry gives an id below 0. Asked for one, some answer as if they were none, and the record would wait for ever. */
function numbered(key: number, rest: Omit<Framed, 'key'>): Framed | Refused {
  if (key >= 0) return { key, ...rest }
  return refused('unknown-schema', `schema ${key}: expected the id of a registry, which is not below 0`)
}

function keyOf(header: Buffer): Framed | Refused | undefined {
  if (header[0] === NUMBER && header.length >= PREFIX_BYTES)
    return numbered(header.readInt32BE(1), { start: 0, rest: header.subarray(PREFIX_BYTES) })
  if (header[0] !== GUID || header.length < GUID_BYTES) return undefined
  const hex = header.toString('hex', 1, GUID_BYTES)
  const key = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  return { key, start: 0, rest: header.subarray(GUID_BYTES) }
}

const SHOWN_BYTES = 8

function shownBytes(bytes: Buffer): string {
  if (bytes.length === 0) return 'no bytes'
  const more = bytes.length > SHOWN_BYTES ? '…' : ''
  return `${bytes.length} bytes: ${bytes.toString('hex', 0, SHOWN_BYTES)}${more}`
}
