import { expect, test } from '@jest/globals'
import { WarmRequests } from '../../consumers/warm-requests.ts'
import { encodeWarmRequest } from '../../schemas/warm-request.ts'
import type { WarmResult } from '../../schemas/warm-result.ts'
import { virtualClock } from '../../src/clock.ts'
import { TaskQueue } from '../../src/tasks/task-queue.ts'
import { refusalAnswer } from '../../src/warming/warm-answer.ts'
import { request, WarmerUnderTest } from '../warming/warmer-under-test.ts'
import { batchOf } from './batch.ts'

test('a warm request that fails by a bug is reported with the error, and the next one is answered', async () => {
  const { warmer, promotions, metrics } = new WarmerUnderTest()
  const results: WarmResult[] = []
  const faults: unknown[] = []
  const requests = new WarmRequests({
    ...{ warmer, metrics },
    publish: (result) => results.push(result),
    onFault: (error) => faults.push(error),
  })
  const records = [request(), request({ requestId: 'good' })].map((each) => ({ value: encodeWarmRequest(each) }))
  const batch = batchOf(records)
  promotions.error = new Error('a bug')
  requests.handle(batch, 0)
  await requests.answered()
  promotions.error = undefined
  requests.handle(batch, 1)
  await requests.answered()
  expect(faults).toEqual([new Error('a bug')])
  expect(results).toMatchObject([{ requestId: 'good', status: 'done' }])
})

test('a request of a task that is shed is answered as refused; one that a node makes by itself does not wait', async () => {
  const { warmer, metrics } = new WarmerUnderTest()
  const results: WarmResult[] = []
  const clock = virtualClock()
  const queue = new TaskQueue({ maxConcurrent: 1, perMinute: 1, maxMs: 1_000, maxWaitingPairs: 0, clock })
  const requests = new WarmRequests({
    ...{ warmer, metrics },
    tasks: {
      ...{ queue, takes: () => true, isRepeated: () => false },
      refuse: (each) => refusalAnswer(each, { node: 'a', reason: 'shed', atMs: 0 }),
    },
    publish: (result) => results.push(result),
    onFault: () => undefined,
  })
  const asked = [
    request({ requestId: 'manual', origin: 'manual' }),
    request({ requestId: 'critical', origin: 'manual', priority: 'critical' }),
    request({ requestId: 'own', origin: 'correlation' }),
  ]
  const batch = batchOf(asked.map((each) => ({ value: encodeWarmRequest(each) })))
  for (let index = 0; index < asked.length; index++) requests.handle(batch, index)
  await requests.settle()
  await requests.answered()
  expect(results.map(({ requestId, status }) => [requestId, status]).toSorted()).toEqual([
    ['critical', 'done'],
    ['manual', 'refused'],
    ['own', 'done'],
  ])
  queue.close()
})

test('a run of a schedule that a successor sends again is carried out once, however many requests came between', async () => {
  const { warmer, metrics } = new WarmerUnderTest()
  const results: WarmResult[] = []
  const queue = new TaskQueue({ maxConcurrent: 1, perMinute: 10, maxMs: 1_000, clock: virtualClock() })
  const seen = new Set<string>()
  const requests = new WarmRequests({
    ...{ warmer, metrics, publish: (result) => results.push(result), onFault: () => undefined },
    tasks: {
      ...{ queue, takes: () => true, refuse: (each) => refusalAnswer(each, { node: 'a', reason: 'shed', atMs: 0 }) },
      isRepeated: ({ requestId }) => seen.size === seen.add(requestId).size,
    },
  })
  const value = encodeWarmRequest(request({ requestId: 'run', origin: 'schedule' }))
  const batch = batchOf([{ value }, { value }])
  requests.handle(batch, 0)
  requests.handle(batch, 1)
  await requests.answered()
  expect(results.map(({ requestId }) => requestId)).toEqual(['run'])
  queue.close()
})
