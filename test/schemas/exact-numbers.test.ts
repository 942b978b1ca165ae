import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { AVRO_HEADER_BYTES, PRICE_SCHEMA_ID } from '../../schemas/avro-frame.ts'
import { isRounded } from '../../schemas/json/rounding.ts'
import { encodePriceAvro } from '../../schemas/price-avro.ts'
import { decodePriceRecord, decodePrices } from '../../schemas/price-record.ts'
import { outcomeOf, T0, updateOf } from './price-rows.ts'

/** An update in JSON with other texts for some of its numbers. */
function record(numbers: Record<string, string>): Buffer {
  const fields = Object.entries({ pair: '"p"', chain: '"c"', price: '1', eventTimeMs: String(T0), ...numbers })
  return Buffer.from(`{${fields.map(([name, text]) => `"${name}":${text}`).join(',')}}`)
}

function quick(bytes: Buffer) {
  return outcomeOf((columns, ids) => decodePrices(bytes, columns, ids))
}

describe('a sequence that a double does not hold is refused, as updates would be ordered by another', () => {
  test.each([
    '9007199254740992',
    '9007199254740993',
    '"9007199254740993"',
    '1783715268000000001',
    '1.00000000000000000001',
  ])('in JSON: %s', (text) => {
    const bytes = record({ sequence: text })
    expect(quick(bytes)).toEqual({ reason: 'not-exact', rows: [] })
    expect(decodePriceRecord(bytes)).toMatchObject({
      reason: 'not-exact',
      detail: expect.stringMatching(/^sequence: at most 9007199254740991/),
    })
  })

  test('and the largest that it holds is taken', () => {
    const bytes = record({ sequence: '9007199254740991' })
    expect(decodePriceRecord(bytes)).toMatchObject({ updates: [{ sequence: 9_007_199_254_740_991 }] })
    expect(quick(bytes).reason).toBeUndefined()
  })

  test.each([
    ['sequence', 2n ** 53n, 'not-exact'],
    ['sequence', 2n ** 63n - 1n, 'not-exact'],
    ['sequence', -(2n ** 63n), 'negative'],
    ['eventTimeMs', BigInt(T0) * 1_000n, 'event-time-microseconds'],
    ['eventTimeMs', BigInt(T0) * 1_000_000n + 1n, 'event-time-nanoseconds'],
    ['eventTimeMs', 2n ** 63n - 1n, 'event-time-future'],
  ])('in Avro, as is a time: %s %d', (field, value, reason) => {
    const bytes = withLong(field, value)
    expect(quick(bytes)).toEqual({ reason, rows: [] })
    expect(decodePriceRecord(bytes)).toMatchObject({ reason })
  })
})

/** An Avro update that ends with its event time and sequence; one of the two is `value`. */
function withLong(field: string, value: bigint): Buffer {
  const plain = encodePriceAvro(updateOf())
  const time = zigzag(BigInt(T0))
  const head = plain.subarray(0, plain.length - time.length - 1)
  expect(head.readInt32BE(AVRO_HEADER_BYTES - 4)).toBe(PRICE_SCHEMA_ID)
  const sequence = field === 'sequence' ? [Buffer.from([2]), zigzag(value)] : [Buffer.from([0])]
  return Buffer.concat([head, field === 'sequence' ? time : zigzag(value), ...sequence])
}

function zigzag(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Buffer.from([...bytes, Number(rest)])
}

test('an event time is not rounded into the next millisecond', () => {
  for (const text of [`${T0}.99999999`, `"${T0}.99999999"`, `${T0}.9999`])
    expect(decodePriceRecord(record({ eventTimeMs: text }))).toMatchObject({ updates: [{ eventTimeMs: T0 }] })
})

describe('an update whose price has more digits than a double holds is taken, and counted', () => {
  test.each([
    ['1.234567890123456789', 1],
    ['"1.234567890123456789"', 1],
    ['9007199254740993', 1],
    ['0.12345678901234567', 1],
    ['1e-400', 1],
    ['0.1', 0],
    ['3000.1234567890124', 0],
    ['3000.1234567890123', 1],
    ['0.30000000000000004', 0],
    ['"0.000000000000000001"', 0],
    ['1000000000000000000000000', 0],
    ['9007199254740992', 0],
    ['1.50000000000000000000', 0],
  ])('%s: %d', (text, rounded) => {
    const bytes = record({ price: text })
    const read = decodePriceRecord(bytes)
    expect(read.ok && (read.rounded ?? 0)).toBe(rounded)
    const { reason, rows } = quick(bytes)
    expect([reason, rows.length]).toEqual([undefined, 1 + rounded])
  })
})

test('a number is rounded unless its double has the digits of its text', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
      fc.integer({ min: 1, max: 60 }),
      (value, digits) => {
        expect(isRounded(String(value), value)).toBe(false)
        const text = value.toPrecision(digits)
        // From 17 digits on the text gives the same double, and its digits are that double's.
        if (digits >= 17) expect([text, isRounded(text, Number(text))]).toEqual([text, false])
      },
    ),
  )
})

test('the fast reading counts as rounded what the exact one does, however close a text is to its double', () => {
  const close = fc.tuple(
    fc.oneof(
      fc.double({ min: 1e-9, max: 1e18, noNaN: true }),
      fc.double({ min: 0.1, max: 1e4, noNaN: true }),
      fc.maxSafeNat(),
    ),
    fc.integer({ min: 14, max: 20 }),
    fc.integer({ min: -6, max: 6 }),
  )
  let counted = 0
  fc.assert(
    fc.property(close, ([value, precision, off]) => {
      const text = value.toPrecision(precision)
      const last = BigInt(`1${text.replace('.', '').replace(/e.*/, '')}`) + BigInt(off)
      const digits = String(last).slice(1)
      const dot = text.indexOf('.')
      const near = dot < 0 ? digits : `${digits.slice(0, dot)}.${digits.slice(dot)}`
      const bytes = record({ price: near.replace(/^0+(?=\d)/, '') })
      const read = decodePriceRecord(bytes)
      const expected = read.ok ? (read.rounded ?? 0) : Number.NaN
      counted += expected
      expect([bytes.toString(), quick(bytes).rows.length]).toEqual([bytes.toString(), 1 + expected])
    }),
    { numRuns: 5_000 },
  )
  expect(counted).toBeGreaterThan(500)
})

test('a long number in another field does not become a name', () => {
  expect(decodePriceRecord(record({ pair: '12345678901234567890' }))).toMatchObject({ reason: 'wrong-type' })
  expect(decodePriceRecord(record({ group: '12345678901234567890' }))).toMatchObject({ reason: 'wrong-type' })
})

test('a long number beside a value that is nested deep is read', () => {
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
  expect(decodePriceRecord(record({ price: '1.234567890123456789', note: deep })).ok).toBe(true)
})
