import { expect, test } from '@jest/globals'
import { PartitionQueue } from '../../../../src/broker/kafka/producer/partition-queue.ts'
import { NOT_NUMBERED } from '../../../../src/broker/kafka/producer/producer-id.ts'
import type { Batch } from '../../../../src/broker/kafka/producer/send.ts'

const LAST_NUMBER = 2 ** 31 - 1
const LAST_EPOCH = 32_767

test('the numbers of a partition begin again at 0 behind the highest one', () => {
  const queue = newQueue()
  acknowledge(queue, LAST_NUMBER)
  expect(queue.sequence).toBe(LAST_NUMBER)
  acknowledge(queue, 3)
  expect(queue.sequence).toBe(2)
})

test('a partition has a new id behind the last epoch of the one before', () => {
  const queue = newQueue()
  acknowledge(queue, 5)
  queue.renumber()
  expect([queue.producer, queue.sequence]).toEqual([{ id: 7n, epoch: 1 }, 0])
  queue.producer = { id: 7n, epoch: LAST_EPOCH }
  queue.renumber()
  expect(queue.producer).toBeUndefined()
})

test('a partition without numbers stays without', () => {
  const queue = newQueue()
  queue.producer = NOT_NUMBERED
  acknowledge(queue, 5)
  queue.renumber()
  expect([queue.producer, queue.sequence]).toEqual([NOT_NUMBERED, -1])
})

function newQueue(): PartitionQueue {
  const queue = new PartitionQueue({ topic: 'prices', partition: 0 })
  queue.producer = { id: 7n, epoch: 0 }
  return queue
}

function acknowledge(queue: PartitionQueue, records: number): void {
  queue.add({ records: { length: records }, stored: () => undefined } as unknown as Batch)
  queue.acknowledge(0n)
}
