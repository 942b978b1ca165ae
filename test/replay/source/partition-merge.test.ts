import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { partitionName } from '../../../src/broker/partition-name.ts'
import { compareRecords, type ReplayRecord } from '../../../src/replay/replay-record.ts'
import { PartitionMerge } from '../../../src/replay/source/partition-merge.ts'

function recordAt(topic: string, partition: number, offset: number, timestampMs: number): ReplayRecord {
  return { topic, partition, offset: BigInt(offset), timestampMs, key: undefined, value: undefined, headers: [] }
}

function merged(records: readonly ReplayRecord[]): ReplayRecord[] {
  const merge = new PartitionMerge()
  for (const record of records) merge.add(partitionName(record), record)
  const taken: ReplayRecord[] = []
  for (let next = merge.take(); next !== undefined; next = merge.take()) taken.push(next.record)
  expect([merge.buffered, merge.bytes]).toEqual([0, 0])
  return taken
}

/** Per lane its timestamps; the offset is the place in it. */
const lanes = fc.array(fc.array(fc.nat(50), { maxLength: 30 }), { maxLength: 6 })

function recordsOf(timestamps: readonly (readonly number[])[]): ReplayRecord[] {
  return timestamps.flatMap((lane, index) =>
    lane.map((timestampMs, offset) => recordAt(index % 2 === 0 ? 'a' : 'b', index >> 1, offset, timestampMs)),
  )
}

describe('partition merge', () => {
  test('orders by timestamp, topic, partition, offset', () => {
    fc.assert(
      fc.property(lanes, (timestamps) => {
        const inOrder = recordsOf(timestamps.map((lane) => lane.toSorted((a, b) => a - b)))
        expect(merged(inOrder)).toEqual(inOrder.toSorted(compareRecords))
      }),
    )
  })

  test('lets no record overtake another of its partition, even where timestamps go back', () => {
    fc.assert(
      fc.property(lanes, (timestamps) => {
        const taken = merged(recordsOf(timestamps))
        for (const { topic, partition } of taken) {
          const offsets = taken
            .filter((r) => r.topic === topic && r.partition === partition)
            .map((r) => Number(r.offset))
          expect(offsets).toEqual(offsets.toSorted((a, b) => a - b))
        }
      }),
    )
  })

  test('tells when a lane has run empty', () => {
    const merge = new PartitionMerge()
    merge.add('a/0', recordAt('a', 0, 0, 1))
    merge.add('a/0', recordAt('a', 0, 1, 3))
    merge.add('a/1', recordAt('a', 1, 0, 2))
    expect([merge.take()?.emptied, merge.take()?.emptied, merge.take()?.emptied, merge.take()]).toEqual([
      false,
      true,
      true,
      undefined,
    ])
  })

  test('hands out many records of one lane in order', () => {
    const records = Array.from({ length: 5000 }, (_, offset) => recordAt('a', 0, offset, offset))
    expect(merged(records)).toEqual(records)
  })
})
