import { beforeEach, expect, test } from '@jest/globals'
import { Partition, type PartitionStart } from '../../../../src/broker/kafka/fetch/partition.ts'
import { ColumnBatch, RecordColumns } from '../../../../src/broker/kafka/fetch/record-columns.ts'
import type { Batch, BatchContext, BatchHandler } from '../../../../src/broker/port.ts'
import { until } from '../../../harness/until.ts'

const START: PartitionStart = {
  ...{ topic: 'prices', partition: 0, topicId: undefined, leader: 1, committed: undefined },
  ...{ position: 0n, stableEnd: 0n, highWatermark: 0n },
}

/** The handler's answers, one a call; without one it waits for the next. */
let answers: (number | Error)[]
let handed: bigint[][]
let mayHandle: boolean
let failures: string[]
let asked: (() => void) | undefined

beforeEach(() => {
  ;[answers, handed, mayHandle, failures, asked] = [[], [], true, [], undefined]
})

async function handle(batch: Batch, _: BatchContext): Promise<number> {
  handed.push(Array.from({ length: batch.count }, (_, index) => batch.offset(index)))
  while (answers.length === 0) await new Promise<void>((resolve) => (asked = resolve))
  const answer = answers.shift() as number | Error
  if (answer instanceof Error) throw answer
  return answer
}

function answer(...given: (number | Error)[]): void {
  answers.push(...given)
  asked?.()
}

function newPartition(start: Partial<PartitionStart> = {}, onBatch: BatchHandler = handle): Partition {
  return new Partition(
    { ...START, ...start },
    {
      onBatch,
      onRoom: () => undefined,
      onFailed: (error) => failures.push(String(error)),
      retryMs: () => 1,
      heartbeat: async () => undefined,
      mayHandle: () => mayHandle,
    },
  )
}

/** Records at these offsets, in a log that is stable up to `stableEnd`. */
function fetched(offsets: readonly number[], next: number, { stableEnd = next, sentAtMs = 5 } = {}) {
  const columns = new RecordColumns()
  columns.reserve(offsets.length)
  columns.offsets.set(offsets)
  columns.count = offsets.length
  const facts = { topic: 'prices', partition: 0, highWatermark: BigInt(stableEnd), stableEnd: BigInt(stableEnd) }
  return { batch: new ColumnBatch(columns, facts), next: BigInt(next), sentAtMs }
}

test('the position follows what the handler has done, record by record', async () => {
  const partition = newPartition()
  answer(2, 1)
  partition.take(fetched([0, 1, 2], 3))
  await until('all is handled', () => partition.position === 3n)
  expect(handed).toEqual([[0n, 1n, 2n], [2n]])
})

test('the position passes markers and compacted records behind the last record', async () => {
  const partition = newPartition()
  answer(1)
  partition.take(fetched([4], 9))
  await until('it is passed', () => partition.position === 9n)
  partition.take(fetched([], 12))
  expect(partition.position).toBe(12n)
})

test('the next fetch may go out while a batch is in hand, and the one after it not before', async () => {
  const partition = newPartition()
  partition.take(fetched([0], 1))
  await until('it is in hand', () => handed.length === 1)
  expect(partition.isWanted).toBe(true)
  partition.take(fetched([1], 2))
  expect([partition.isWanted, partition.fetchOffset, partition.position]).toEqual([false, 2n, 0n])
  answer(1, 1)
  await until('both are handled', () => partition.position === 2n)
})

test('a batch that waits when the partition is closed is not passed by the one in hand', async () => {
  const partition = newPartition()
  partition.take(fetched([0], 1))
  await until('it is in hand', () => handed.length === 1)
  partition.take(fetched([1], 2))
  partition.close()
  answer(1)
  await partition.drained
  expect([handed, partition.position]).toEqual([[[0n]], 1n])
})

