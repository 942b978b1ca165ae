import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { decodePriceJson, encodePriceJson, parsePriceJson } from '../../schemas/price-json.ts'
import { NUMBER_COUNT, NUMBER_FIELDS, type PriceUpdate } from '../../schemas/price-update.ts'
import { appendUpdates, updateColumns } from '../../schemas/update-columns.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { decimalText, recordBytes, recordText } from './price-json-text.ts'
import { type Outcome, outcomeOf, rowsOf, T0, updateOf, WatchedIds } from './price-rows.ts'

function quick(bytes: Buffer): Outcome {
  return outcomeOf((columns, ids) => decodePriceJson(bytes, columns, ids))
}

/** The reading by JSON.parse, with which the fast one must agree. */
function exact(bytes: Buffer): Outcome {
  return outcomeOf((columns, ids) => {
    const read = parsePriceJson(bytes)
    if (!read.ok) return read
    columns.rounded += read.rounded ?? 0
    return appendUpdates(read.updates, columns, ids)
  })
}

function isReadQuickly(text: string): boolean {
  const ids = new WatchedIds()
  const columns = updateColumns()
  expect(decodePriceJson(Buffer.from(text), columns, ids)).toBeUndefined()
  expect(columns.count).toBeGreaterThan(0)
  return ids.byString === 0
}

describe('the fast reading of JSON agrees with the exact one', () => {
  test('on any text, valid, odd or damaged: it gives the same rows to the bit or the same reason', () => {
    const seen = new Map<string, number>()
    fc.assert(
      fc.property(recordBytes, (bytes) => {
        const expected = exact(bytes)
        expect(quick(bytes)).toEqual(expected)
        const kind = expected.reason ?? 'taken'
        seen.set(kind, (seen.get(kind) ?? 0) + 1)
      }),
      { numRuns: 4000 },
    )
    // The test is worth something only if many texts are valid and every reason occurs.
    expect(seen.get('taken') ?? 0).toBeGreaterThan(400)
    for (const reason of ['not-json', 'wrong-type', 'missing-pair', 'negative', 'not-finite', 'unknown-version'])
      expect([reason, seen.get(reason) ?? 0]).not.toEqual([reason, 0])
  })

  test('on an update that lists its fields like the one before it, except for one byte', () => {
    fc.assert(
      fc.property(recordText, fc.nat(), fc.nat(255), (text, place, byte) => {
        const bytes = Buffer.from(text)
        quick(bytes)
        bytes[place % bytes.length] = byte
        expect(quick(bytes)).toEqual(exact(bytes))
      }),
      { numRuns: 3000 },
    )
  })

  test('on every prefix of a record', () => {
    fc.assert(
      fc.property(recordText, (text) => {
        const bytes = Buffer.from(text)
        for (let length = 0; length < bytes.length; length++) {
          const prefix = bytes.subarray(0, length)
          expect(quick(prefix)).toEqual(exact(prefix))
        }
      }),
      { numRuns: 15 },
    )
  })

  test('on a record that is a slice of a larger buffer', () => {
    const record = Buffer.from(encodePriceJson([updateOf(), updateOf({ pair: 'b', bid: 1.5 })]))
    const fetched = Buffer.concat([Buffer.from('{"pair":"'), record, Buffer.from('}]"1')])
    expect(quick(fetched.subarray(9, 9 + record.length))).toEqual(exact(record))
  })
})

describe('numbers in JSON', () => {
  test('are the doubles that JSON.parse gives, to the last bit', () => {
    fc.assert(
      fc.property(fc.array(decimalText, { minLength: 1, maxLength: 60 }), (texts) => {
        const columns = updateColumns()
        const updates = texts.map((text, i) => `{"pair":"p${i}","chain":"c","price":${text},"eventTimeMs":${T0}}`)
        const table = new PairTable({ maxPairs: 100 })
        expect(decodePriceJson(Buffer.from(`[${updates.join(',')}]`), columns, table)).toBeUndefined()
        const prices = texts.map((_, i) => columns.numbers[i * NUMBER_COUNT])
        expect(prices).toEqual(texts.map((text) => JSON.parse(text)))
      }),
      { numRuns: 500 },
    )
  })

  test.each([
    '0.1',
    '0.3',
    '123456789012345',
    '0.00000000000001',
    '1.7976931348623157e308',
    '5e-324',
    '9007199254740993',
  ])('are read exactly: %s', (text) => {
    const columns = updateColumns()
    const bytes = Buffer.from(`{"pair":"p","chain":"c","price":${text},"eventTimeMs":${T0}}`)
    expect(decodePriceJson(bytes, columns, new PairTable({ maxPairs: 1 }))).toBeUndefined()
    expect(columns.numbers[0]).toBe(JSON.parse(text))
  })

  test('may be decimal strings, whole or with a fraction', () => {
    expect(quick(Buffer.from(`{"pair":"p","chain":"c","price":"0.25","bid":"7","eventTimeMs":"${T0}"}`))).toEqual(
      quick(Buffer.from(`{"pair":"p","chain":"c","price":0.25,"bid":7,"eventTimeMs":${T0}}`)),
    )
  })

  test('that are times are cut to whole milliseconds', () => {
    const cut = quick(Buffer.from(`{"pair":"p","chain":"c","price":1,"eventTimeMs":${T0}.9}`))
    expect(cut).toEqual(quick(Buffer.from(`{"pair":"p","chain":"c","price":1,"eventTimeMs":${T0}}`)))
  })
})

