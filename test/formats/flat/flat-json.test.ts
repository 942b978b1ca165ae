import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { appendUpdates, type UpdateColumns, updateColumns } from '../../../schemas/update-columns.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { Formats } from '../../../src/formats/formats.ts'
import { format } from '../../../src/formats/function-format.ts'
import { AT_MS } from '../stage.ts'

const MAPPING = {
  chain: 'v',
  pair: 's',
  group: 'g',
  price: { mid: ['b', 'a'] },
  bid: 'b',
  ask: 'a',
  liquidity: 'l',
  sequence: 'u',
  eventTimeMs: 'E',
  skip: [
    { path: 'result', exists: true },
    { path: 'v', absent: true },
  ],
}

/** A format, and how it reads values one after the other: the rows, and whether the fast way did it. */
function reader(mapping: object) {
  const found = new Formats([format('x', mapping as Record<string, unknown>)]).of('x')
  if (found === undefined) throw new Error('there is no format')
  const table = new PairTable({ maxPairs: 1_000 })
  const slowly = (value: Buffer): UpdateColumns => {
    const columns = updateColumns()
    const said = found.decode({
      topic: 'x',
      partition: 0,
      offset: 0n,
      timestampMs: 0,
      key: undefined,
      value,
      headers: [],
    })
    if (said.ok) appendUpdates(said.updates, columns, table)
    columns.rounded = 0
    return columns
  }
  const fast = (value: Buffer): UpdateColumns | undefined => {
    const columns = updateColumns()
    return found.decodeFast?.(value, columns, table) === true ? columns : undefined
  }
  return { slowly, fast }
}

function rowsOf({ count, pairIds, eventTimesMs, sequences, numbers, groups }: UpdateColumns): readonly unknown[] {
  return Array.from({ length: count }, (_, row) => [
    ...[pairIds[row], eventTimesMs[row], sequences[row], groups[row]],
    ...numbers.subarray(row * NUMBER_COUNT, (row + 1) * NUMBER_COUNT),
  ])
}

const quoteOf = (rest: object = {}) => ({ s: 'ETH', v: 'x', b: '1.10', B: '2', a: '1.20', u: 7, E: AT_MS, ...rest })
const bytes = (value: object | string) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))

describe('flat JSON is read by the order of its members', () => {
  it('from the second record of that order on, as the exact reading reads it', () => {
    const { slowly, fast } = reader(MAPPING)
    expect(fast(bytes(quoteOf()))).toBeUndefined()
    const exact = slowly(bytes(quoteOf()))
    const quick = fast(bytes(quoteOf()))
    expect(quick && rowsOf(quick)).toEqual(rowsOf(exact))
    expect(exact.count).toBe(1)
    expect(
      fast(bytes(JSON.stringify(quoteOf({ s: 'BTC', b: '64012.10', a: '64012.20' }), undefined, 0)))?.numbers[0],
    ).toBe(64012.15)
  })

  it('and leaves a quote of which one side is 0 for none to the exact reading', () => {
    const { slowly, fast } = reader({ ...MAPPING, zero: 'absent' })
    slowly(bytes(quoteOf()))
    expect(fast(bytes(quoteOf()))?.count).toBe(1)
    for (const side of [{ b: '0.00' }, { a: 0 }]) expect(fast(bytes(quoteOf(side)))).toBeUndefined()
  })

  it('with the spaces that its source writes', () => {
    const { slowly, fast } = reader(MAPPING)
    const text = '{"s": "ETH", "v": "x", "b": "1.1", "a": 1.2, "E": 1783670400123}'
    slowly(bytes(text))
    expect(fast(bytes(text.replace('ETH', 'BTC')))?.count).toBe(1)
  })

  it('whatever ends them: a text of a letter, a number, true or null', () => {
    for (const last of ['S', '', 5, true, false, null]) {
      const { slowly, fast } = reader(MAPPING)
      slowly(bytes(quoteOf({ last })))
      expect([last, fast(bytes(quoteOf({ last })))?.count]).toEqual([last, 1])
    }
  })

  it.each<readonly [what: string, value: object | string]>([
    ['an ack', { result: null, id: 1 }],
    ['a text with an escape', quoteOf({ s: 'E"H' })],
    ['letters that are not ASCII', quoteOf({ s: 'ΞTH' })],
    ['a null', quoteOf({ b: null })],
    ['a number below 0', quoteOf({ b: '-1' })],
    ['a time with a fraction', quoteOf({ E: AT_MS + 0.5 })],
    ['a time in seconds', quoteOf({ E: 1_783_670_400 })],
    ['a number of 30 digits', quoteOf({ b: '1.234567890123456789012345678901' })],
    ['a list where a number should be', quoteOf({ b: [1] })],
    ['a member that is no JSON', JSON.stringify(quoteOf()).replace('"B":"2"', '"B":1.2.3')],
    ['something after the end', `${JSON.stringify(quoteOf())}x`],
    ['a truncated record', JSON.stringify(quoteOf()).slice(0, -3)],
    ['another order', { E: AT_MS, s: 'ETH', v: 'x', b: 1, a: 2 }],
  ])('and leaves all else to the exact reading: %s', (_, value) => {
    const { slowly, fast } = reader(MAPPING)
    slowly(bytes(quoteOf()))
    expect(fast(bytes(quoteOf()))?.count).toBe(1)
    expect(fast(bytes(value))).toBeUndefined()
  })

  it('and neither way gives another row than the other, whatever the records are', () => {
    const value = fc.oneof(
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.nat(1e9),
      fc.integer(),
      fc.nat(1e9).map((number) => (number / 1e4).toFixed(4)),
      fc.constantFrom('ETH', 'x', '', '1e3', '0.10', '01', null, true, [], {}, AT_MS, `${AT_MS}`),
    )
    const member = fc.tuple(fc.constantFrom('s', 'v', 'g', 'b', 'a', 'l', 'u', 'E', 'B', 'result'), value)
    const changed = fc
      .array(member, { maxLength: 3 })
      .map((members) => JSON.stringify({ ...quoteOf(), ...Object.fromEntries(members) }))
    const cut = fc
      .tuple(changed, fc.nat(150), fc.string({ maxLength: 2 }))
      .map(([text, at, by]) => text.slice(0, at) + by + text.slice(at + by.length))
    fc.assert(
      fc.property(fc.boolean(), fc.array(fc.oneof(changed, changed, cut), { maxLength: 200 }), (isAbsent, texts) => {
        const { slowly, fast } = reader({ ...MAPPING, zero: isAbsent ? 'absent' : 'price' })
        slowly(bytes(quoteOf()))
        for (const text of texts) {
          const quick = fast(bytes(text))
          if (quick !== undefined) expect(rowsOf(quick)).toEqual(rowsOf(slowly(bytes(text))))
        }
      }),
      { numRuns: 200 },
    )
  })

  it.each([
    { ...MAPPING, updates: 'list' },
    { ...MAPPING, pair: { path: 's', case: 'upper' } },
    { ...MAPPING, price: { path: 'b', scale: 2 } },
    { ...MAPPING, eventTimeMs: { path: 'E', unit: 'iso' } },
    { ...MAPPING, pair: { key: true } },
    { ...MAPPING, bid: 'q.b' },
    { ...MAPPING, skip: { outer: 'x', absent: true } },
  ])('and not if the mapping says more than names of members', (mapping) => {
    const { slowly, fast } = reader(mapping)
    slowly(bytes(quoteOf({ list: [quoteOf()], q: { b: 1 } })))
    expect(fast(bytes(quoteOf()))).toBeUndefined()
  })
})
