import { describe, expect, it } from '@jest/globals'
import type { Decoded } from '../../../src/formats/format.ts'
import { Formats, formatRules } from '../../../src/formats/formats.ts'
import type { MappingFault } from '../../../src/formats/mapping/mapping-fault.ts'
import type { SchemaReference, SchemaSource } from '../../../src/formats/registry/schema-source.ts'
import { AT_MS, problemsOf } from '../stage.ts'
import {
  avroFormat,
  decimalBytes,
  FIELDS,
  framed,
  GOOD,
  QUOTE,
  quoteWith,
  read,
  record,
  recordOf,
  schemasOf,
  TIME,
  zigzag,
} from './stage.ts'

/** The only update of what was read. */
function updateOf(said: Decoded): unknown {
  return said.ok ? said.updates[0] : said
}

describe('Avro of a registry is read by the schema of its writer', () => {
  it('whose id is in front of the value', () => {
    expect(read(QUOTE, GOOD)).toMatchObject({
      ok: true,
      updates: [{ pair: 'ETH-USD', chain: 'c', price: 3120.5, eventTimeMs: AT_MS }],
    })
  })

  it('whose GUID is in a header, with nothing in front of the value', () => {
    const format = avroFormat(FIELDS, schemasOf({ '89791762-2336-186f-9674-299b90a802e2': QUOTE }))
    const guid = Buffer.from('01897917622336186f9674299b90a802e2', 'hex')
    const came = recordOf(framed(QUOTE, GOOD).subarray(5), { headers: [['__value_schema_id', guid]] })
    expect(updateOf(format.decode(came))).toMatchObject({ pair: 'ETH-USD' })
    expect(format.isFast?.(came.headers)).toBe(false)
    expect(format.isFast?.([['trace', guid]])).toBe(true)
  })

  it('each by its own, where the schema has changed: a field more, one less, one of another name', () => {
    const before = quoteWith({ name: 'venue', type: 'string' }, { name: 'price', type: 'double' })
    const after = quoteWith({ name: 'last', aliases: ['price'], type: 'float' }, { name: 'size', type: 'int' })
    const format = avroFormat(FIELDS, schemasOf({ 1: before, 2: after }))
    const decode = (value: Buffer) => updateOf(format.decode(recordOf(value)))
    expect(decode(framed(before, { ...GOOD, venue: 'x' }, 1))).toMatchObject({ price: 3120.5 })
    expect(decode(framed(after, { ...GOOD, last: 2.5, size: 1 }, 2))).toMatchObject({ price: 2.5 })
    expect(decode(framed(before, { ...GOOD, venue: 'x' }, 1))).toMatchObject({ price: 3120.5 })
  })

  it('with what it refers to in other subjects', () => {
    const pool = { ...record('Pool', { name: 'address', type: 'string' }), namespace: 'dex' }
    const source = withReferences(quoteWith({ name: 'price', type: 'double' }, { name: 'pool', type: 'dex.Pool' }), [
      { name: 'dex.Pool', text: JSON.stringify(pool) },
    ])
    const written = quoteWith({ name: 'price', type: 'double' }, { name: 'pool', type: pool })
    const format = avroFormat({ ...FIELDS, pair: 'pool.address' }, source)
    const value = framed(written, { ...GOOD, pool: { address: '0xabc' } })
    expect(updateOf(format.decode(recordOf(value)))).toMatchObject({ pair: '0xabc' })
  })

  it('that is recursive', () => {
    const tree = record('Tree', { name: 'price', type: 'double' }, { name: 'next', type: ['null', 'Tree'] })
    const schema = quoteWith({ name: 'tree', type: tree })
    const value = { ...GOOD, tree: { price: 1, next: { price: 2, next: { price: 3, next: null } } } }
    expect(updateOf(read(schema, value, { price: 'tree.next.next.price' }))).toMatchObject({ price: 3 })
    expect(updateOf(read(schema, value, { price: 'tree.price' }))).toMatchObject({ price: 1 })
  })

  it('whose value is a union of two records: paths lead into the one that came', () => {
    const trade = record('Trade', { name: 'price', type: 'double' })
    const book = record('Book', { name: 'bid', type: 'double' }, { name: 'ask', type: 'double' })
    const schema = quoteWith({ name: 'event', type: [trade, book] })
    const mapping = { price: 'event.price', skip: { path: 'event.bid', exists: true } }
    expect(updateOf(read(schema, { ...GOOD, event: { Trade: { price: 5 } } }, mapping))).toMatchObject({ price: 5 })
    expect(read(schema, { ...GOOD, event: { Book: { bid: 5, ask: 6 } } }, mapping)).toMatchObject({
      ok: true,
      skipped: 1,
    })
  })

  it('whose updates are a list in the record, with the fields around it', () => {
    const tick = record('Tick', { name: 'pair', type: 'string' }, { name: 'price', type: 'double' })
    const schema = record('Frame', { name: 'at', type: TIME }, { name: 'ticks', type: { type: 'array', items: tick } })
    const ticks = ['A', 'B', 'C'].map((pair) => ({ pair, price: 1 }))
    const said = read(schema, { at: AT_MS, ticks }, { updates: 'ticks', eventTimeMs: { outer: 'at' } })
    expect(said).toMatchObject({ updates: ticks.map((each) => ({ ...each, eventTimeMs: AT_MS })) })
    expect(read(schema, { at: AT_MS, ticks }, { pair: 'ticks.1.pair', price: 'ticks.1.price' })).toMatchObject({
      updates: [{ pair: 'B' }],
    })
  })

  it('whose updates are a list of which a condition, or a field around it, asks for one item', () => {
    const tick = record('Tick', { name: 'pair', type: 'string' }, { name: 'price', type: 'double' })
    const timed = { ...tick, fields: [...tick.fields, { name: 'at', type: TIME }, { name: 'op', type: 'string' }] }
    const schema = record('Frame', { name: 'ticks', type: { type: 'array', items: timed } })
    const ticks = ['A', 'B'].map((pair, i) => ({ pair, price: i + 1, at: AT_MS + i, op: 'u' }))
    const mapping = { updates: 'ticks', skip: { outer: 'ticks.1.op', equals: 'd' } }
    expect(read(schema, { ticks }, mapping)).toMatchObject({ updates: [{ price: 1 }, { price: 2 }] })
    expect(read(schema, { ticks }, { ...mapping, eventTimeMs: { outer: 'ticks.0.at' } })).toMatchObject({
      updates: [{ eventTimeMs: AT_MS }, { eventTimeMs: AT_MS }],
    })
  })

  it('with a list of more nulls than it has bytes', () => {
    const schema = record('Q', ...QUOTE.fields, { name: 'none', type: { type: 'array', items: 'null' } })
    expect(read(schema, { ...GOOD, none: Array(1_000).fill(null) })).toMatchObject({ updates: [{ price: 3120.5 }] })
  })

  it('and a record without a value delists the pair that its key names', () => {
    const format = avroFormat({ ...FIELDS, pair: { key: true } }, schemasOf({ 1: QUOTE }))
    expect(format.decode(recordOf(undefined, { key: Buffer.from('ETH-USD') }))).toMatchObject({
      deleted: [{ pair: 'ETH-USD' }],
    })
  })

  it('and conditions skip and delist', () => {
    const schema = quoteWith(
      { name: 'price', type: 'double' },
      { name: 'op', type: { type: 'enum', name: 'Op', symbols: ['u', 'd', 'beat'] } },
    )
    const mapping = { skip: { path: 'op', equals: 'beat' }, delete: { path: 'op', equals: 'd' } }
    expect(read(schema, { ...GOOD, op: 'beat' }, mapping)).toMatchObject({ ok: true, updates: [], skipped: 1 })
    expect(read(schema, { ...GOOD, op: 'd' }, mapping)).toMatchObject({ deleted: [{ pair: 'ETH-USD' }] })
    expect(read(schema, { ...GOOD, op: 'u' }, mapping)).toMatchObject({ updates: [{ price: 3120.5 }] })
  })
})

