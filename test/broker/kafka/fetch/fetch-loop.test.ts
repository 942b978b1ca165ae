import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { FetchLoop } from '../../../../src/broker/kafka/fetch/fetch-loop.ts'
import { Partition } from '../../../../src/broker/kafka/fetch/partition.ts'
import type { Cluster } from '../../../../src/broker/kafka/wire/cluster.ts'
import type { WireConnection, WireRequest } from '../../../../src/broker/kafka/wire/connection.ts'
import type { Fetched, FetchedPartition } from '../../../../src/broker/kafka/wire/fetch.ts'
import { ByteReader } from '../../../../src/broker/kafka/wire/reader.ts'
import { RequestWriter } from '../../../../src/broker/kafka/wire/writer.ts'
import type { Batch, BrokerEvent } from '../../../../src/broker/port.ts'
import { until } from '../../../harness/until.ts'
import { encodeAnswer } from '../wire/fetch-answers.ts'
import { encodeBatch } from './batches.ts'

const VERSION = 12
const MAX_BYTES = 400

interface Asked {
  readonly maxBytes: number
  readonly partitions: readonly { readonly partition: number; readonly offset: bigint; readonly maxBytes: number }[]
}

/** The log of each partition: batches of 100 bytes and more. */
let logs: Buffer[]
let asked: Asked[]
let freed: ArrayBufferLike[]
let handled: string[]
let events: BrokerEvent[]
let held: PromiseWithResolvers<void> | undefined
let loop: FetchLoop
/** What the next answers say of each partition, instead of its log. */
let errors: Partial<FetchedPartition>[]
/** The brokers that connections were asked to. */
let leaders: number[]
let isAway: boolean
let isUnreachable: boolean

beforeEach(() => {
  ;[errors, leaders, isAway, isUnreachable] = [[], [], false, false]
  ;[logs, asked, freed, handled, events, held] = [[], [], [], [], [], undefined]
})

afterEach(() => loop.stop())

/** Cuts a partition's bytes off at its own limit, even its first batch. Kafka would send that one whole. */
function answerOf({ partitions }: Asked): readonly FetchedPartition[] {
  const error = errors.shift()
  return partitions.map(({ partition, offset, maxBytes }) => ({
    ...{ topic: 'prices', partition, error: 0, highWatermark: 9n, stableEnd: 9n, aborted: [], leader: undefined },
    records: offset === 0n && !error ? (logs[partition] as Buffer).subarray(0, maxBytes) : Buffer.alloc(0),
    ...error,
  }))
}

function read(bytes: Buffer): Asked {
  const reader = new ByteReader(bytes)
  for (let skipped = 0; skipped < 3; skipped++) reader.int32()
  const maxBytes = reader.int32()
  reader.int8()
  reader.int64()
  const topics = reader.compactArray(() => {
    reader.compactString()
    const partitions = reader.compactArray(() => {
      const partition = reader.int32()
      reader.int32()
      const offset = reader.int64()
      reader.int32()
      reader.int64()
      const most = reader.int32()
      reader.tags()
      return { partition, offset, maxBytes: most }
    })
    reader.tags()
    return partitions
  })
  return { maxBytes, partitions: topics.flat() }
}

const connection = {
  versions: { 1: { minVersion: 4, maxVersion: VERSION } },
  send: async (request: WireRequest<Fetched>) => {
    const writer = new RequestWriter(request.bytes)
    request.encode(writer)
    const one = read(writer.written)
    asked.push(one)
    // Nothing is there any more: a real broker would let the request wait.
    if (one.partitions.every(({ offset }) => offset > 0n)) await new Promise(() => undefined)
    return request.decode(new ByteReader(encodeAnswer(VERSION, { error: 0, partitions: answerOf(one) }))).answer
  },
  free: (memory: ArrayBufferLike) => freed.push(memory),
} as unknown as WireConnection

async function handle(batch: Batch): Promise<number> {
  await held?.promise
  for (let index = 0; index < batch.count; index++) handled.push(String(batch.value(index)))
  return batch.count
}

function startLoop({ reusesMemory = false } = {}): Partition[] {
  loop = new FetchLoop({
    cluster: { connection: connected } as unknown as Cluster,
    ...{ maxWaitMs: 10, maxBytes: MAX_BYTES, maxBytesPerPartition: MAX_BYTES, reusesMemory },
    onEvent: (event) => events.push(event),
    ...{ onMoved: nothing, onOutOfRange: nothing, onAccess: nothing, onFailed: nothing, onAnswered: nothing },
    isExplained: () => isAway,
  })
  const hooks = {
    onRoom: () => loop.wake(),
    onFailed: nothing,
    retryMs: () => 1,
    mayHandle: () => true,
  }
  const place = { position: 0n, stableEnd: 9n, highWatermark: 9n, committed: undefined, topicId: undefined, leader: 1 }
  const partitions = logs.map(
    (_, partition) =>
      new Partition(
        { ...place, topic: 'prices', partition },
        { ...hooks, onBatch: handle, heartbeat: async () => undefined },
      ),
  )
  for (const partition of partitions) loop.add(partition)
  return partitions
}