describe('the fast reading builds no string for', () => {
  const full: PriceUpdate = {
    ...updateOf({ bid: 1, ask: 2.5, reserve0: 3, reserve1: 4, liquidity: 5, sequence: 6 }),
  }

  test('an update as JSON.stringify writes it', () => {
    expect(isReadQuickly(JSON.stringify(full))).toBe(true)
  })

  test.each([...NUMBER_FIELDS.slice(1), 'sequence'])('an update with %s', (field) => {
    expect(isReadQuickly(JSON.stringify({ ...updateOf(), [field]: 7 }))).toBe(true)
  })

  test('an update whose fields stand in any order', () => {
    const entries = Object.entries(full)
    fc.assert(
      fc.property(fc.shuffledSubarray(entries, { minLength: entries.length }), (order) => {
        expect(isReadQuickly(JSON.stringify(Object.fromEntries(order)))).toBe(true)
      }),
    )
  })

  test('a list, a frame with and without a version, and a frame with spaces for people', () => {
    const updates = [full, updateOf({ pair: 'b' })]
    expect(isReadQuickly(JSON.stringify(updates))).toBe(true)
    expect(isReadQuickly(JSON.stringify({ updates }))).toBe(true)
    expect(isReadQuickly(JSON.stringify({ v: 1, updates }))).toBe(true)
    expect(isReadQuickly(`\n${JSON.stringify({ v: 1, updates }, null, 2)}\n`)).toBe(true)
  })

  test('a record that ends in white space, in a buffer with more of it', () => {
    const ids = new WatchedIds()
    const around = Buffer.from(`${JSON.stringify(full)}\n\n`)
    expect(decodePriceJson(around.subarray(0, -1), updateColumns(), ids)).toBeUndefined()
    expect(ids.byString).toBe(0)
  })

  test('an update with a group, and numbers with an exponent or more than 15 digits', () => {
    expect(isReadQuickly(JSON.stringify({ ...full, group: 'g' }))).toBe(true)
    expect(isReadQuickly(JSON.stringify({ ...full, price: 1 / 3, bid: 1e-9, ask: 1.5e300 }))).toBe(true)
  })

  test('a record, unless it has a name beyond ASCII or an unknown field', () => {
    expect(isReadQuickly(JSON.stringify({ ...full, pair: 'zürich' }))).toBe(false)
    expect(isReadQuickly(JSON.stringify({ ...full, note: 1 }))).toBe(false)
  })
})

