import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { appendUpdates, type UpdateColumns, updateColumns } from '../../../schemas/update-columns.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { AT_MS } from '../stage.ts'
import { avroFormat, decimalBytes, framed, recordOf, schemasOf } from './stage.ts'

const DECIMAL = { type: 'bytes', logicalType: 'decimal', precision: 20, scale: 6 }
const RICH = {
  type: 'record',
  name: 'Quote',
  fields: [
    { name: 'flag', type: 'boolean' },
    {
      name: 'pool',
      type: {
        type: 'record',
        name: 'Pool',
        fields: [
          { name: 'pair', type: 'string' },
          { name: 'x', type: 'int' },
        ],
      },
    },
    { name: 'price', type: DECIMAL },
    { name: 'bid', type: ['null', 'double'] },
    { name: 'last', aliases: ['ask'], type: ['float', 'null'] },
    {
      name: 'r0',
      type: ['null', { type: 'fixed', name: 'Big', size: 16, logicalType: 'decimal', precision: 30, scale: 2 }],
    },
    { name: 'r1', type: 'string' },
    { name: 'tags', type: { type: 'map', values: ['null', 'long', { type: 'array', items: 'Pool' }] } },
    { name: 'seq', type: ['null', 'long'] },
    { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['A', 'B', 'C', 'D'] } },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'sector', type: ['null', 'string'] },
  ],
}
const MAPPING = {
  ...{ chain: { const: 'c' }, pair: 'pool.pair', price: 'price', bid: 'bid', ask: 'ask' },
  ...{ reserve0: 'r0', reserve1: 'r1', sequence: 'seq', eventTimeMs: 'at', group: 'sector' },
  skip: [
    { path: 'heartbeat', exists: true },
    { path: 'kind', equals: 'A' },
  ],
  delete: { path: 'kind', equals: 'D' },
}

/** How values are read fast, and how they are read exactly: the rows of each, and how many were rounded. */
function reader(mapping: object, schema: object) {
  const format = avroFormat(mapping, schemasOf({ 1: schema }))
  const table = new PairTable({ maxPairs: 1_000 })
  const slowly = (value: Buffer) => {
    const columns = updateColumns()
    const said = format.decode(recordOf(value))
    if (said.ok) appendUpdates(said.updates, columns, table)
    return { rows: rowsOf(columns), rounded: said.ok ? said.rounded : 0 }
  }
  const fast = (value: Buffer) => {
    const columns = updateColumns()
    return format.decodeFast?.(value, columns, table) === true ? { rows: rowsOf(columns), rounded: 0 } : undefined
  }
  return { slowly, fast }
}

function rowsOf({ count, pairIds, eventTimesMs, sequences, numbers, groups }: UpdateColumns): readonly unknown[] {
  return Array.from({ length: count }, (_, row) => [
    ...[pairIds[row], eventTimesMs[row], sequences[row], groups[row]],
    ...numbers.subarray(row * NUMBER_COUNT, (row + 1) * NUMBER_COUNT),
  ])
}

const usual = {
  ...{ flag: true, pool: { pair: 'ETH-USD', x: -5 }, price: decimalBytes(3_120_500_000n), bid: 3120.4, last: 0.5 },
  ...{ r0: null, r1: '12.50', tags: { a: null, b: 5, c: [{ pair: 'x', x: 1 }] }, seq: 7, kind: 'B' },
  ...{ at: AT_MS * 1000 + 456, sector: 'defi' },
}

const long = fc.oneof(fc.integer(), fc.integer({ min: -(2 ** 53 - 2), max: 2 ** 53 - 2 }))
const quote = fc.record({
  flag: fc.boolean(),
  pool: fc.record({ pair: fc.oneof(fc.string(), fc.string({ unit: 'grapheme' })), x: fc.integer() }),
  price: fc.bigInt(-(2n ** 70n), 2n ** 70n).map((integer) => decimalBytes(integer)),
  bid: fc.option(fc.double()),
  last: fc.option(fc.float()),
  r0: fc.option(fc.bigInt(-(2n ** 60n), 2n ** 60n).map((integer) => decimalBytes(integer, 16))),
  r1: fc.oneof(fc.string(), fc.double({ min: 0 }).map(String), fc.integer().map(String)),
  tags: fc.dictionary(fc.string(), fc.oneof(fc.constant(null), long)),
  seq: fc.option(long),
  kind: fc.constantFrom('A', 'B', 'C', 'D'),
  at: fc.oneof(
    long,
    fc.integer({ min: 0, max: 1e9 }).map((past) => AT_MS * 1000 + past),
  ),
  sector: fc.option(fc.string()),
})

