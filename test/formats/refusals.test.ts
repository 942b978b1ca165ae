import { describe, expect, it } from '@jest/globals'
import { appendUpdates, updateColumns } from '../../schemas/update-columns.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { Formats, formatRules } from '../../src/formats/formats.ts'
import { AT_MS, decoder } from './stage.ts'

const FIELDS = { chain: 'c', pair: 'p', price: 'l', bid: 'b', sequence: 'n', eventTimeMs: 't' }
const GOOD = { c: 'c', p: 'X', l: 5, t: AT_MS }

describe('a record that a mapping cannot read is refused', () => {
  const decode = decoder(FIELDS)

  it.each<readonly [what: string, value: unknown, reason: string]>([
    ['text that is no JSON', 'pong', 'not-json'],
    ['no bytes', '', 'not-json'],
    ['a number', 7, 'missing-pair'],
    ['no pair', { ...GOOD, p: undefined }, 'missing-pair'],
    ['no chain', { ...GOOD, c: null }, 'missing-chain'],
    ['no price', { ...GOOD, l: null }, 'missing-price'],
    ['an empty text as the price', { ...GOOD, l: '' }, 'missing-price'],
    ['no time', { ...GOOD, t: undefined }, 'missing-event-time'],
    ['an object as the price', { ...GOOD, l: {} }, 'wrong-type'],
    ['a list as the bid', { ...GOOD, b: [1] }, 'wrong-type'],
    ['an object as the pair', { ...GOOD, p: {} }, 'wrong-type'],
    ['a pair of 300 bytes', { ...GOOD, p: 'x'.repeat(300) }, 'name-too-long'],
    ['hex as the price', { ...GOOD, l: '0x10' }, 'wrong-type'],
    ['thousands separators', { ...GOOD, l: '64,012.10' }, 'wrong-type'],
    ['a decimal comma', { ...GOOD, l: '64012,10' }, 'wrong-type'],
    ['an exponent of 400', { ...GOOD, l: '1e400' }, 'not-finite'],
    ['a price below 0', { ...GOOD, l: '-1' }, 'negative'],
    ['a time in seconds', { ...GOOD, t: 1_783_670_400 }, 'event-time-seconds'],
    ['a time in microseconds', { ...GOOD, t: AT_MS * 1e3 }, 'event-time-microseconds'],
    ['a time in nanoseconds', { ...GOOD, t: `${AT_MS}000000` }, 'event-time-nanoseconds'],
    ['a time of 0', { ...GOOD, t: 0 }, 'event-time-zero'],
    ['a time of 2100', { ...GOOD, t: 4_102_444_800_000 }, 'event-time-future'],
    ['times of other units in one list', [GOOD, { ...GOOD, t: 1_783_670_400 }], 'event-time-seconds'],
    ['a NUL in the pair', { ...GOOD, p: 'a\0b' }, 'bad-name'],
    ['half of a surrogate pair in the chain', { ...GOOD, c: '\ud800' }, 'bad-name'],
    ['a chain of 300 bytes', { ...GOOD, c: 'x'.repeat(300) }, 'name-too-long'],
    ['updates of two chains', [GOOD, { ...GOOD, c: 'd' }], 'several-chains'],
    ['more than 4 MiB', { ...GOOD, rest: 'x'.repeat(4 * 1024 * 1024) }, 'too-large'],
    ['a time of 1960', { ...GOOD, t: -300_000_000_000 }, 'negative'],
    ['a time as a date', { ...GOOD, t: '2026-07-10T08:00:00Z' }, 'wrong-type'],
    ['a sequence below 0', { ...GOOD, n: -1 }, 'negative'],
    ['a sequence beyond 2^53', `{"c":"c","p":"X","l":5,"t":${AT_MS},"n":9007199254740993}`, 'not-exact'],
  ])('with the reason: %s', (_, value, reason) => {
    expect(decode(value)).toMatchObject({ ok: false, reason })
  })

  it.each<readonly [what: string, mapping: object, value: unknown, place: string]>([
    ['a path', {}, { ...GOOD, p: undefined }, 'pair is missing; the mapping takes it from p'],
    ['a name for a const', { chain: 'exchange' }, GOOD, 'chain is missing; the mapping takes it from exchange'],
    ['two numbers', { price: { mid: ['x.b', 'a'] } }, GOOD, 'price is missing; the mapping takes it from x.b and a'],
    ['a header', { pair: { header: 'h' } }, GOOD, 'pair is missing; the mapping takes it from the header h'],
    [
      'the wrong unit',
      { eventTimeMs: { path: 't', unit: 's' } },
      GOOD,
      'microseconds; the mapping takes it from t, in s',
    ],
  ])('with the place in the mapping that it comes from: %s', (_, mapping, value, place) => {
    const detail = expect.stringContaining(place)
    expect(decoder({ ...FIELDS, ...mapping })(value)).toMatchObject({ ok: false, detail })
  })

  it('with the field, if its digits are not what the mapping says', () => {
    const mapping = { ...FIELDS, price: { path: 'l', decimal: { hex: true } } }
    const detail = 'update 0: price: expected an integer in hex, got "5.0"'
    expect(decoder(mapping)({ ...GOOD, l: '5.0' })).toMatchObject({ reason: 'wrong-type', detail })
  })

  it('and numbers of 30 digits or an exponent of −400 are counted as rounded', () => {
    for (const l of ['123456789012345678901234567890', '1e-400'])
      expect(decode({ ...GOOD, l })).toMatchObject({ ok: true, rounded: 1 })
    expect(decode(`{"c":"c","p":"X","l":0.12345678901234567890,"t":${AT_MS}}`)).toMatchObject({ ok: true, rounded: 1 })
  })

  it('as a whole if one of its updates is, and says which', () => {
    expect(decode([GOOD, { ...GOOD, l: 'x' }])).toMatchObject({
      ok: false,
      detail: expect.stringContaining('update 1'),
    })
  })

  it('if the list is not where the mapping says', () => {
    const listed = decoder({ ...FIELDS, updates: 'data.ticks' })
    expect(listed({ data: {} })).toMatchObject({
      reason: 'wrong-type',
      detail: 'data.ticks: expected a list, got nothing',
    })
  })

  it('if it has both updates and deletions', () => {
    const deleting = decoder({ ...FIELDS, delete: { path: 'op', equals: 'd' } })
    expect(deleting([GOOD, { ...GOOD, op: 'd' }])).toMatchObject({ reason: 'wrong-type' })
  })

  it.each([
    [
      { path: 'l', exponent: 'e' },
      { l: 1, e: 'x' },
    ],
    [
      { path: 'l', exponent: 'e' },
      { l: 1, e: '0x2' },
    ],
    [
      { path: 'l', exponent: 'e' },
      { l: 1, e: ' ' },
    ],
    [{ path: 'l', scale: 2 }, { l: `${'0'.repeat(400)}5` }],
    [{ path: 'l', decimal: { base64: true, scale: 2 } }, { l: '***' }],
    [{ path: 'l', decimal: { base64: true, scale: 2 } }, { l: 'EJuZE' }],
    [{ path: 'l', decimal: { base64: true, scale: 2 } }, { l: Buffer.alloc(100, 1).toString('base64') }],
    [{ path: 'l', decimal: { hex: true } }, { l: 'ff' }],
  ])('if the price is not written as %j says', (price, value) => {
    expect(decoder({ ...FIELDS, price })({ ...GOOD, ...value })).toMatchObject({ ok: false, reason: 'wrong-type' })
  })

  it('if a text of 1,000,000 digits is no number, and read if it is one', () => {
    const digits = '1'.repeat(1_000_000)
    expect(decode({ ...GOOD, l: `${digits}x` })).toMatchObject({ ok: false, reason: 'wrong-type' })
    const zeros = '0'.repeat(1_000_000)
    expect(decode({ ...GOOD, l: `0.1${zeros}1` })).toMatchObject({ ok: true, rounded: 1 })
    expect(decode(`{"c":"c","p":"X","l":0.1${zeros}1,"t":${AT_MS}}`)).toMatchObject({ ok: true, rounded: 1 })
  })

  it('if a side of its middle is below 0, unless prices may be', () => {
    const price = { mid: ['b', 'a'] }
    const value = { ...GOOD, b: -4, a: '10' }
    expect(decoder({ ...FIELDS, bid: 'x', price })(value)).toMatchObject({ ok: false, reason: 'negative' })
    expect(decoder({ ...FIELDS, price, signed: true })(value)).toMatchObject({ ok: true, updates: [{ price: 3 }] })
  })

  it.each([' ', '0x0', {}, [0], false])('if %j stands where a 0 would say that there is no number', (b) => {
    expect(decoder({ ...FIELDS, zero: 'absent' })({ ...GOOD, b })).toMatchObject({ ok: false, reason: 'wrong-type' })
  })

  it('and 100,000 updates in one record are read', () => {
    const list = Array.from({ length: 100_000 }, (_, at) => ({ p: `P${at}`, l: 5, t: AT_MS }))
    expect(decoder({ ...FIELDS, chain: { const: 'c' } })(list)).toMatchObject({
      ok: true,
      updates: { length: 100_000 },
    })
  })

  it('and 100,000 updates that take more than 4 MiB are refused', () => {
    const list = Array.from({ length: 100_000 }, (_, at) => ({ ...GOOD, p: `P${at}`, venue: 'of a long name' }))
    expect(decode(list)).toMatchObject({ ok: false, reason: 'too-large' })
  })

  it('by the flat reading, too: it leaves to the exact one what is not valid, and what is too large', () => {
    const rest = 'x'.repeat(4 * 1024 * 1024)
    const columns = updateColumns()
    const format = new Formats(formatRules({ x: FIELDS }, [])).of('x')
    const bytes = (value: object) => Buffer.from(JSON.stringify(value))
    const record = { topic: 'x', partition: 0, offset: 0n, timestampMs: 0, key: undefined, headers: [] }
    const fast = (value: object) => {
      format?.decode({ ...record, value: bytes({ ...GOOD, rest: 'x' }) })
      return format?.decodeFast?.(bytes(value), columns, new PairTable({ maxPairs: 10 }))
    }
    expect([fast({ ...GOOD, rest: 'y' }), fast({ ...GOOD, rest }), fast({ ...GOOD, t: 0, rest: 'y' })]).toEqual([
      ...[true, false, false],
    ])
  })

  it('if the table of names has no room for its pairs', () => {
    const table = new PairTable({ maxPairs: 1 })
    const said = decode([GOOD, { ...GOOD, p: 'Y' }])
    const columns = updateColumns()
    if (!said.ok) throw new Error(said.detail)
    expect(appendUpdates(said.updates.slice(0, 1), columns, table)).toBeUndefined()
    expect(appendUpdates(said.updates.slice(1), columns, table)).toMatchObject({ reason: 'too-many-pairs' })
  })

  it('if an exponent beside it makes the number too large; one too small is counted as rounded', () => {
    const scaled = decoder({ ...FIELDS, price: { path: 'l', exponent: 'e' } })
    expect(scaled({ ...GOOD, e: 400 })).toMatchObject({ ok: false, reason: 'not-finite' })
    expect(scaled({ ...GOOD, e: -400 })).toMatchObject({ ok: true, rounded: 1 })
    const digits = '123456789012345678901234567890'
    expect(scaled({ ...GOOD, l: digits, e: -29 })).toMatchObject({
      ...{ ok: true, rounded: 1 },
      updates: [{ price: Number('1.23456789012345678901234567890') }],
    })
  })

  it('if its time is of another unit than the mapping says, or before 1970', () => {
    const times: readonly [unit: string, t: unknown, reason: string][] = [
      ['s', AT_MS, 'event-time-microseconds'],
      ['us', AT_MS, 'event-time-seconds'],
      ['ns', AT_MS, 'event-time-seconds'],
      ['s', -1, 'negative'],
      ['iso', '1969-12-31T23:59:59Z', 'negative'],
      ['iso', '2026-02-30T00:00:00Z', 'wrong-type'],
      ['auto-by-digits', -300_000_000, 'wrong-type'],
      ['auto-by-digits', '12345', 'wrong-type'],
    ]
    for (const [unit, t, reason] of times) {
      const timed = decoder({ ...FIELDS, eventTimeMs: { path: 't', unit } })
      expect([unit, t, timed({ ...GOOD, t })]).toMatchObject([unit, t, { ok: false, reason }])
    }
    const mixed = decoder({ ...FIELDS, eventTimeMs: { path: 't', unit: 'auto-by-digits' } })
    const list = [1_783_670_400, AT_MS, AT_MS * 1e3, `${AT_MS}000000`].map((t) => ({ ...GOOD, t }))
    expect(mixed(list)).toMatchObject({ ok: true, updates: { length: 4 } })
  })

  it('if its key is to name the pair that it delists and cannot', () => {
    const keyed = decoder({ ...FIELDS, chain: { const: 'c' }, pair: { key: true } })
    expect(keyed(undefined, { key: 'x'.repeat(300) })).toMatchObject({ ok: false, reason: 'name-too-long' })
    expect(keyed(undefined, { key: 'a\0b' })).toMatchObject({ ok: false, reason: 'bad-name' })
  })

  it('and a path that is sometimes absent, or leads through a number, gives an update without that field', () => {
    const nested = decoder({ ...FIELDS, bid: 'quote.bid' })
    const list = [{ ...GOOD, quote: { bid: 4 } }, GOOD, { ...GOOD, quote: 7 }, { ...GOOD, quote: null }]
    const said = nested(list)
    expect(said.ok && said.updates.map(({ bid }) => bid)).toEqual([4, undefined, undefined, undefined])
  })

  it('and a field v of the user’s own says nothing of the version of our format', () => {
    expect(decode({ ...GOOD, v: 7, updates: 'none' })).toMatchObject({ ok: true })
  })

  it('and what objects inherit is no field', () => {
    expect(decoder({ ...FIELDS, pair: 'constructor.name' })(GOOD)).toMatchObject({ reason: 'missing-pair' })
  })
})
