import { describe, expect, test } from '@jest/globals'
import { decode, encodeBatch, marker, type RecordSpec, sealed } from './batches.ts'

const A = 2n ** 40n
const B = 9n
const C = 11n
const PRODUCER_AT = 43

/** One record of a transaction. */
function of(producer: bigint, base: number, record: Partial<RecordSpec> = {}): Buffer {
  return encodeBatch({ base, producer, records: [{ delta: 0, value: `v${base}`, ...record }] })
}

describe('of two transactions that interleave and abort in the other order, beside one that commits,', () => {
  const log = [
    of(A, 0),
    of(B, 1),
    of(C, 2),
    of(A, 3, { key: '\0\0\0\0' }),
    of(B, 4, { key: '\0\0\0\x01' }),
    marker(5, B, 'abort'),
    of(A, 6),
    marker(7, A, 'abort'),
    of(C, 8),
    marker(9, C, 'commit'),
    of(A, 10),
    marker(11, A, 'commit'),
    of(B, 12),
    marker(13, B, 'commit'),
  ]
  const aborted = [
    { producerId: B, firstOffset: 1n },
    { producerId: A, firstOffset: 0n },
  ]

  test.each([
    [0, [2, 8, 10, 12]],
    [1, [2, 8, 10, 12]],
    [3, [8, 10, 12]],
    [4, [8, 10, 12]],
  ])('no aborted record is read from offset %i on, and every committed one is', (from, offsets) => {
    const position = BigInt(from)
    expect(decode(log.slice(from), position, aborted)).toMatchObject({ offsets, next: 14n })
    expect(decode(log.slice(from), position, aborted.toReversed())).toMatchObject({ offsets, next: 14n })
    // Batches before the position may come, too.
    expect(decode(log, position, aborted).offsets).toEqual(offsets)
  })
})

describe('an entry of the aborted transactions', () => {
  test('holds from its first offset on: what the producer committed before is read', () => {
    const log = [of(A, 0), marker(1, A, 'commit'), of(A, 2), of(A, 3), marker(4, A, 'abort'), of(A, 5)]
    expect(decode(log, 0n, [{ producerId: A, firstOffset: 2n }]).offsets).toEqual([0, 5])
  })

  test('holds where its first batch is not in the answer', () => {
    const log = [of(A, 3), marker(4, A, 'abort'), of(A, 5), marker(6, A, 'commit')]
    expect(decode(log, 3n, [{ producerId: A, firstOffset: 0n }]).offsets).toEqual([5])
  })

  test('holds until a marker of its producer, whatever that says', () => {
    const log = [of(A, 0), marker(1, A, 'commit'), of(A, 2)]
    expect(decode(log, 0n, [{ producerId: A, firstOffset: 0n }]).offsets).toEqual([2])
  })

  test('is one of several of the same producer', () => {
    const log = [of(A, 0), marker(1, A, 'abort'), of(A, 2), marker(3, A, 'commit'), of(A, 4), marker(5, A, 'abort')]
    const aborted = [4n, 0n].map((firstOffset) => ({ producerId: A, firstOffset }))
    expect(decode(log, 0n, aborted).offsets).toEqual([2])
  })

  test('does not touch records that belong to no transaction, whose producer has the same id', () => {
    const idempotent = encodeBatch({ base: 1, records: [{ delta: 0 }] })
    idempotent.writeBigInt64BE(A, PRODUCER_AT)
    expect(decode([of(A, 0), sealed(idempotent)], 0n, [{ producerId: A, firstOffset: 0n }]).offsets).toEqual([1])
  })

  test('is compared as the 64 bits that it has', () => {
    const near = 2n ** 62n
    const log = [of(near, 0), of(near + 1n, 1), marker(2, near, 'abort'), marker(3, near + 1n, 'commit')]
    expect(decode(log, 0n, [{ producerId: near, firstOffset: 0n }]).offsets).toEqual([1])
  })
})

test('a record is no marker because its key looks like one', () => {
  const log = [of(A, 0, { key: '\0\0\0\0' }), of(A, 1, { key: '\0\0\0\x01' }), of(A, 2), marker(3, A, 'abort')]
  expect(decode(log, 0n, [{ producerId: A, firstOffset: 0n }]).offsets).toEqual([])
  expect(decode(log).offsets).toEqual([0, 1, 2])
})

test('a damaged marker is not passed within an answer: what is behind it comes with transactions of its own', () => {
  const damaged = marker(1, A, 'abort')
  damaged.writeUInt8(1, damaged.length - 1)
  const log = [of(A, 0), damaged, of(A, 2), marker(3, A, 'commit')]
  const aborted = [{ producerId: A, firstOffset: 0n }]
  expect(decode(log, 0n, aborted)).toMatchObject({ offsets: [], next: 1n })
  // The broker still names it, as its marker is not before the position.
  expect(decode(log.slice(1), 1n, aborted)).toMatchObject({ offsets: [], next: 2n, skipped: [{ from: 1n, to: 1n }] })
  expect(decode(log.slice(2), 2n, []).offsets).toEqual([2])
})