describe('the reading of JSON refuses', () => {
  const base = { pair: 'p', chain: 'c', price: 1, eventTimeMs: T0 }
  const long = (length: number) => 'n'.repeat(length)
  const cases: readonly (readonly [reason: string, text: string])[] = [
    ['not-json', ''],
    ['not-json', 'price=1'],
    ['not-json', '{"pair":"p","chain":"c"'],
    ['not-json', '\ufeff{}'],
    ['not-json', `{"pair":"p","chain":"c","price":NaN,"eventTimeMs":${T0}}`],
    ['empty', '[]'],
    ['empty', '{"v":1,"updates":[]}'],
    ['wrong-type', 'null'],
    ['wrong-type', '"p"'],
    ['wrong-type', '[1]'],
    ['wrong-type', '{"updates":{}}'],
    ['wrong-type', JSON.stringify({ ...base, pair: 7 })],
    ['wrong-type', JSON.stringify({ ...base, price: 'one' })],
    ['wrong-type', JSON.stringify({ ...base, bid: [1] })],
    ['wrong-type', JSON.stringify({ ...base, group: 1 })],
    ['not-finite', JSON.stringify({ ...base, price: 'NaN' })],
    ['not-finite', JSON.stringify({ ...base, ask: 'Infinity' })],
    ['not-finite', `{"pair":"p","chain":"c","price":1e999,"eventTimeMs":${T0}}`],
    ['not-finite', JSON.stringify({ ...base, price: '1e999' })],
    ['negative', JSON.stringify({ ...base, price: -1 })],
    ['negative', JSON.stringify({ ...base, liquidity: '-0.5' })],
    ['negative', JSON.stringify({ ...base, sequence: -1 })],
    ['negative', JSON.stringify({ ...base, eventTimeMs: -T0 })],
    ['missing-pair', JSON.stringify({ ...base, pair: undefined })],
    ['missing-pair', JSON.stringify({ ...base, pair: null })],
    ['missing-pair', JSON.stringify({ ...base, pair: '' })],
    ['missing-chain', JSON.stringify({ ...base, chain: undefined })],
    ['missing-price', JSON.stringify({ ...base, price: undefined })],
    ['missing-price', JSON.stringify({ ...base, price: null })],
    ['missing-event-time', JSON.stringify({ ...base, eventTimeMs: undefined })],
    ['event-time-zero', JSON.stringify({ ...base, eventTimeMs: 0 })],
    ['event-time-seconds', JSON.stringify({ ...base, eventTimeMs: T0 / 1000 })],
    ['event-time-future', JSON.stringify({ ...base, eventTimeMs: 2 ** 41 })],
    ['unknown-version', JSON.stringify({ ...base, v: 2 })],
    ['unknown-version', JSON.stringify({ v: '1', updates: [base] })],
    ['name-too-long', JSON.stringify({ ...base, pair: long(257) })],
    ['name-too-long', JSON.stringify({ ...base, chain: long(65) })],
    ['name-too-long', JSON.stringify({ ...base, pair: 'ü'.repeat(129) })],
    ['bad-name', JSON.stringify({ ...base, pair: 'a\0b' })],
    ['bad-name', '{"pair":"\\ud800","chain":"c","price":1,"eventTimeMs":1783715268000}'],
    ['several-chains', JSON.stringify([base, { ...base, chain: 'd' }])],
  ]

  test.each(cases)('a record as %s (%#)', (reason, text) => {
    expect(quick(Buffer.from(text))).toEqual({ reason, rows: [] })
  })

  test('a record of pairs that there is no room for', () => {
    const table = new PairTable({ maxPairs: 1 })
    const updates = [updateOf({ group: 'left over' }), updateOf({ pair: 'b' }), updateOf({ pair: 'c' })]
    const bytes = Buffer.from(encodePriceJson(updates))
    expect(outcomeOf((columns, ids) => decodePriceJson(bytes, columns, ids), table)).toEqual({
      reason: 'too-many-pairs',
      rows: [],
    })
  })

  test('no name of the greatest length', () => {
    const longest = JSON.stringify({ ...base, pair: long(256), chain: long(64) })
    expect(quick(Buffer.from(longest)).reason).toBeUndefined()
    expect(quick(Buffer.from(longest.replace(/^\{/, '{"note":0,'))).reason).toBeUndefined()
  })

  test('bytes that are not UTF-8, in whatever field', () => {
    for (const name of ['pair', 'chain', 'group', 'note']) {
      const bytes = Buffer.from(JSON.stringify({ ...base, [name]: '\xe9' }), 'latin1')
      expect(quick(bytes)).toEqual({ reason: 'not-json', rows: [] })
    }
  })

  test('values that are nested too deep to be written again', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000)
    for (const [reason, text] of [
      ['unknown-version', `{"v":${deep},"updates":[]}`],
      ['unknown-version', `[{"v":${deep}}]`],
      ['wrong-type', `{"pair":${deep}}`],
      ['wrong-type', deep],
    ])
      expect(quick(Buffer.from(text ?? '')).reason).toBe(reason)
  })

  test('a whole list for one bad update', () => {
    const good = JSON.stringify({ ...base, group: 'g' })
    const updates = cases.filter(([reason, text]) => reason !== 'not-json' && text.startsWith('{"pair'))
    for (const [reason, text] of updates)
      expect(quick(Buffer.from(`[${good},${good},${text}]`))).toEqual({ reason, rows: [] })
  })
})

describe('the reading of JSON takes', () => {
  test('null for an optional field, and unknown fields', () => {
    const plain = quick(Buffer.from(encodePriceJson(updateOf())))
    const text = JSON.stringify({ ...updateOf(), bid: null, sequence: null, group: null, note: { price: -1 } })
    expect(quick(Buffer.from(text))).toEqual(plain)
  })

  test('a group for its own update and for no other', () => {
    const columns = updateColumns()
    const table = new PairTable({ maxPairs: 10 })
    const bytes = Buffer.from(encodePriceJson([updateOf({ group: 'g' }), updateOf({ pair: 'b' })]))
    decodePriceJson(bytes, columns, table)
    expect(columns.groups[0]).toBe('g')
    expect(columns.groups[1]).toBeUndefined()
  })

  test('records that encodePriceJson wrote', () => {
    const updates = [updateOf({ bid: 1, ask: 2, liquidity: 0.1 }), updateOf({ pair: 'b', sequence: 7, group: 'g' })]
    expect(parsePriceJson(Buffer.from(encodePriceJson(updates)))).toEqual({ ok: true, updates })
    const columns = updateColumns()
    const table = new PairTable({ maxPairs: 10 })
    decodePriceJson(Buffer.from(encodePriceJson(updates)), columns, table)
    expect(rowsOf(columns, table)).toHaveLength(2)
  })
})