async function connected(leader: number): Promise<WireConnection> {
  leaders.push(leader)
  if (isUnreachable) throw new Error('no way to it')
  return connection
}

function nothing(): void {}

function batchOf(value: string): Buffer {
  return encodeBatch({ base: 0, records: [{ delta: 0, value }] })
}

test('a first batch that comes cut off is asked for alone, with room for all of it', async () => {
  logs = [batchOf('x'.repeat(2 * MAX_BYTES)), batchOf('small')]
  startLoop()
  await until('both are handled', () => handled.length === 2)
  expect(handled).toEqual(['small', 'x'.repeat(2 * MAX_BYTES)])
  const [, second] = asked
  const bytes = logs[0]?.length
  expect(second).toEqual({ maxBytes: bytes, partitions: [{ partition: 0, offset: 0n, maxBytes: bytes }] })
})

test('a batch that comes cut off although all of it was asked for is passed and reported', async () => {
  const whole = batchOf('x'.repeat(2 * MAX_BYTES))
  logs = [whole.subarray(0, -1)]
  const [partition] = startLoop()
  await until('it is passed', () => partition?.position === 1n)
  const reason = `a batch of ${whole.length} bytes, of which ${whole.length - 1} come`
  expect(events).toEqual([{ type: 'undecodable', topic: 'prices', partition: 0, from: 0n, to: 0n, reason }])
  expect([asked[0]?.maxBytes, asked[1]?.maxBytes]).toEqual([MAX_BYTES, whole.length])
})

test('the memory of an answer is free once the last of its batches is handled', async () => {
  logs = [batchOf('one'), batchOf('two')]
  held = Promise.withResolvers()
  const [first] = startLoop({ reusesMemory: true })
  await until('both are in hand', () => first?.inHand !== undefined)
  expect(freed).toEqual([])
  held.resolve()
  await until('both are handled', () => handled.length === 2)
  await until('it is free', () => freed.length === 1)
})

test('the memory of an answer is left alone if a handler that was given up may still read it', async () => {
  logs = [batchOf('one')]
  held = Promise.withResolvers()
  const [partition] = startLoop({ reusesMemory: true })
  await until('it is in hand', () => partition?.inHand !== undefined)
  partition?.close()
  partition?.abandon()
  held.resolve()
  await partition?.drained
  await until('it was handled all the same', () => handled.length === 1)
  expect(freed).toEqual([])
})

test('the memory of an answer is left alone for handlers that may keep its bytes', async () => {
  logs = [batchOf('one')]
  const [partition] = startLoop()
  await until('it is handled', () => partition?.position === 1n)
  expect(freed).toEqual([])
})

const STORAGE_ERROR = 56

test('a partition whose fetches fail is told after a while, and again when it is fetched', async () => {
  logs = [batchOf('one')]
  errors = Array.from({ length: 100 }, () => ({ error: STORAGE_ERROR }))
  startLoop()
  await until('it is told', () => events.length === 1, { timeoutMs: 6_000 })
  const told = { type: 'partition', topic: 'prices', partition: 0, reason: expect.any(String) }
  expect(events).toEqual([{ ...told, change: 'failing' }])
  errors = []
  await until('it is handled', () => handled.length === 1)
  expect(events.slice(1)).toEqual([{ ...told, change: 'back' }])
})

test('a partition whose leader cannot be reached is told after a while, unless Kafka is away', async () => {
  logs = [batchOf('one')]
  ;[isUnreachable, isAway] = [true, true]
  startLoop()
  await until('it was tried for longer', () => leaders.length >= 8, { timeoutMs: 6_000 })
  expect(events).toEqual([])
  isAway = false
  await until('it is told', () => events.length > 0, { timeoutMs: 6_000 })
  expect(events).toEqual([
    { type: 'partition', topic: 'prices', partition: 0, change: 'failing', reason: 'no way to it' },
  ])
})

test('a fetch that fails once is not told', async () => {
  logs = [batchOf('one')]
  errors = [{ error: STORAGE_ERROR }]
  startLoop()
  await until('it is handled', () => handled.length === 1)
  expect(events).toEqual([])
})

test('a leader that an answer names is followed once, and metadata is waited for if that one names another', async () => {
  logs = [batchOf('one')]
  errors = [
    { error: 6, leader: 2 },
    { error: 6, leader: 1 },
  ]
  const [partition] = startLoop()
  await until('both have answered', () => errors.length === 0, { timeoutMs: 3_000 })
  await until('it waits', () => partition?.leader === -1, { timeoutMs: 3_000 })
  expect(leaders).toEqual([1, 2])
})
