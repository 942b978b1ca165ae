import { describe, expect, it } from '@jest/globals'
import { AT_MS, decoder } from './stage.ts'

const FIELDS = { chain: { const: 'c' }, pair: 'p', price: 'l', bid: 'b', sequence: 'n', eventTimeMs: 't' }
const GOOD = { p: 'X', l: 5, t: AT_MS }

describe('a record that a mapping cannot read is refused', () => {
  const decode = decoder(FIELDS)

  it.each<readonly [what: string, value: unknown, reason: string]>([
    ['text that is no JSON', 'pong', 'not-json'],
    ['no bytes', '', 'not-json'],
    ['a number', 7, 'missing-pair'],
    ['no pair', { ...GOOD, p: undefined }, 'missing-pair'],
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
    ['a time of 1960', { ...GOOD, t: -300_000_000_000 }, 'negative'],
    ['a time as a date', { ...GOOD, t: '2026-07-10T08:00:00Z' }, 'wrong-type'],
    ['a sequence beyond 2^53', `{"p":"X","l":5,"t":${AT_MS},"n":9007199254740993}`, 'not-exact'],
  ])('with the reason: %s', (_, value, reason) => {
    expect(decode(value)).toMatchObject({ ok: false, reason })
  })

  it('and numbers of 30 digits or an exponent of −400 are counted as rounded', () => {
    for (const l of ['123456789012345678901234567890', '1e-400'])
      expect(decode({ ...GOOD, l })).toMatchObject({ ok: true, rounded: 1 })
    expect(decode(`{"p":"X","l":0.12345678901234567890,"t":${AT_MS}}`)).toMatchObject({ ok: true, rounded: 1 })
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
    [{ path: 'l', decimal: { base64: true, scale: 2 } }, { l: '***' }],
    [{ path: 'l', decimal: { base64: true, scale: 2 } }, { l: Buffer.alloc(100, 1).toString('base64') }],
    [{ path: 'l', decimal: { hex: true } }, { l: 'ff' }],
  ])('if the price is not written as %j says', (price, value) => {
    expect(decoder({ ...FIELDS, price })({ ...GOOD, ...value })).toMatchObject({ ok: false, reason: 'wrong-type' })
  })

  it('and 100,000 updates in one record are read', () => {
    const list = Array.from({ length: 100_000 }, (_, at) => ({ ...GOOD, p: `P${at}` }))
    expect(decode(list)).toMatchObject({ ok: true, updates: { length: 100_000 } })
  })

  it('and what objects inherit is no field', () => {
    expect(decoder({ ...FIELDS, pair: 'constructor.name' })(GOOD)).toMatchObject({ reason: 'missing-pair' })
  })
})