test('a handler that fails, or does nothing, is called again with the same records', async () => {
  const partition = newPartition()
  answer(new TypeError('bad'), 0, 1)
  partition.take(fetched([0], 1))
  await until('it is handled', () => partition.position === 1n)
  expect([handed.length, failures]).toEqual([3, ['TypeError: bad']])
})

test('a paused partition hands out nothing, and goes on when it is resumed', async () => {
  const partition = newPartition()
  partition.pause()
  partition.take(fetched([0], 1))
  expect([handed, partition.isWanted]).toEqual([[], false])
  answer(1)
  partition.resume()
  await until('it is handled', () => partition.position === 1n)
})

test('no record begins to be handled while the membership is in doubt', async () => {
  const partition = newPartition()
  mayHandle = false
  answer(1)
  partition.take(fetched([0], 1))
  expect(handed).toEqual([])
  mayHandle = true
  partition.hand()
  await until('it is handled', () => partition.position === 1n)
})

test('what a handler reports after it was given up is discarded', async () => {
  const partition = newPartition()
  partition.take(fetched([0], 1))
  await until('it is in hand', () => handed.length === 1)
  partition.close()
  partition.abandon()
  await partition.drained
  answer(1)
  expect(partition.position).toBe(0n)
})

test('everything was read up to a moment although the next batch comes before the one that ended there is handled', async () => {
  const partition = newPartition()
  partition.take(fetched([0], 1, { sentAtMs: 10 }))
  await until('it is in hand', () => handed.length === 1)
  partition.take(fetched([1], 2, { stableEnd: 5, sentAtMs: 20 }))
  expect(partition.state.readToEndAtMs).toBeUndefined()
  answer(1)
  await until('it is handled', () => partition.position === 1n)
  expect(partition.state.readToEndAtMs).toBe(10)
})

test('everything was read up to the moment at which the fetch was sent that found no more', async () => {
  const partition = newPartition()
  expect(partition.state.readToEndAtMs).toBeUndefined()
  partition.take(fetched([0], 1, { stableEnd: 5, sentAtMs: 10 }))
  answer(1)
  await until('it is handled', () => partition.position === 1n)
  expect(partition.state.readToEndAtMs).toBeUndefined()
  partition.take(fetched([4], 5, { sentAtMs: 20 }))
  expect(partition.state.readToEndAtMs).toBeUndefined()
  answer(1)
  await until('the end is handled', () => partition.position === 5n)
  expect(partition.state.readToEndAtMs).toBe(20)
  partition.take(fetched([], 5, { sentAtMs: 30 }))
  expect(partition.state.readToEndAtMs).toBe(30)
})

test('a range is not fetched beyond its end', async () => {
  const partition = newPartition({ end: 2n })
  answer(2)
  partition.take(fetched([0, 1], 2))
  await until('all of it is handled', () => partition.position === 2n)
  expect(partition.isWanted).toBe(false)
})

test('a partition that reads on elsewhere forgets what it had fetched', async () => {
  const partition = newPartition()
  partition.isLost = true
  expect(partition.isWanted).toBe(false)
  partition.moveTo(7n)
  expect([partition.isWanted, partition.position, partition.fetchOffset]).toEqual([true, 7n, 7n])
})

test('an interrupted batch ends early, and its rest is handed out when that is allowed again', async () => {
  const signals: AbortSignal[] = []
  const handler = async (batch: Batch, { signal }: BatchContext) => {
    signals.push(signal)
    return handle(batch, { signal, heartbeat: async () => undefined })
  }
  const partition = newPartition({}, handler)
  partition.take(fetched([0, 1, 2], 3))
  mayHandle = false
  partition.interrupt()
  expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  answer(1)
  await until('one is done', () => partition.position === 1n)
  expect(handed).toHaveLength(1)
  mayHandle = true
  partition.hand()
  answer(2)
  await until('the rest is done', () => partition.position === 3n)
  expect([handed, signals.map(({ aborted }) => aborted)]).toEqual([
    [
      [0n, 1n, 2n],
      [1n, 2n],
    ],
    [true, false],
  ])
})