describe('a number of Avro', () => {
  const decimal = (type: object) => ({ ...type, logicalType: 'decimal', precision: 38, scale: 6 })
  it.each<readonly [what: string, type: object | string, value: unknown, price: unknown, number: number]>([
    ['a decimal of bytes', decimal({ type: 'bytes' }), decimalBytes(3_120_500_000n), 'price', 3120.5],
    ['a decimal of fixed', decimal({ type: 'fixed', name: 'F', size: 12 }), decimalBytes(1_500_000n, 12), 'price', 1.5],
    ['a whole number with a scale', 'long', 312_050, { path: 'price', scale: 2 }, 3120.5],
    ['a text', 'string', '3120.5', 'price', 3120.5],
    ['a float', 'float', 0.5, 'price', 0.5],
    ['of one or the other type', ['null', 'string', 'int'], 7, 'price', 7],
    ['of a map', { type: 'map', values: 'double' }, { usd: 5, eur: 4 }, 'price.usd', 5],
    [
      'bytes that the mapping explains',
      'bytes',
      decimalBytes(15n),
      { path: 'price', decimal: { base64: true, scale: 1 } },
      1.5,
    ],
  ])('is read from %s', (_, type, value, price, number) => {
    expect(updateOf(read(quoteWith({ name: 'price', type }), { ...GOOD, price: value }, { price }))).toMatchObject({
      price: number,
    })
  })

  it('below 0 is a price only where the mapping says so', () => {
    expect(read(QUOTE, { ...GOOD, price: -1 })).toMatchObject({ reason: 'negative' })
    expect(updateOf(read(QUOTE, { ...GOOD, price: -1 }, { signed: true }))).toMatchObject({ price: -1 })
  })

  it('of 40 digits is counted as rounded', () => {
    const schema = quoteWith({ name: 'price', type: { ...decimal({ type: 'bytes' }), scale: 36 } })
    const value = decimalBytes(1_234_567_890_123_456_789_012_345_678_901_234_567_890n)
    expect(read(schema, { ...GOOD, price: value })).toMatchObject({
      updates: [{ price: 1234.567890123457 }],
      rounded: 1,
    })
  })
})

