import { describe, expect, test } from '@jest/globals'
import { decodeRecords } from '../../../../src/broker/kafka/fetch/record-batches.ts'
import { AT, COUNT_AT, decode, encodeBatch, HEADER_BYTES, marker, numbered, rowsOfSpec, sealed } from './batches.ts'

describe('records of whole batches', () => {
  test('are decoded with their offset, time, key, value and headers', () => {
    const spec = {
      base: 1_000_000_000_000,
      records: [
        { delta: 0, key: 'WETH/USDC', value: 'a price', timeDelta: 0 },
        { delta: 1, key: 'WETH/USDC', timeDelta: 70_000 },
        { delta: 2, value: '', timeDelta: -5 },
        { delta: 3, key: '', value: 'é'.repeat(100), headers: [['trace', '1'] as const, ['trace', '2'] as const] },
        { delta: 4, headers: [['', undefined] as const, ['name', ''] as const] },
      ],
    }
    expect(decode([encodeBatch(spec)], 1_000_000_000_000n)).toMatchObject({
      rows: rowsOfSpec(spec),
      next: 1_000_000_000_005n,
      skipped: [],
      neededBytes: 0,
    })
  })

  test('of many batches come in one run of columns', () => {
    const specs = Array.from({ length: 40 }, (_, at) => numbered(10 * at, 10))
    const { rows, next } = decode(specs.map(encodeBatch))
    expect(rows).toEqual(specs.flatMap(rowsOfSpec))
    expect(next).toBe(400n)
  })

  test('have the time at which the broker appended them, where it stamps them', () => {
    const spec = { ...numbered(0, 3), appendTimeMs: 1_800_000_000_000 }
    expect(decode([encodeBatch(spec), encodeBatch(numbered(3, 1))]).rows).toEqual([
      ...rowsOfSpec(spec),
      ...rowsOfSpec(numbered(3, 1)),
    ])
  })

  test('have the time -1 where their producer gave none', () => {
    expect(decode([encodeBatch({ ...numbered(0, 2), firstTimeMs: -1 })]).rows).toMatchObject([
      { timeMs: -1 },
      { timeMs: -1 },
    ])
  })

  test('before the position are left out', () => {
    const batches = [numbered(0, 5), numbered(5, 5)].map(encodeBatch)
    expect(decode(batches, 3n).offsets).toEqual([3, 4, 5, 6, 7, 8, 9])
    expect(decode(batches, 9n)).toMatchObject({ offsets: [9], next: 10n })
  })

  test('are read up to offset 2^53 - 1, and are given up beyond it', () => {
    const last = Number.MAX_SAFE_INTEGER
    expect(decode([encodeBatch(numbered(last - 1, 2))], BigInt(last - 1)).offsets).toEqual([last - 1, last])
    const beyond = { ...numbered(0, 3), base: BigInt(last) - 1n }
    expect(decode([encodeBatch(beyond)], BigInt(last))).toMatchObject({
      rows: [],
      next: BigInt(last) + 2n,
      skipped: [{ from: BigInt(last), to: BigInt(last) + 1n, reason: expect.stringContaining('offsets from') }],
    })
  })

  test('that an earlier batch of the answer has, too, are left out the second time', () => {
    const batches = [numbered(0, 4), numbered(2, 4), numbered(1, 3), numbered(6, 1)].map(encodeBatch)
    expect(decode(batches)).toMatchObject({ offsets: [0, 1, 2, 3, 4, 5, 6], next: 7n, skipped: [] })
  })
})

