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

/** The timestamps of each partition; the place among them is the offset. */
const partitions = fc.array(fc.array(fc.nat(50), { maxLength: 30 }), { maxLength: 6 })

function recordsOf(timestamps: readonly (readonly number[])[]): ReplayRecord[] {
  return timestamps.flatMap((its, index) =>
    its.map((timestampMs, offset) => recordAt(index % 2 === 0 ? 'a' : 'b', index >> 1, offset, timestampMs)),
  )
}

describe('a partition merge', () => {
  test('orders records by timestamp, topic, partition, offset', () => {
    fc.assert(
      fc.property(partitions, (timestamps) => {
        const inOrder = recordsOf(timestamps.map((its) => its.toSorted((a, b) => a - b)))
        expect(merged(inOrder)).toEqual(inOrder.toSorted(compareRecords))
      }),
    )
  })

  test('keeps the order within a partition, even if timestamps go back', () => {
    fc.assert(
      fc.property(partitions, (timestamps) => {
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

  test('tells when a partition has run empty', () => {
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

  test('hands out many records of one partition in order', () => {
    const records = Array.from({ length: 5000 }, (_, offset) => recordAt('a', 0, offset, offset))
    expect(merged(records)).toEqual(records)
  })
})
