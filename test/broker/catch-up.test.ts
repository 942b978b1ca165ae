import { expect, test } from '@jest/globals'
import { CatchUp } from '../../src/broker/catch-up.ts'
import type { PartitionLag } from '../../src/broker/port.ts'
import { batchOf } from '../consumers/batch.ts'

/** The lag of the partitions 0, 1, … of one topic. */
function lagOf(...records: readonly bigint[]): PartitionLag[] {
  return records.map((each, partition) => ({ topic: 'prices', partition, records: each }))
}

const batchTo = (partition: number, highWatermark: bigint) => ({
  ...batchOf([{ value: 'a' }, { value: 'b' }], { partition }),
  highWatermark,
  stableEnd: highWatermark,
})

test('a partition that is behind when it is assigned is behind until its end was handled', () => {
  const catchUp = new CatchUp()
  catchUp.assigned(lagOf(5n, 3n), lagOf(5n, 3n))
  expect(catchUp.behindRecords(lagOf(5n, 3n))).toBe(8)
  catchUp.handled(batchTo(0, 5n), 2)
  expect(catchUp.behindRecords(lagOf(3n, 3n))).toBe(6)
  catchUp.handled(batchTo(1, 2n), 1)
  expect(catchUp.behindRecords(lagOf(3n, 1n))).toBe(4)
  catchUp.handled(batchTo(1, 2n), 2)
  expect(catchUp.behindRecords(lagOf(3n, 0n))).toBe(3)
})

test('a partition that has reached its end once is not behind, whatever comes later', () => {
  const catchUp = new CatchUp()
  catchUp.assigned(lagOf(2n, 0n), lagOf(2n, 0n))
  catchUp.handled(batchTo(0, 2n), 2)
  expect(catchUp.behindRecords(lagOf(700n, 900n))).toBe(0)
})

test('behindRecords changes nothing', () => {
  const catchUp = new CatchUp()
  catchUp.assigned(lagOf(5n), lagOf(5n))
  expect(catchUp.behindRecords(lagOf(0n))).toBe(0)
  expect(catchUp.behindRecords(lagOf(4n))).toBe(4)
})

test('partitions that come later are behind beside those that stay, and those that go are behind no more', () => {
  const catchUp = new CatchUp()
  const lag = lagOf(5n, 2n)
  catchUp.assigned(lag.slice(0, 1), lag)
  expect(catchUp.behindRecords(lag)).toBe(5)
  catchUp.assigned(lag.slice(1), lag)
  expect(catchUp.behindRecords(lag)).toBe(7)
  catchUp.revoked(lag.slice(0, 1))
  expect(catchUp.behindRecords(lag)).toBe(2)
})

test('a partition that grows as fast as it is read has caught up with what was waiting', () => {
  const catchUp = new CatchUp()
  catchUp.assigned(lagOf(3n), lagOf(3n))
  catchUp.handled(batchTo(0, 100n), 2)
  expect(catchUp.behindRecords(lagOf(98n))).toBe(98)
  catchUp.handled(batchTo(0, 200n), 2)
  expect(catchUp.behindRecords(lagOf(196n))).toBe(0)
})
