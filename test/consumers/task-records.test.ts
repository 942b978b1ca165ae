import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { TaskRecords } from '../../consumers/task-records.ts'
import { partitionOf } from '../../schemas/topics.ts'
import { encodeWarmRequest, type WarmRequest } from '../../schemas/warm-request.ts'
import { encodeWarmResult, type WarmResult } from '../../schemas/warm-result.ts'
import { createMemoryBroker, type MemoryBroker } from '../../src/broker/memory/broker.ts'
import type { Producer } from '../../src/broker/port.ts'
import { virtualClock } from '../../src/clock.ts'
import { makeTaskId, type TaskId } from '../../src/tasks/task-id.ts'
import { taskEntry } from '../../src/tasks/task-table.ts'

const NOW_MS = 1_700_000_000_000
const TOPICS = { warmRequests: 'requests', warmResults: 'results' }
const PARTITIONS = 3

let broker: MemoryBroker
let producer: Producer
let records: TaskRecords

beforeEach(async () => {
  const partitions = { [TOPICS.warmRequests]: PARTITIONS, [TOPICS.warmResults]: PARTITIONS }
  broker = createMemoryBroker({ partitions, clock: virtualClock(NOW_MS) })
  producer = broker.producer()
  await producer.connect()
  records = new TaskRecords({ broker, service: 'default', groupId: 'tasks', topics: TOPICS, maxMs: 600_000 })
})
afterEach(() => broker.close())

async function request(requestId: string, more: Partial<WarmRequest> = {}): Promise<void> {
  const facts = { chain: 'c', pairs: ['A'], origin: 'manual', priority: 'high', issuedAtMs: NOW_MS } as const
  const value = encodeWarmRequest({ v: 1, requestId, ...facts, ...more })
  await producer.sendBatch(TOPICS.warmRequests, [{ partition: 1, key: 'c', value }])
}

interface Answer {
  readonly node?: string
  readonly service?: string
  readonly afterMs?: number
}

async function answer(requestIds: readonly string[], { node = 'a', service, afterMs = 0 }: Answer = {}): Promise<void> {
  const counts = { warmed: 1, alreadyInL1: 0, notFound: 0, refusedOlder: 0, notInterested: 0 }
  const of = service !== undefined && { service }
  const sent = requestIds.map((requestId) => {
    const result: WarmResult = { v: 1, requestId, ...of, node, status: 'done', ...counts, durationMs: 1, atMs: 2 }
    const partition = partitionOf(requestId, PARTITIONS)
    return { partition, key: requestId, value: encodeWarmResult(result), timestampMs: NOW_MS + afterMs }
  })
  await producer.sendBatch(TOPICS.warmResults, sent)
}

async function read(entry: ReturnType<typeof taskEntry>) {
  await records.read(entry, AbortSignal.timeout(20_000))
  return entry
}

/** An id of another request in the same partition of the results. */
function neighbour({ taskId }: TaskId): string {
  for (let at = 0; ; at++) {
    const id = `other-${at}`
    if (partitionOf(id, PARTITIONS) === partitionOf(taskId, PARTITIONS)) return id
  }
}

describe('the records of a task', () => {
  test('are found in Kafka by its id alone, among those of others', async () => {
    const id = makeTaskId(NOW_MS, 2)
    for (const requestId of id.requestIds) await request(requestId)
    await request('another')
    const others = Array.from({ length: 5_000 }, (_, at) => `other-${at}`)
    await answer(others)
    await answer(id.requestIds)
    await answer(others)
    const { requests, results } = await read(taskEntry(id))
    expect(requests.map(({ requestId }) => requestId)).toEqual(id.requestIds)
    expect(results.map(({ result }) => result.requestId).toSorted()).toEqual(id.requestIds)
  })

  test('are those of this service, and those that can be parsed', async () => {
    const id = makeTaskId(NOW_MS)
    await request(id.taskId, { service: 'other' })
    await answer([id.taskId], { service: 'other' })
    const at = { partition: partitionOf(id.taskId, PARTITIONS), key: id.taskId }
    await producer.sendBatch(TOPICS.warmResults, [
      { ...at, value: '{' },
      { ...at, value: null },
    ])
    expect(await read(taskEntry(id))).toMatchObject({ requests: [], results: [] })
  })

  test('are each read once, and two requests with one id are one', async () => {
    const id = makeTaskId(NOW_MS)
    const entry = taskEntry(id)
    await request(id.taskId)
    await request(id.taskId)
    await answer([id.taskId])
    await read(entry)
    const position = [...entry.positions]
    await answer([id.taskId], { node: 'b', afterMs: 100 })
    await read(entry)
    expect(entry.requests).toHaveLength(1)
    expect(entry.results.map(({ result, atMs }) => [result.node, atMs - NOW_MS])).toEqual([
      ['a', 0],
      ['b', 100],
    ])
    expect(position).not.toEqual([...entry.positions])
  })

  test('are read no further than half a minute after the last result', async () => {
    const id = makeTaskId(NOW_MS)
    await request(id.taskId)
    await answer([id.taskId])
    await answer([neighbour(id)], { afterMs: 30_001 })
    await answer([id.taskId], { node: 'b', afterMs: 30_002 })
    const entry = await read(taskEntry(id))
    expect(entry.results.map(({ result }) => result.node)).toEqual(['a'])
    expect([...entry.positions.values()]).toEqual([1n])
  })

  test('are awaited no longer than the caller allows', async () => {
    const id = makeTaskId(NOW_MS)
    await request(id.taskId)
    await expect(records.read(taskEntry(id), AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  })
})
