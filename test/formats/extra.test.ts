import { describe, expect, it } from '@jest/globals'
import type { Extra } from '../../schemas/price-update.ts'
import { appendUpdates, truncateColumns, updateAt, updateColumns } from '../../schemas/update-columns.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { Formats } from '../../src/formats/formats.ts'
import { type FormatMapping, format } from '../../src/formats/function-format.ts'
import { avroFormat, framed, recordOf, schemasOf } from './avro/stage.ts'
import { encoder, FILE, decoder as protobufDecoder, problemsOf as protobufProblemsOf } from './protobuf/stage.ts'
import { AT_MS, decoder, problemsOf } from './stage.ts'

const FIELDS = { chain: { const: 'c' }, pair: 'p', price: 'l', eventTimeMs: 't' }
const GOOD = { p: 'X', l: 5, t: AT_MS }
const update = { pair: 'X', chain: 'c', price: 5, eventTimeMs: AT_MS }
const said = (extra?: object) => ({ ok: true, updates: [extra === undefined ? update : { ...update, extra }] })

describe('the extra of a mapping', () => {
  it('keeps texts, numbers, true and false as they are, from every place of a field', () => {
    const decode = decoder(
      {
        ...FIELDS,
        updates: 'data',
        extra: {
          size: 'B',
          isLast: '/flags/last',
          frame: { outer: 'seq' },
          feed: { const: 'quotes' },
          venue: { topic: 'venue' },
          key: { key: true },
          source: { header: 'source' },
          at: { timestamp: true },
        },
      },
      '/^x-(?<venue>.+)$/',
    )
    const record = { seq: 12, data: [{ ...GOOD, B: '1.20', flags: { last: false } }] }
    const came = { topic: 'x-y', key: 'k', headers: [['source', Buffer.from('s')]] as const }
    const extra = {
      size: '1.20',
      isLast: false,
      frame: 12,
      feed: 'quotes',
      venue: 'y',
      key: 'k',
      source: 's',
      at: AT_MS,
    }
    expect(decode(record, came)).toMatchObject(said(extra))
  })

  it('has no field for what is absent or null, and is absent without one', () => {
    const decode = decoder({ ...FIELDS, extra: { a: 'a', b: 'b' } })
    expect(decode({ ...GOOD, a: null, b: 0 })).toMatchObject(said({ b: 0 }))
    const without = decode(GOOD)
    expect(without).toMatchObject(said())
    expect(without.ok && without.updates[0]).not.toHaveProperty('extra')
  })

  it('has the digits of a number that a double does not hold as a text', () => {
    const decode = decoder({ ...FIELDS, extra: { ns: 'recv' } })
    expect(decode(`{"p":"X","l":5,"t":${AT_MS},"recv":1783670400123456789}`)).toMatchObject(
      said({ ns: '1783670400123456789' }),
    )
  })

  it.each([
    ['an object', {}, 'wrong-type'],
    ['a list', [1], 'wrong-type'],
    ['a text of more than 1,024 characters', 'x'.repeat(1_025), 'too-large'],
  ])('refuses the record for %s', (_, e, reason) => {
    const decode = decoder({ ...FIELDS, extra: { e: 'e' } })
    const detail = expect.stringContaining('update 1: extra.e: ')
    expect(decode([GOOD, { ...GOOD, e }])).toMatchObject({ ok: false, reason, detail })
    expect(decode({ ...GOOD, e: 'x'.repeat(1_024) })).toMatchObject({ ok: true })
  })

  it('is bounded and checked at start', () => {
    const many = Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`f${at}`, 'a']))
    const places = { a: 'b', c: { path: 'd', unit: 's' }, e: { topic: 'venue' } }
    const faults = [many, ['a'], 'a', { '': 'a' }, { ['x'.repeat(65)]: 'a' }, JSON.parse('{"__proto__":"a"}'), places]
    expect(
      faults.flatMap((extra) => problemsOf({ x: { ...FIELDS, extra } }).map(({ setting }) => setting.slice(13))),
    ).toEqual([...Array.from({ length: 6 }, () => 'extra'), 'extra.c.unit', 'extra.e.topic'])
  })

  it('is not read from records of a mapping that has none', () => {
    expect(decoder(FIELDS)({ ...GOOD, extra: { a: 1 } })).toMatchObject(said())
  })

  it('leaves the flat reading to mappings without it, since that keeps nothing beside numbers and names', () => {
    const value = Buffer.from(JSON.stringify(GOOD))
    const record = { topic: 'x', partition: 0, offset: 0n, timestampMs: 0, key: undefined, value, headers: [] }
    const isFast = (mapping: FormatMapping) => {
      const of = new Formats([format('x', mapping)]).of('x')
      of?.decode(record)
      return of?.decodeFast?.(value, updateColumns(), new PairTable({ maxPairs: 10 }))
    }
    expect([isFast(FIELDS), isFast({ ...FIELDS, extra: { a: 'a' } })]).toEqual([true, false])
  })
})