describe('the position moves behind a batch', () => {
  test('of which compaction left some records', () => {
    const batch = encodeBatch({ base: 10, records: [{ delta: 1 }, { delta: 3 }], lastDelta: 6 })
    expect(decode([batch], 10n)).toMatchObject({ offsets: [11, 13], next: 17n })
    expect(decode([batch], 14n)).toMatchObject({ offsets: [], next: 17n, neededBytes: 0 })
  })

  test('of which compaction left nothing but the header', () => {
    const empty = encodeBatch({ base: 10, records: [], lastDelta: 4 })
    expect(decode([empty], 10n)).toMatchObject({ offsets: [], next: 15n, skipped: [] })
    expect(decode([encodeBatch(numbered(5, 2)), empty, encodeBatch(numbered(20, 1))], 5n)).toMatchObject({
      offsets: [5, 6, 20],
      next: 21n,
    })
  })

  test('that is a marker, at the end of what came or alone', () => {
    expect(decode([encodeBatch({ ...numbered(0, 2), producer: 7n }), marker(2, 7n, 'commit')])).toMatchObject({
      offsets: [0, 1],
      next: 3n,
    })
    expect(decode([marker(2, 7n, 'commit')], 2n)).toMatchObject({ offsets: [], next: 3n, neededBytes: 0 })
  })

  test('of control records that belong to no transaction', () => {
    const leaderChange = encodeBatch({ ...numbered(0, 1), isControl: true })
    expect(decode([leaderChange, encodeBatch(numbered(1, 1))])).toMatchObject({ offsets: [1], next: 2n })
  })

  test('of an aborted transaction', () => {
    const batch = encodeBatch({ ...numbered(0, 3), producer: 7n })
    expect(decode([batch], 0n, [{ producerId: 7n, firstOffset: 0n }])).toMatchObject({ offsets: [], next: 3n })
  })

  test('and never back', () => {
    const old = encodeBatch(numbered(0, 3))
    expect(decode([old], 50n)).toMatchObject({ offsets: [], next: 50n, neededBytes: old.length + HEADER_BYTES })
    expect(decode([])).toMatchObject({ offsets: [], next: 0n, neededBytes: 0 })
  })
})

test('cut off at any byte, a set of batches is read up to the last whole one', () => {
  const specs = [numbered(0, 3), numbered(3, 1), numbered(10, 4)]
  const batches = specs.map(encodeBatch)
  const all = Buffer.concat(batches)
  const ends = batches.map((_, at) => Buffer.concat(batches.slice(0, at + 1)).length)
  for (let length = 0; length <= all.length; length++) {
    const whole = ends.filter((end) => end <= length).length
    const { rows, next, skipped, neededBytes } = decode([all.subarray(0, length)])
    expect(rows).toEqual(specs.slice(0, whole).flatMap(rowsOfSpec))
    expect(next).toBe([0n, 3n, 4n, 14n][whole])
    expect(skipped).toEqual([])
    // If not even the length of the first batch came, a header is asked for.
    const first = length <= AT.version ? HEADER_BYTES : batches[0]?.length
    expect(neededBytes).toBe(whole > 0 || length === 0 ? 0 : first)
  }
})

test('a batch that came in part behind batches before the position is asked for with all of them', () => {
  const old = encodeBatch(numbered(0, 3))
  const wanted = encodeBatch(numbered(3, 3))
  const { neededBytes, next } = decode([old, wanted.subarray(0, 30)], 3n)
  expect({ neededBytes, next }).toEqual({ neededBytes: old.length + wanted.length, next: 3n })
})