describe('Avro values of usual form are read without an object of them', () => {
  it('as the exact reading reads them', () => {
    const { slowly, fast } = reader(MAPPING, RICH)
    const value = framed(RICH, usual)
    expect(fast(value)).toBeUndefined()
    const exact = slowly(value)
    expect(exact.rows).toEqual([[0, AT_MS, 7, 'defi', 3120.5, 3120.4, 0.5, Number.NaN, 12.5, Number.NaN]])
    expect(fast(value)).toEqual(exact)
  })

  it('but for those with extra fields', () => {
    const { slowly, fast } = reader({ ...MAPPING, extra: { note: 'r1' } }, RICH)
    const value = framed(RICH, usual)
    slowly(value)
    expect(fast(value)).toBeUndefined()
  })

  it('and whatever they hold, and whatever is damaged in them, never otherwise than the exact reading does', () => {
    const { slowly, fast } = reader(MAPPING, RICH)
    slowly(framed(RICH, usual))
    let quick = 0
    const same = (value: Buffer) => {
      const read = fast(value)
      if (read === undefined) return
      quick++
      expect(read).toEqual(slowly(value))
    }
    fc.assert(
      fc.property(
        fc.record({ some: fc.subarray(Object.keys(usual)), of: quote }),
        fc.nat(),
        fc.nat(255),
        (given, place, byte) => {
          const changed = Object.fromEntries(given.some.map((name) => [name, given.of[name as keyof typeof given.of]]))
          const value = framed(RICH, { ...usual, ...changed })
          same(value)
          const damaged = Buffer.from(value)
          damaged[5 + (place % (value.length - 5))] = byte
          same(damaged)
          same(value.subarray(0, 5 + (place % (value.length - 5))))
        },
      ),
      { numRuns: 3_000 },
    )
    expect(quick).toBeGreaterThan(500)
  })

  it.each<readonly [what: string, type: object | string, value: unknown, ms: number]>([
    ['milliseconds', { type: 'long', logicalType: 'timestamp-millis' }, AT_MS, AT_MS],
    ['microseconds', { type: 'long', logicalType: 'timestamp-micros' }, AT_MS * 1000 + 999, AT_MS],
    ['a long of no unit', 'long', AT_MS, AT_MS],
  ])('with times in %s', (_, type, at, ms) => {
    const schema = { ...RICH, fields: RICH.fields.map((field) => (field.name === 'at' ? { ...field, type } : field)) }
    const { slowly, fast } = reader(MAPPING, schema)
    const value = framed(schema, { ...usual, at })
    const exact = slowly(value)
    expect(fast(value)).toEqual(exact)
    expect(exact.rows).toEqual([expect.arrayContaining([ms])])
  })

  it.each<readonly [what: string, more: object]>([
    ['fields of the user’s own', { extra: { kind: 'kind' } }],
    ['a condition on what is there', { skip: { path: 'kind', exists: true } }],
    ['a condition on a text', { skip: { path: 'r1', equals: 'x' } }],
    ['a condition on what is not there', { delete: { path: 'gone', absent: true } }],
    ['names in another case', { pair: { path: 'pool.pair', case: 'upper' } }],
    ['an exponent', { price: { path: 'price', exponent: 'seq' } }],
  ])('but not where the mapping has %s', (_, more) => {
    const { slowly, fast } = reader({ ...MAPPING, ...more }, RICH)
    slowly(framed(RICH, usual))
    expect(fast(framed(RICH, usual))).toBeUndefined()
  })

  it('with the middle of two doubles, and with that of two decimals', () => {
    for (const type of ['double', DECIMAL]) {
      const fields = [
        { name: 'p', type: 'string' },
        { name: 'b', type },
        { name: 'a', type },
        { name: 't', type: 'long' },
      ]
      const schema = { type: 'record', name: 'Q', fields }
      const number = (micros: number) => (type === 'double' ? micros / 1e6 : decimalBytes(BigInt(micros)))
      const mapping = { chain: { const: 'c' }, pair: 'p', price: { mid: ['b', 'a'] }, eventTimeMs: 't' }
      const { slowly, fast } = reader(mapping, schema)
      const value = framed(schema, { p: 'X', b: number(64_012_100_000), a: number(64_012_200_000), t: AT_MS })
      const exact = slowly(value)
      expect(fast(value)).toEqual(exact)
      expect(exact.rows).toEqual([expect.arrayContaining([64012.15])])
    }
  })
})
