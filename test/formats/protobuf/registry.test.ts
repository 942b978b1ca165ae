import { describe, expect, it } from '@jest/globals'
import type { Decoded } from '../../../src/formats/format.ts'
import { Formats, formatRules } from '../../../src/formats/formats.ts'
import type { Lookup, SchemaKey, SchemaSource, WrittenSchema } from '../../../src/formats/registry/schema-source.ts'
import type { KafkaRecord } from '../../../src/kafka-record.ts'
import { mulberry32 } from '../../harness/mulberry32.ts'
import { AT_MS } from '../stage.ts'
import { encoder, field } from './stage.ts'

const GUID = 'f3b1a5c0-1f2e-4d3c-8b4a-59687766554a'
/** Confluent's Java counts messages alone: neither the enum, nor the entries of the map, nor the group. */
const NESTED = `syntax = "proto2"; package feed;
message Header { optional string id = 1; }
enum Kind { A = 0; }
message Feed {
  map<string, string> labels = 1;
  message Status { optional string text = 1; }
  optional group Side = 2 { optional double bid = 1; }
  message Quote { optional string p = 1; optional double l = 2; }
}
message Last { optional string p = 1; optional double l = 2; }
`
const SCHEMAS: Readonly<Record<SchemaKey, Partial<WrittenSchema>>> = {
  1: { text: 'syntax = "proto3"; message Tick { string p = 1; double l = 2; }' },
  2: { text: 'syntax = "proto3"; message Tick { double l = 2; string p = 3; double extra = 4; }' },
  3: { text: NESTED },
  4: { type: 'AVRO', text: '"string"' },
  5: { text: 'message {' },
  6: {
    text: 'syntax = "proto3"; import "shared/side.proto"; message Tick { string p = 1; shared.Side side = 3; double l = 2; }',
    references: [
      { name: 'shared/unit.proto', text: 'syntax = "proto3"; package shared; message Unit { double value = 1; }' },
      {
        name: 'shared/side.proto',
        text: 'syntax = "proto3"; package shared; import "shared/unit.proto"; message Side { Unit bid = 1; }',
      },
    ],
  },
  7: { text: 'syntax = "proto3"; message Tick { string p = 1; }' },
  8: { text: 'syntax = "proto3"; message Tick { string p = 1; map<string, double> l = 2; }' },
  11: {
    text: 'syntax = "proto3"; import "confluent/meta.proto"; import "confluent/type/decimal.proto"; import "google/type/decimal.proto"; message Tick { string p = 1; confluent.type.Decimal l = 2; google.type.Decimal bid = 3; }',
  },
  12: {
    text: 'syntax = "proto3"; message Tick { string p = 1; double l = 2; Kind kind = 3; } enum Kind { option allow_alias = true; A = 0; B = 1; C = 1; }',
  },
  [GUID]: { text: NESTED },
}
function found(key: SchemaKey, schema: Partial<WrittenSchema>): Lookup {
  return { status: 'found', schema: { key, type: 'PROTOBUF', text: '', references: [], ...schema } }
}

const SOURCE: SchemaSource = {
  lookup: (key): Lookup => {
    const schema = SCHEMAS[key]
    if (schema === undefined) return { status: 'unknown', detail: 'the registry does not know it' }
    return found(key, schema)
  },
  trouble: undefined,
  close: () => undefined,
}

function decoder(mapping: object = {}, schemas = SOURCE) {
  const raw = {
    ...{ type: 'protobuf', schema: 'registry', chain: { const: 'c' }, pair: 'p', price: 'l' },
    ...{ eventTimeMs: { timestamp: true }, ...mapping },
  }
  const format = new Formats(formatRules({ x: raw }, []), schemas).of('x')
  return (value: Buffer, headers: KafkaRecord['headers'] = []): Decoded | undefined =>
    format?.decode({
      ...{ topic: 'x', partition: 0, offset: 0n, timestampMs: AT_MS, key: undefined, value, headers },
    })
}

const TICK = encoder('message Tick { optional string p = 1; optional double l = 2; }', 'Tick')({ p: 'A', l: 5 })
const framed = (id: number, indexes: readonly number[], value: Uint8Array = TICK) =>
  Buffer.from([0, 0, 0, 0, id, ...indexes, ...value])
const UPDATES = { ok: true, updates: [{ pair: 'A', price: 5, chain: 'c' }] }

describe('a schema of a registry that is damaged', () => {
  it('refuses its records, or reads them, and never throws', () => {
    const random = mulberry32(3)
    const parts = [
      ...NESTED.split(/(?<=[ ;{}=])/),
      'map<',
      '__proto__',
      'constructor',
      '{',
      '}',
      'oneof',
      '\0',
      '9'.repeat(50),
    ]
    const any = () => parts[Math.floor(random() * parts.length)] as string
    for (let run = 0; run < 2_000; run++) {
      const text = NESTED.split(/(?<=[ ;{}=])/)
      for (let change = 0; change <= run % 4; change++) text.splice(Math.floor(random() * text.length), run % 2, any())
      const schemas = { ...SOURCE, lookup: (): Lookup => found(1, { text: text.join('') }) }
      const decode = decoder({}, schemas)
      const said = [[0], [2, 4], [4, 2, 2]].map((indexes) => decode(framed(1, indexes)))
      for (const each of said) if (each?.ok === false) expect(each.detail.length).toBeLessThan(500)
    }
    expect(({} as Record<string, unknown>).l).toBeUndefined()
  })
})

