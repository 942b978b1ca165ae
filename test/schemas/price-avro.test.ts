import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { PRICE_RECORD_SCHEMA, PRICE_SCHEMA_ID } from '../../schemas/avro-frame.ts'
import { decodePriceAvro, encodePriceAvro } from '../../schemas/price-avro.ts'
import { decodePriceRecord } from '../../schemas/price-record.ts'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { appendUpdates, updateColumns } from '../../schemas/update-columns.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { type Outcome, outcomeOf, rowsOf, T0, updateOf } from './price-rows.ts'

const HEADER = Buffer.alloc(5)
HEADER.writeInt32BE(PRICE_SCHEMA_ID, 1)

function quick(bytes: Buffer): Outcome {
  return outcomeOf((columns, ids) => decodePriceAvro(bytes, columns, ids))
}

/** The record as the schema library reads it. */
function exact(bytes: Buffer): Outcome {
  return outcomeOf((columns, ids) => {
    const read = decodePriceRecord(bytes)
    return read.ok ? appendUpdates(read.updates, columns, ids) : read
  })
}

const number = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true })
const update: fc.Arbitrary<PriceUpdate> = fc.record(
  {
    pair: fc.string({ minLength: 1, maxLength: 30, unit: 'grapheme' }).filter((name) => !name.includes('\0')),
    chain: fc.constant('ethereum'),
    price: number,
    bid: number,
    ask: number,
    reserve0: number,
    reserve1: number,
    liquidity: number,
    group: fc.string({ maxLength: 10 }),
    eventTimeMs: fc.integer({ min: T0, max: 2 ** 41 - 1 }),
    // The library cannot write a higher number.
    sequence: fc.integer({ min: 0, max: 2 ** 53 - 2 }),
  },
  { requiredKeys: ['pair', 'chain', 'price', 'eventTimeMs'] },
)
const record = fc
  .oneof(update, fc.array(update, { minLength: 1, maxLength: 5 }))
  .map((updates) => encodePriceAvro(updates))

/** A record that the schema library writes, for values that the producer's types do not allow. */
function written(fields: Record<string, unknown>, frameVersion?: number): Buffer {
  const none = { bid: null, ask: null, reserve0: null, reserve1: null, liquidity: null, group: null, sequence: null }
  const base = { v: 1, pair: 'p', chain: 'c', price: 1, eventTimeMs: T0, ...none, ...fields }
  const value =
    frameVersion === undefined
      ? { 'forewarm.PriceUpdate': base }
      : { 'forewarm.PriceFrame': { v: frameVersion, updates: [base] } }
  return Buffer.concat([HEADER, PRICE_RECORD_SCHEMA.toBuffer(value)])
}

describe('Avro records', () => {
  test('are read as the schema library reads them', () => {
    fc.assert(
      fc.property(record, (bytes) => {
        const outcome = quick(bytes)
        expect(outcome.reason).toBeUndefined()
        expect(outcome).toEqual(exact(bytes))
      }),
      { numRuns: 500 },
    )
  })

  test('give back the updates that were written', () => {
    fc.assert(
      fc.property(fc.array(update, { minLength: 1, maxLength: 5 }), (updates) => {
        expect(quick(encodePriceAvro(updates))).toEqual(
          outcomeOf((columns, ids) => appendUpdates(updates, columns, ids)),
        )
      }),
    )
  })

  test('are read from the middle of a fetched buffer', () => {
    const bytes = encodePriceAvro([updateOf({ bid: 1 }), updateOf({ pair: 'b' })])
    for (let before = 1; before <= 8; before++) {
      const fetched = Buffer.concat([Buffer.alloc(before, 2), bytes, Buffer.alloc(9, 2)])
      expect(quick(fetched.subarray(before, before + bytes.length))).toEqual(quick(bytes))
    }
  })

  test('may come in blocks that state their size', () => {
    const block = (update: PriceUpdate) => {
      const item = encodePriceAvro(update).subarray(6)
      // In zigzag, −1 is 1. A size below 64 takes one byte, one below 8,192 two.
      return Buffer.concat([Buffer.from([1, ((item.length * 2) & 0x7f) | 0x80, (item.length * 2) >> 7]), item])
    }
    const updates = [updateOf(), updateOf({ pair: 'b', sequence: 7 })]
    const bytes = Buffer.concat([Buffer.from([...HEADER, 2, 2]), ...updates.map(block), Buffer.from([0])])
    expect(exact(bytes)).toEqual(quick(encodePriceAvro(updates)))
    expect(quick(bytes)).toEqual(exact(bytes))
  })
})