describe('a time of Avro', () => {
  const unit = (name: string) => ({ type: 'long', logicalType: `timestamp-${name}` })
  const nanos = {
    type: 'record',
    name: 'Q',
    fields: [...QUOTE.fields.slice(0, 1), { name: 'price', type: 'double' }, { name: 'at', type: unit('nanos') }],
  }

  it('has the unit of its schema', () => {
    const micros = {
      ...nanos,
      fields: nanos.fields.map((field) => (field.name === 'at' ? { name: 'at', type: unit('micros') } : field)),
    }
    expect(updateOf(read(micros, { ...GOOD, at: AT_MS * 1000 + 999 }))).toMatchObject({ eventTimeMs: AT_MS })
  })

  it('in nanoseconds, which a double does not hold, is exact', () => {
    const format = avroFormat(FIELDS, schemasOf({ 1: nanos }))
    for (const past of [0n, 1n, 999_999n, 500_000n]) {
      const value = Buffer.concat([
        framed({ type: 'record', name: 'Q', fields: nanos.fields.slice(0, 2) }, GOOD),
        zigzag(BigInt(AT_MS) * 1_000_000n + past),
      ])
      expect(updateOf(format.decode(recordOf(value)))).toMatchObject({ eventTimeMs: AT_MS })
    }
  })

  it('has the unit of the mapping where that names one', () => {
    const seconds = quoteWith({ name: 'price', type: 'double' }, { name: 's', type: 'long' })
    expect(
      updateOf(read(seconds, { ...GOOD, s: 1_783_670_400 }, { eventTimeMs: { path: 's', unit: 's' } })),
    ).toMatchObject({
      eventTimeMs: 1_783_670_400_000,
    })
    expect(read(QUOTE, GOOD, { eventTimeMs: { path: 'at', unit: 'us' } })).toMatchObject({
      reason: 'event-time-seconds',
    })
  })
})

describe('a mapping of Avro', () => {
  it.each<readonly [text: string, fault: RegExp]>([
    ['no JSON', /JSON/],
    ['{"type":"record","name":"A","fields":[{"name":"b","type":"B"}]}', /the type "B" is not defined/],
    ['{"type":"record","name":"a b","fields":[]}', /expected a name, got "a b"/],
    ['[]', /loaded/],
  ])('names what is wrong with the schema of its file: %s', (text, fault) => {
    const problems: MappingFault[] = []
    formatRules({ 'prices.x': { type: 'avro', schema: 'quotes.avsc', ...FIELDS } }, problems, () => text)
    expect(problems.map(({ allowed }) => allowed).join() || 'loaded').toMatch(fault)
  })

  it('reads the records of a file’s schema, which have no id', () => {
    const text = JSON.stringify(QUOTE)
    const rules = formatRules({ 'prices.x': { type: 'avro', schema: 'quotes.avsc', ...FIELDS } }, [], () => text)
    const format = new Formats(rules).of('prices.x')
    expect(format?.decode(recordOf(framed(QUOTE, GOOD).subarray(5)))).toMatchObject({ updates: [{ price: 3120.5 }] })
    expect(format?.held?.(recordOf(framed(QUOTE, GOOD).subarray(5)))).toBeUndefined()
  })

  it.each<readonly [what: string, mapping: object, allowed: RegExp]>([
    ['without a schema', { schema: undefined }, /registry, or the path/],
    ['with a file that is not there', { schema: 'nowhere.avsc' }, /registry, or the path/],
    ['of JSON with a schema', { type: 'json' }, /nothing: JSON needs none/],
  ])('is not accepted %s', (_, mapping, allowed) => {
    const given = { type: 'avro', schema: 'registry', ...FIELDS, ...mapping }
    expect(problemsOf({ 'prices.x': given })).toEqual([
      expect.objectContaining({ setting: 'formats["prices.x"].schema', allowed: expect.stringMatching(allowed) }),
    ])
  })
})

function withReferences(schema: object, references: readonly SchemaReference[]): SchemaSource {
  return {
    lookup: (key) => ({ status: 'found', schema: { key, type: 'AVRO', text: JSON.stringify(schema), references } }),
    trouble: undefined,
    close: () => undefined,
  }
}
