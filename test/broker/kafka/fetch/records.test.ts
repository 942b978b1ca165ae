import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ColumnBatch } from '../../../../src/broker/kafka/fetch/record-columns.ts'
import { CURSOR, varint as readVarint } from '../../../../src/broker/kafka/fetch/varints.ts'
import { AT, COUNT_AT, decode, encodeBatch, encodeRecord, numbered, sealed, varint, withRecords } from './batches.ts'

/** A record of which the length is right, and the rest is what is given. */
function record(...parts: readonly (number | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'number' ? varint(part) : part)))
  return Buffer.concat([varint(body.length), body])
}

const NO_KEY = -1
const NO_VALUE = -1
const TEXT = Buffer.from('text')
const ENDLESS = Buffer.alloc(11, 0xff)
const HUGE = Buffer.from([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])
const headers = (...parts: readonly (number | Buffer)[]) => record(0, 0, 0, NO_KEY, NO_VALUE, ...parts)
const good = encodeRecord({ delta: 0, value: 'good' })
const second = encodeRecord({ delta: 1, value: 'good' })

const MALFORMED: readonly (readonly [what: string, records: Buffer, count?: number])[] = [
  ['no record where there should be one', Buffer.alloc(0)],
  ['fewer records than there should be', good, 2],
  ['more records than there should be', Buffer.concat([good, second])],
  ['a negative count', good, -1],
  ['a count that no memory holds', good, 2 ** 31 - 1],
  ['a byte behind the records', Buffer.concat([good, Buffer.alloc(1)])],
  ['a record that is longer than its batch', Buffer.concat([varint(good.length), good.subarray(1)])],
  ['a record of a negative length', Buffer.concat([varint(-3), good.subarray(1)])],
  ['a record of no length', Buffer.concat([varint(0), good.subarray(1)])],
  ['a record that is shorter than what is in it', Buffer.concat([varint(good.length - 2), good.subarray(1)])],
  ['a length of 2^54', Buffer.concat([HUGE, good.subarray(1)])],
  ['an integer that does not end', Buffer.concat([ENDLESS, good])],
  ['an integer that the batch cuts off', Buffer.concat([good, Buffer.alloc(7, 0xff)]), 2],
  ['a time that does not end', record(0, ENDLESS, 0, NO_KEY, NO_VALUE, 0)],
  ['an offset before the batch', record(0, 0, -1, NO_KEY, NO_VALUE, 0)],
  ['an offset behind the last one of the batch', record(0, 0, 4, NO_KEY, NO_VALUE, 0)],
  ['an offset of 2^54', record(0, 0, HUGE, NO_KEY, NO_VALUE, 0)],
  ['an offset twice', Buffer.concat([good, good]), 2],
  ['an offset that falls', Buffer.concat([second, good]), 2],
  ['a key beyond its record', record(0, 0, 0, 6, TEXT, 0)],
  ['a key beyond the answer', record(0, 0, 0, 2 ** 30, TEXT, NO_VALUE, 0)],
  ['a key of 2^54 bytes', record(0, 0, 0, HUGE, TEXT, NO_VALUE, 0)],
  ['a value beyond its record', record(0, 0, 0, NO_KEY, 6, TEXT, 0)],
  ['a value of 2^54 bytes', record(0, 0, 0, NO_KEY, HUGE, TEXT, 0)],
  ['no value', record(0, 0, 0, NO_KEY)],
  ['no number of headers', record(0, 0, 0, NO_KEY, 4, TEXT)],
  ['a byte behind the value', record(0, 0, 0, NO_KEY, 4, TEXT, 0, 0)],
  ['a negative number of headers', headers(-1)],
  ['more headers than bytes', headers(2 ** 30)],
  ['2^54 headers', headers(HUGE, 4, TEXT, 4, TEXT)],
  ['a header that is missing', headers(2, 4, TEXT, 4, TEXT)],
  ['a byte behind the headers', headers(1, 4, TEXT, 4, TEXT, 0)],
  ['a header without a name', headers(1, -1, 4, TEXT)],
  ['a header whose name is beyond the record', headers(1, 5, TEXT)],
  ['a header whose name is cut off', headers(1, 100, TEXT)],
  ['a header whose value is beyond the record', headers(1, 4, TEXT, 6, TEXT)],
  ['a header whose value has no length', headers(1, 4, TEXT)],
  ['a header whose value is of 2^54 bytes', headers(1, 4, TEXT, HUGE)],
]