describe('a damaged batch', () => {
  const damages: readonly (readonly [reason: string, damage: (batch: Buffer) => unknown])[] = [
    ['the checksum is wrong', (batch) => batch.writeUInt8(1, batch.length - 1)],
    ['the checksum is wrong', (batch) => batch.writeInt32BE(HEADER_BYTES - 12, AT.length)],
    ['message format 1, 2 is expected', (batch) => batch.writeInt8(1, AT.version)],
    ['message format 255, 2 is expected', (batch) => batch.writeInt8(-1, AT.version)],
    ['a batch of 12 bytes', (batch) => batch.writeInt32BE(0, AT.length)],
    ['a batch of 11 bytes', (batch) => batch.writeInt32BE(-1, AT.length)],
    ['a batch of -2147483636 bytes', (batch) => batch.writeInt32BE(-(2 ** 31), AT.length)],
    ['a batch of 60 bytes', (batch) => batch.writeInt32BE(48, AT.length)],
    ['a batch of 2147483659 bytes', (batch) => batch.writeInt32BE(2 ** 31 - 1, AT.length)],
    ['offsets from -4 to 1', (batch) => batch.writeBigInt64BE(-4n, AT.base)],
    ['offsets from 4 to 3', (batch) => sealed(batch.fill(255, AT.lastDelta, AT.lastDelta + 4))],
  ]
  const damaged = (base: number, damage: (batch: Buffer) => unknown) => {
    const batch = encodeBatch(numbered(base, 6))
    damage(batch)
    return batch
  }

  test.each(damages)('further in ends what is read, as it is fetched again: %s', (_, damage) => {
    const batches = [encodeBatch(numbered(0, 4)), damaged(4, damage), encodeBatch(numbered(10, 2))]
    expect(decode(batches)).toMatchObject({ offsets: [0, 1, 2, 3], next: 4n, skipped: [], neededBytes: 0 })
  })

  test.each(damages)('that is the first one is given up, and told: %s', (reason, damage) => {
    const { next, skipped, offsets } = decode([damaged(4, damage), encodeBatch(numbered(10, 2))], 5n)
    expect(offsets).toEqual([])
    expect(next).toBeGreaterThan(5n)
    expect(skipped).toEqual([{ from: 5n, to: next - 1n, reason }])
  })

  test('is given up as far as its header says, where nothing follows', () => {
    const batch = damaged(4, (bytes) => bytes.writeUInt8(1, bytes.length - 1))
    expect(decode([batch], 6n).next).toBe(10n)
    expect(decode([damaged(4, (bytes) => bytes.writeInt32BE(-1, AT.length))], 6n).next).toBe(10n)
  })

  test('is given up as far as the next one begins, where that is whole', () => {
    const batch = damaged(4, (bytes) => bytes.writeInt32BE(2 ** 30, AT.lastDelta))
    expect(decode([batch, encodeBatch(numbered(20, 2))], 6n)).toMatchObject({
      next: 20n,
      skipped: [{ from: 6n, to: 19n }],
    })
  })

  test('is not given up as far as a next one begins that is cut off, or damaged, too', () => {
    const batch = damaged(4, (bytes) => bytes.writeInt32BE(2 ** 30, AT.lastDelta))
    const next = encodeBatch(numbered(20, 2))
    expect(decode([batch, next.subarray(0, -1)], 6n).next).toBe(7n)
    expect(decode([batch, next.fill(1, next.length - 1), encodeBatch(numbered(30, 1))], 6n).next).toBe(7n)
  })

  test.each<[what: string, damage: (batch: Buffer) => unknown]>([
    ['its last offset is not its count', (batch) => batch.writeInt32BE(2 ** 30, AT.lastDelta)],
    ['its count is not its last offset', (batch) => batch.writeInt32BE(2, COUNT_AT)],
    ['it begins behind the position', (batch) => batch.writeBigInt64BE(7n, AT.base)],
    ['it ends before the position', (batch) => batch.writeBigInt64BE(0n, AT.base)],
  ])('is given up for one offset alone, where nothing follows and %s', (_, damage) => {
    const batch = damaged(4, damage)
    batch.writeUInt8(batch.readUInt8(AT.crc) ^ 1, AT.crc)
    expect(decode([batch], 6n)).toMatchObject({ next: 7n, skipped: [{ from: 6n, to: 6n }] })
  })

  test('is given up for one offset alone, where its header is cut off', () => {
    const batch = damaged(4, (bytes) => bytes.writeInt32BE(-1, AT.length)).subarray(0, 30)
    expect(decode([batch], 6n)).toMatchObject({ next: 7n, skipped: [{ from: 6n, to: 6n }] })
  })

  test('of an old message format is given up, though it is shorter than a header', () => {
    const message = Buffer.alloc(36)
    message.writeBigInt64BE(3n, AT.base)
    message.writeInt32BE(24, AT.length)
    message.writeInt8(1, AT.version)
    expect(decode([message, encodeBatch(numbered(4, 1))], 3n)).toMatchObject({
      next: 4n,
      skipped: [{ from: 3n, to: 3n, reason: 'message format 1, 2 is expected' }],
    })
  })

  test('at the end of a log is given up a step at a time, each of which moves on', () => {
    const batch = damaged(4, (bytes) => bytes.writeInt32BE(0, COUNT_AT))
    let position = 4n
    for (let fetches = 0; position < 10n; fetches++) {
      expect(fetches).toBeLessThan(6)
      position = decodeRecords({ records: batch, position, aborted: [] }).next
    }
  })
})