describe('a Protobuf record of a registry', () => {
  const decode = decoder()

  it.each<readonly [what: string, id: number, indexes: readonly number[]]>([
    ['the first message, in short', 1, [0]],
    ['the first message, in full', 1, [2, 0]],
    ['a nested message', 3, [4, 2, 2]],
    ['the last message', 3, [2, 4]],
  ])('is read by its message indexes: %s', (_, id, indexes) => {
    expect(decode(framed(id, indexes))).toMatchObject(UPDATES)
  })

  it('is read by the schema that it names, as schemas change', () => {
    const later = encoder('message Tick { optional double l = 2; optional string p = 3; }', 'Tick')({ p: 'A', l: 5 })
    for (const value of [framed(1, [0]), framed(2, [0], later), framed(1, [0])])
      expect(decode(value)).toMatchObject(UPDATES)
  })

  it('is read with what its schema imports from other subjects', () => {
    const side = Buffer.concat([TICK, field(3, 2, 11, 10, 9, 9, 0, 0, 0, 0, 0, 0, 0, 0x40)])
    expect(decoder({ bid: 'side.bid.value' })(framed(6, [0], side))).toMatchObject({ updates: [{ pair: 'A', bid: 2 }] })
  })

  it('is read with the decimals that its writer has at hand, for which no subject is registered', () => {
    const price = field(2, 2, 6, ...field(1, 2, 2, 0x04, 0xd2), ...field(3, 0, 2))
    const bid = field(3, 2, 6, ...field(1, 2, 4, ...Buffer.from('12.3')))
    const value = framed(11, [0], Buffer.concat([field(1, 2, 1, 0x41), price, bid]))
    expect(decoder({ bid: 'bid' })(value)).toMatchObject({ updates: [{ pair: 'A', price: 12.34, bid: 12.3 }] })
  })

  it('is skipped by any of the names that a number of an enum has', () => {
    const value = framed(12, [0], Buffer.concat([TICK, field(3, 0, 1)]))
    for (const equals of ['B', 'C'])
      expect(decoder({ skip: { path: 'kind', equals } })(value)).toMatchObject({ updates: [], skipped: 1 })
    expect(decoder({ skip: { path: 'kind', equals: 'A' } })(value)).toMatchObject(UPDATES)
    expect(decoder({ skip: { path: 'kind', equals: 'A' } })(framed(12, [0]))).toMatchObject({ skipped: 1 })
  })

  it('is read by an id in a header, behind which its message indexes stand', () => {
    const guid = Buffer.from(GUID.replaceAll('-', ''), 'hex')
    const header = (...indexes: readonly number[]): KafkaRecord['headers'] => [
      ['__value_schema_id', Buffer.from([1, ...guid, ...indexes])],
    ]
    expect(decode(TICK, header(4, 2, 2))).toMatchObject(UPDATES)
    expect(decode(TICK, header(0))).toMatchObject({ ok: false, reason: 'missing-pair' })
    expect(decode(TICK, header())).toMatchObject({ ok: false, reason: 'missing-pair' })
    expect(decode(TICK, [['__value_schema_id', Buffer.from([0, 0, 0, 0, 1])]])).toMatchObject(UPDATES)
  })

  it('lacks what its schema does not have', () => {
    expect(decode(framed(7, [0]))).toMatchObject({ ok: false, reason: 'missing-price' })
  })

  it.each<readonly [what: string, value: Buffer, reason: string, detail: string]>([
    ['a message that is not there', framed(1, [2, 2]), 'unknown-schema', 'schema 1: it has no message at 1'],
    ['a nested message that is not there', framed(1, [4, 0, 0]), 'unknown-schema', 'no message at 0.0'],
    ['an index below 0', framed(1, [2, 1]), 'not-protobuf', 'expected up to 32 from 0 on, got -1'],
    ['as many indexes as nothing has', framed(1, [66, ...Array(33).fill(0)]), 'not-protobuf', 'got 33 message indexes'],
    ['fewer than no indexes', framed(1, [1]), 'not-protobuf', 'got -1 message indexes'],
    ['indexes that are cut off', Buffer.from([0, 0, 0, 0, 1, 4, 2]), 'not-protobuf', 'the record ends within a field'],
    ['no indexes', Buffer.from([0, 0, 0, 0, 1]), 'not-protobuf', 'the record ends within a field'],
    ['an index of 33 bits', framed(1, [2, 0x80, 0x80, 0x80, 0x80, 0x10]), 'not-protobuf', 'from 0 on, got -1'],
    ['an index of 11 bytes', framed(1, [2, ...Array(10).fill(0x80), 1]), 'not-protobuf', 'more than 10 bytes'],
    ['the schema of Avro', framed(4, [0]), 'unknown-schema', 'expected one of Protobuf, got one of AVRO'],
    ['a schema that is none', framed(5, [0]), 'unknown-schema', 'schema 5: illegal'],
    ['an id that the registry does not know', framed(9, [0]), 'unknown-schema', 'the registry does not know it'],
    ['a field that cannot be read as the mapping says', framed(8, [0]), 'unknown-schema', 'maps are not read'],
    [
      'another message than its schema says',
      framed(1, [0], field(2, 2, 1, 65)),
      'wrong-type',
      'Tick.l: expected double',
    ],
    ['no id', TICK, 'unknown-schema', 'expected a 0 and the id of a schema'],
  ])('is refused with the reason: %s', (_, value, reason, detail) => {
    expect(decode(value)).toEqual({ ok: false, reason, detail: expect.stringContaining(detail) })
    expect(decode(framed(1, [0]))).toMatchObject(UPDATES)
  })

  it('of another message than the mapping names is refused', () => {
    const named = decoder({ message: 'feed.Last' })
    expect(named(framed(3, [2, 4]))).toMatchObject(UPDATES)
    expect(named(framed(3, [4, 2, 2]))).toMatchObject({
      ...{ ok: false, reason: 'unknown-schema' },
      detail: 'schema 3: expected the message feed.Last, got "feed.Feed.Quote"',
    })
  })
})