describe('a batch is skipped whole, with its offsets, and the next one is read, where the records have', () => {
  test.each(MALFORMED)('%s', (...[, bytes, count = 1]) => {
    const spec = { base: 10, records: [], lastDelta: 3 }
    const batch = withRecords(spec, bytes, count)
    const { rows, next, skipped } = decode([encodeBatch(numbered(8, 2)), batch, encodeBatch(numbered(14, 1))], 8n)
    expect(rows.map(({ value }) => value)).toEqual(['v8', 'v9', 'v14'])
    expect(next).toBe(15n)
    expect(skipped).toEqual([{ from: 10n, to: 13n, reason: expect.stringMatching(/\w/) }])
    // The same at the end of all bytes, and with a good record before it.
    expect(decode([batch], 12n)).toMatchObject({ rows: [], next: 14n, skipped: [{ from: 12n, to: 13n }] })
  })
})

test('a malformed record takes those before it in its batch along', () => {
  const bytes = Buffer.concat([encodeRecord({ delta: 0, value: 'good' }), record(0, 0, 9, NO_KEY, NO_VALUE, 0)])
  const batch = withRecords({ base: 0, records: [], lastDelta: 3 }, bytes, 2)
  expect(decode([batch])).toMatchObject({ rows: [], next: 4n, skipped: [{ from: 0n, to: 3n }] })
})

test('a malformed batch leaves nothing behind that its answer would keep in memory', () => {
  const batch = withRecords({ base: 0, records: [], lastDelta: 3 }, Buffer.alloc(9), 1)
  expect(decode([batch]).columns.sources).toEqual([])
})

test('a batch of a million records that has a few bytes makes no columns for them', () => {
  const batch = encodeBatch(numbered(0, 2))
  batch.writeInt32BE(1_000_000, COUNT_AT)
  batch.writeInt32BE(999_999, AT.lastDelta)
  const { columns, skipped } = decode([sealed(batch)])
  expect(columns.offsets.length).toBeLessThan(1_000)
  expect(skipped).toMatchObject([{ from: 0n, to: 999_999n, reason: '1000000 records in 18 bytes' }])
})

test('any negative length of a key, a value or the value of a header is none', () => {
  const bytes = record(0, 0, 0, -7, -2, 1, 4, TEXT, -9)
  expect(decode([withRecords(numbered(0, 0), bytes)]).rows).toMatchObject([
    { key: undefined, value: undefined, headers: [['text', '']] },
  ])
})

test('headers come in their order, repeated names, empty names and absent values among them', () => {
  const names = ['b', 'a', 'b', '', '__proto__', 'é'.repeat(70)]
  const spec = numbered(0, 1)
  const list = names.map((name, at) => [name, at % 2 === 0 ? `${at}` : undefined] as const)
  const { rows } = decode([encodeBatch({ ...spec, records: [{ delta: 0, value: 'v', headers: list }] })])
  expect(rows[0]?.headers).toEqual(names.map((name, at) => [name, at % 2 === 0 ? `${at}` : '']))
})

test('what is left of a batch is a batch of the records behind those that were handled', () => {
  const { columns } = decode([encodeBatch(numbered(0, 3)), encodeBatch({ base: 3, records: [{ delta: 0, key: 'k' }] })])
  const facts = { topic: 'prices', partition: 3, highWatermark: 9n, stableEnd: 8n }
  const rest = new ColumnBatch(columns, facts).from(1).from(1)
  expect(rest).toMatchObject({ ...facts, count: 2 })
  expect([rest.offset(0), rest.offset(1)]).toEqual([2n, 3n])
  expect([rest.value(0)?.toString(), rest.value(1)]).toEqual(['v2', undefined])
  expect([rest.key(0), rest.key(1)?.toString()]).toEqual([undefined, 'k'])
  expect(rest.from(2).count).toBe(0)
})

describe('an integer of variable length', () => {
  const read = (bytes: Buffer) => {
    CURSOR.at = 0
    return [readVarint(bytes), CURSOR.at]
  }

  test('is read as it was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 51), max: 2 ** 51 }), (value) => {
        const bytes = varint(value)
        expect(read(Buffer.concat([bytes, Buffer.from([0xff])]))).toEqual([value, bytes.length])
      }),
    )
  })

  test('is read up to ten bytes, about as large as it is', () => {
    const lowest = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1])
    expect(read(lowest)).toEqual([-(2 ** 63), 10])
  })

  test('throws where the bytes end before it, or where it is longer', () => {
    for (let length = 0; length < 20; length++) expect(() => read(Buffer.alloc(length, 0x80))).toThrow('does not end')
  })
})
