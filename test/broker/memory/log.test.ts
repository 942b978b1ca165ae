import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { CHUNK_RECORDS, MemoryBatch, PartitionLog } from '../../../src/broker/memory/log.ts'

const UNBOUNDED = Number.MAX_SAFE_INTEGER

describe('a partition log', () => {
  test('gives back any records, across chunks, in batches of any size', () => {
    const record = fc.record({
      key: fc.option(fc.string({ maxLength: 20 }), { nil: undefined }),
      value: fc.option(fc.oneof(fc.string({ unit: 'grapheme', maxLength: 300 }), fc.uint8Array({ maxLength: 300 })), {
        nil: null,
      }),
      timestampMs: fc.nat(),
    })
    const run = fc.property(fc.array(record, { maxLength: 60 }), fc.integer({ min: 1, max: 700 }), (kinds, batch) => {
      const log = new PartitionLog(UNBOUNDED)
      const sent = Array.from({ length: kinds.length * 40 }, (_, i) => kinds[i % kinds.length]).filter(isPresent)
      for (const { key, value, timestampMs } of sent) {
        const bytes = value instanceof Uint8Array ? Buffer.from(value) : value
        log.append({ partition: 0, value: bytes, ...(key === undefined ? {} : { key }) }, timestampMs)
      }
      const expected = sent.map(({ key, value, timestampMs }, i) => [i, bytesOf(key), bytesOf(value), timestampMs])
      expect(readAll(log, batch)).toEqual(expected)
    })
    fc.assert(run, { numRuns: 50, verbose: true })
  })

  test('keeps the newest records up to its bound, and frees the chunks before them', () => {
    const log = new PartitionLog(1500)
    for (let i = 0; i < 5000; i++) log.append({ partition: 0, value: `v${i}` }, i)
    expect([log.low, log.high]).toEqual([3500, 5000])
    expect(readAll(log, 500).map(([offset]) => offset)).toEqual(Array.from({ length: 1500 }, (_, i) => 3500 + i))
    expect(() => log.read(2 * CHUNK_RECORDS, 1)).toThrow(RangeError)
  })

  test('keeps the records of a batch that is still held', () => {
    const log = new PartitionLog(10)
    for (let i = 0; i < 10; i++) log.append({ partition: 0, value: `old ${i}` }, i)
    const batch = new MemoryBatch('t', 0, { ...log.read(0, 10), high: log.high })
    for (let i = 0; i < 5000; i++) log.append({ partition: 0, value: `new ${i}` }, i)
    expect(batch.value(9)?.toString()).toBe('old 9')
    expect(batch.highWatermark).toBe(10n)
  })

  test('finds a timestamp among the records that still exist', () => {
    const log = new PartitionLog(3)
    for (const timestampMs of [50, 10, 20, 30]) log.append({ partition: 0, value: null }, timestampMs)
    expect([0, 20, 21, 31].map((timestampMs) => log.offsetAt(timestampMs))).toEqual([1, 2, 3, undefined])
  })

  test('calls its listeners once for all records since the last call', () => {
    const log = new PartitionLog(UNBOUNDED)
    let told = 0
    const stop = log.onAppended(() => {
      told += 1
    })
    log.announce()
    expect(told).toBe(0)
    log.append({ partition: 0, value: 'a' }, 0)
    log.append({ partition: 0, value: 'b' }, 0)
    log.announce()
    log.announce()
    expect(told).toBe(1)
    stop()
    log.append({ partition: 0, value: 'c' }, 0)
    log.announce()
    expect(told).toBe(1)
  })

  test('hands out batches that refuse an index which they do not have', () => {
    const log = new PartitionLog(UNBOUNDED)
    log.append({ partition: 0, value: 'a' }, 0)
    log.append({ partition: 0, value: 'b' }, 0)
    const batch = new MemoryBatch('t', 0, { ...log.read(0, 1), high: log.high })
    expect(() => batch.value(1)).toThrow(RangeError)
    expect(() => batch.offset(-1)).toThrow(RangeError)
  })
})

function readAll(log: PartitionLog, maxRecords: number) {
  const found: [number, Buffer | undefined, Buffer | undefined, number][] = []
  for (let position = log.low; position < log.high; ) {
    const batch = new MemoryBatch('t', 0, { ...log.read(position, maxRecords), high: log.high })
    for (let i = 0; i < batch.count; i++) {
      found.push([Number(batch.offset(i)), batch.key(i), batch.value(i), batch.timestampMs(i)])
    }
    position += batch.count
  }
  return found
}

function bytesOf(value: string | Uint8Array | null | undefined): Buffer | undefined {
  return value === null || value === undefined ? undefined : Buffer.from(value)
}

function isPresent<T>(value: T | undefined): value is T {
  return value !== undefined
}