describe('damaged Avro records', () => {
  test('are refused wherever they were cut', () => {
    fc.assert(
      fc.property(record, (bytes) => {
        for (let length = 0; length < bytes.length; length++)
          expect([length, quick(bytes.subarray(0, length))]).toEqual([length, { reason: 'not-avro', rows: [] }])
      }),
      { numRuns: 30 },
    )
  })

  test('are refused if bytes follow them', () => {
    fc.assert(
      fc.property(record, fc.uint8Array({ minLength: 1, maxLength: 20 }), (bytes, rest) => {
        expect(quick(Buffer.concat([bytes, rest]))).toEqual({ reason: 'not-avro', rows: [] })
      }),
    )
  })

  test('never throw, and those that are taken are read as the schema library reads them', () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 })
    let taken = 0
    fc.assert(
      fc.property(record, flips, (bytes, changes) => {
        const damaged = Buffer.from(bytes)
        for (const [place, bits] of changes) {
          const at = 5 + (place % (damaged.length - 5))
          damaged[at] = (damaged[at] as number) ^ bits
        }
        const outcome = quick(damaged)
        if (outcome.reason !== undefined) return
        taken++
        expect(outcome).toEqual(exact(damaged))
      }),
      { numRuns: 4000 },
    )
    expect(taken).toBeGreaterThan(100)
  })

  test('of random bytes never throw and never give a price that is not a number', () => {
    const start = fc.constantFrom([...HEADER, 0, 2], [...HEADER, 2, 2, 2, 2], [...HEADER])
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 200 }), (head, rest) => {
        const columns = updateColumns(1)
        const table = new PairTable({ maxPairs: 10 })
        if (decodePriceAvro(Buffer.from([...head, ...rest]), columns, table) === undefined)
          expect(rowsOf(columns, table).every((row) => !/NaN|-\d|Infinity/.test(row))).toBe(true)
        else expect(columns.count).toBe(0)
      }),
      { numRuns: 3000 },
    )
  })

  test('with a varint that is too long are refused and not misread', () => {
    const bytes = encodePriceAvro([updateOf({ sequence: 1 }), updateOf({ pair: 'b' })])
    // The sequence is the only 2 after a branch byte 2 here. Eleven continued bytes are too long for a long.
    const at = bytes.indexOf(Buffer.from([2, 2, 2])) + 1
    const overlong = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(11, 0x82), bytes.subarray(at)])
    expect(quick(overlong)).toEqual({ reason: 'not-avro', rows: [] })
  })
})

describe('Avro records are refused for the same reasons as JSON', () => {
  test.each([
    ['unknown-version', written({ v: 2 })],
    ['unknown-version', written({}, 2)],
    ['missing-pair', written({ pair: '' })],
    ['missing-chain', written({ chain: '' })],
    ['not-finite', written({ price: Number.NaN })],
    ['not-finite', written({ price: Number.POSITIVE_INFINITY })],
    ['not-finite', written({ bid: { double: Number.NEGATIVE_INFINITY } })],
    ['negative', written({ price: -1 })],
    ['negative', written({ liquidity: { double: -0.5 } })],
    ['negative', written({ eventTimeMs: -T0 })],
    ['negative', written({ sequence: { long: -1 } })],
    ['event-time-zero', written({ eventTimeMs: 0 })],
    ['event-time-seconds', written({ eventTimeMs: Math.floor(T0 / 1000) })],
    ['event-time-future', written({ eventTimeMs: 2 ** 41 })],
    ['name-too-long', written({ pair: 'n'.repeat(257) })],
    ['name-too-long', written({ chain: 'n'.repeat(65) })],
    ['bad-name', written({ pair: 'a\0b' })],
    ['bad-name', written({ chain: 'a\0b' })],
    ['several-chains', encodePriceAvro([updateOf(), updateOf({ chain: 'base' })])],
    ['several-chains', encodePriceAvro([updateOf(), updateOf({ chain: 'ethereun' })])],
    ['empty', encodePriceAvro([])],
    ['not-avro', HEADER],
    ['not-avro', Buffer.from([0])],
    ['not-avro', Buffer.from([...HEADER, 6])],
  ])('as %s (%#)', (reason, bytes) => {
    expect(quick(bytes)).toEqual({ reason, rows: [] })
    expect(exact(bytes).reason).toBe(reason)
  })

  test('for a name that is too long once bytes that are not UTF-8 are replaced', () => {
    const bytes = written({ pair: 'n'.repeat(200) })
    bytes.fill(0xff, bytes.indexOf('nn'), bytes.indexOf('nn') + 200)
    expect(quick(bytes)).toEqual({ reason: 'name-too-long', rows: [] })
    expect(exact(bytes).reason).toBe('name-too-long')
  })

  test('as a whole frame, even if only its last update is bad', () => {
    const good = updateOf({ group: 'g' })
    expect(quick(encodePriceAvro([good, good, updateOf({ price: -1 })]))).toEqual({ reason: 'negative', rows: [] })
  })

  test('for pairs that there is no room for', () => {
    const table = new PairTable({ maxPairs: 1 })
    const bytes = encodePriceAvro([updateOf(), updateOf({ pair: 'b' })])
    expect(outcomeOf((columns, ids) => decodePriceAvro(bytes, columns, ids), table)).toEqual({
      reason: 'too-many-pairs',
      rows: [],
    })
  })
})

test('a refused Avro record leaves no group to the record after it', () => {
  const table = new PairTable({ maxPairs: 10 })
  const columns = updateColumns()
  const bad = encodePriceAvro([updateOf({ group: 'left over' }), updateOf({ price: -1 })])
  expect(decodePriceAvro(bad, columns, table)).toMatchObject({ reason: 'negative' })
  expect(decodePriceAvro(encodePriceAvro(updateOf()), columns, table)).toBeUndefined()
  expect(rowsOf(columns, table)[0]).toContain('no group')
})

test('an Avro record with a bad chain registers no chain', () => {
  const table = new PairTable({ maxPairs: 10 })
  for (const bytes of [written({ chain: 'n'.repeat(65) }), written({ chain: 'a\0b' })])
    decodePriceAvro(bytes, updateColumns(), table)
  expect(table.chains).toEqual([])
})