describe('the extra of a mapping with a schema', () => {
  const extra = { venue: { outer: 'venue' }, size: 'size' }
  const listed = { chain: { const: 'c' }, updates: 'quotes', pair: 'pair', price: 'price', eventTimeMs: 'at', extra }
  const record = { venue: 'x', quotes: [{ pair: 'X', price: 5, at: AT_MS, size: 1.5 }] }

  it('is read from Avro, where no other field asks for it', () => {
    const fields = [
      { name: 'pair', type: 'string' },
      ...['price', 'size'].map((name) => ({ name, type: 'double' })),
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    ]
    const quotes = { type: 'array', items: { type: 'record', name: 'Quote', fields } }
    const schema = {
      type: 'record',
      name: 'Quotes',
      fields: [
        { name: 'venue', type: 'string' },
        { name: 'quotes', type: quotes },
      ],
    }
    const decoded = avroFormat(listed, schemasOf({ 1: schema })).decode(recordOf(framed(schema, record)))
    expect(decoded).toMatchObject(said({ venue: 'x', size: 1.5 }))
  })

  it('is read from Protobuf, and a field that the schema lacks is told of at start', () => {
    const proto = `syntax = "proto3";
      message Quotes { string venue = 1; repeated Quote quotes = 2; }
      message Quote { string pair = 1; double price = 2; int64 at = 3; double size = 4; }`
    const mapping = { ...listed, message: 'Quotes' }
    expect(protobufDecoder(mapping, proto)(encoder(proto, 'Quotes')(record))).toMatchObject(
      said({ venue: 'x', size: 1.5 }),
    )
    expect(protobufProblemsOf({ ...mapping, extra: { a: 'sise' } }, { [FILE]: proto })).toMatchObject([
      { setting: 'formats["prices.x"].extra.a' },
    ])
  })
})

describe('the extra of a function', () => {
  const read = (extra: unknown) =>
    new Formats([format('x', () => ({ ...update, extra }) as typeof update)]).of('x')?.decode({
      ...{ topic: 'x', partition: 0, offset: 0n, timestampMs: 0, key: undefined, value: undefined, headers: [] },
    })

  it('is kept', () => {
    expect(read({ venue: 'v', size: 1.5 })).toMatchObject(said({ venue: 'v', size: 1.5 }))
    expect(read(undefined)).toMatchObject(said())
  })

  it.each([
    ['a text in place of the object', 'v', 'wrong-type'],
    ['a list in place of the object', ['v'], 'wrong-type'],
    ['a function', { a: () => 1 }, 'wrong-type'],
    ['a bigint', { a: 1n }, 'wrong-type'],
    ['NaN', { a: Number.NaN }, 'not-finite'],
    ['more than 16 fields', Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`f${at}`, at])), 'too-large'],
    ['a field without a name', { '': 1 }, 'bad-name'],
    ['a field that an object would lose', JSON.parse('{"__proto__":1}'), 'bad-name'],
  ])('refuses the record for %s', (_, extra, reason) => {
    expect(read(extra)).toMatchObject({ ok: false, reason })
  })
})

describe('columns', () => {
  it('give an update the extra of its row, and never that of a row that was there before', () => {
    const table = new PairTable({ maxPairs: 10 })
    const columns = updateColumns()
    const extras = (...given: readonly (Extra | undefined)[]) => {
      truncateColumns(columns, 0)
      appendUpdates(
        given.map((extra) => (extra === undefined ? update : { ...update, extra })),
        columns,
        table,
      )
      return given.map((_, row) => updateAt(columns, row, update).extra)
    }
    expect(extras(undefined, { a: 1 }, undefined)).toEqual([undefined, { a: 1 }, undefined])
    expect(extras({ a: 2 }, undefined)).toEqual([{ a: 2 }, undefined])
  })
})
