import { describe, expect, it } from '@jest/globals'
import { encodePriceAvro } from '../../../schemas/price-avro.ts'
import { updateColumns } from '../../../schemas/update-columns.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { Formats, formatRules } from '../../../src/formats/formats.ts'
import type { SchemaSource } from '../../../src/formats/registry/schema-source.ts'
import { AT_MS } from '../stage.ts'
import {
  avroFormat,
  FIELDS,
  framed,
  GOOD,
  QUOTE,
  quoteWith,
  read,
  record,
  recordOf,
  schemasOf,
  zigzag,
} from './stage.ts'

describe('a record that Avro cannot be read from is refused', () => {
  const text = (value: string) => Buffer.from(value)
  const good = framed(QUOTE, GOOD)

  it.each<readonly [what: string, value: Buffer, reason: string, detail: RegExp]>([
    ['no bytes', text(''), 'unknown-schema', /got no bytes/],
    [
      'Avro of our own',
      encodePriceAvro({ pair: 'A', chain: 'c', price: 1, eventTimeMs: AT_MS }),
      'unknown-schema',
      /not below 0/,
    ],
    ['JSON', text('{"a":1}'), 'unknown-schema', /the id of a schema in front of the value.*7b226122/],
    ['an id that the registry does not know', framed(QUOTE, GOOD, 9), 'unknown-schema', /schema 9: .*does not know it/],
    [
      'the id of another type of schema',
      framed(QUOTE, GOOD, 2),
      'unknown-schema',
      /schema 2: expected one of Avro, got one of PROTOBUF/,
    ],
    [
      'a schema that is none',
      framed(QUOTE, GOOD, 3),
      'unknown-schema',
      /schema 3 cannot be used: the type "Nowhere" is not defined/,
    ],
    ['a value cut short', good.subarray(0, -1), 'not-avro', /it ends within a value/],
    [
      'a varint cut short',
      Buffer.concat([good.subarray(0, 5), text('\xff').subarray(0, 1)]),
      'not-avro',
      /ends within/,
    ],
    [
      'a varint without an end',
      Buffer.concat([good.subarray(0, 5), Buffer.alloc(12, 0xff)]),
      'not-avro',
      /more than 64 bits/,
    ],
    ['bytes left over', Buffer.concat([good, text('xy')]), 'not-avro', /2 bytes are left over/],
    ['a length below 0', Buffer.concat([good.subarray(0, 5), Buffer.from([1])]), 'not-avro', /a length below 0/],
  ])('with its reason: %s', (_, value, reason, detail) => {
    const source = schemasOf({ 1: QUOTE, 3: quoteWith({ name: 'price', type: 'Nowhere' }) })
    const format = avroFormat(FIELDS, { ...source, lookup: (key) => (key === 2 ? protobufOf(2) : source.lookup(key)) })
    const said = format.decode(recordOf(value))
    expect(said).toMatchObject({ ok: false, reason, detail: expect.stringMatching(detail) })
    expect(format.decode(recordOf(good))).toMatchObject({ ok: true })
  })

  it.each<readonly [what: string, type: object | string, value: unknown, reason: string]>([
    ['a record where a number should be', record('P', { name: 'x', type: 'int' }), { x: 1 }, 'wrong-type'],
    ['a list where a number should be', { type: 'array', items: 'double' }, [1], 'wrong-type'],
    ['a text that is no number', 'string', '3,120.50', 'wrong-type'],
    ['a number that is none', 'double', Number.NaN, 'not-finite'],
    ['a null', ['null', 'double'], null, 'missing-price'],
    ['true', 'boolean', true, 'wrong-type'],
  ])('with its reason: %s', (_, type, value, reason) => {
    expect(read(quoteWith({ name: 'price', type }), { ...GOOD, price: value })).toMatchObject({ ok: false, reason })
  })

  it('where its schema does not have what the mapping asks for', () => {
    expect(read(quoteWith({ name: 'last', type: 'double' }), { ...GOOD, last: 1 })).toMatchObject({
      reason: 'missing-price',
    })
  })

  it('where a text is no UTF-8, as different names would become the same', () => {
    const value = framed(QUOTE, { ...GOOD, pair: 'abc' })
    value[6] = 0xff
    const said = avroFormat(FIELDS, schemasOf({ 1: QUOTE })).decode(recordOf(value))
    expect(said).toMatchObject({ reason: 'not-avro', detail: expect.stringContaining('no UTF-8') })
  })

  it('where it is nested deeper than anything that has prices', () => {
    const tree = record('Tree', { name: 'next', type: ['null', 'Tree'] })
    const schema = quoteWith({ name: 'price', type: 'double' }, { name: 'tree', type: tree })
    const value = framed(schema, { ...GOOD, tree: { next: null } })
    const deep = Buffer.concat([value.subarray(0, -1), Buffer.alloc(100_000, 2), Buffer.from([0])])
    const format = avroFormat(FIELDS, schemasOf({ 1: schema }))
    expect(format.decode(recordOf(deep))).toMatchObject({ reason: 'not-avro', detail: expect.stringContaining('deep') })
  })

  it('where a list says that it has more items than there are bytes', () => {
    const schema = quoteWith(
      { name: 'price', type: 'double' },
      { name: 'list', type: { type: 'array', items: 'null' } },
    )
    const value = framed(schema, { ...GOOD, list: [] })
    const long = Buffer.concat([value.subarray(0, -1), zigzag(2n ** 40n), Buffer.from([0])])
    const format = avroFormat(FIELDS, schemasOf({ 1: schema }))
    expect(format.decode(recordOf(long))).toMatchObject({
      reason: 'not-avro',
      detail: expect.stringContaining('more items'),
    })
  })

  it('where its chain is the name of a topic that no chain can have, by the fast reading, too', () => {
    const topic = 'x'.repeat(65)
    const mapping = { type: 'avro', schema: 'registry', ...FIELDS, chain: { topic: true } }
    const formats = new Formats(formatRules({ '/^x+$/': mapping }, []), schemasOf({ 1: QUOTE }))
    const value = framed(QUOTE, GOOD)
    const fast = (of: string) => {
      const said = formats.of(of)?.decode(recordOf(value, { topic: of }))
      const table = new PairTable({ maxPairs: 10 })
      return [said, formats.of(of)?.decodeFast?.(value, updateColumns(), table)]
    }
    expect(fast(topic)).toEqual([expect.objectContaining({ reason: 'name-too-long' }), false])
    expect(fast('x')).toEqual([expect.objectContaining({ ok: true }), true])
  })

  it('where blocks of nothing have more items in all than there are bytes', () => {
    for (const wants of [{}, { extra: { nothing: 'list' } }]) {
      const schema = quoteWith(
        { name: 'price', type: 'double' },
        { name: 'list', type: { type: 'array', items: 'null' } },
      )
      const blocks = Array.from({ length: 1_000 }, () => zigzag(1_000n))
      const long = Buffer.concat([framed(schema, { ...GOOD, list: [] }).subarray(0, -1), ...blocks, Buffer.from([0])])
      const format = avroFormat({ ...FIELDS, ...wants }, schemasOf({ 1: schema }))
      expect(format.decode(recordOf(long))).toMatchObject({
        reason: 'not-avro',
        detail: expect.stringContaining('more items'),
      })
    }
  })

  it('where its bytes are to be a price and no decimal, even if they are digits in base64', () => {
    const price = Buffer.from('1234', 'base64')
    const schema = quoteWith({ name: 'price', type: 'bytes' })
    expect(read(schema, { ...GOOD, price })).toMatchObject({ reason: 'wrong-type' })
    const decimal = { price: { path: 'price', decimal: { base64: true } }, signed: true }
    expect(read(schema, { ...GOOD, price }, decimal)).toMatchObject({ ok: true, updates: [{ price: -2_658_824 }] })
    expect(read(schema, { ...GOOD, price: Buffer.from('x') }, { price: { const: 1 }, pair: 'price' })).toMatchObject({
      updates: [{ pair: 'eA==' }],
    })
  })
})

function protobufOf(key: number): ReturnType<SchemaSource['lookup']> {
  return { status: 'found', schema: { key, type: 'PROTOBUF', text: 'syntax = "proto3";', references: [] } }
}
