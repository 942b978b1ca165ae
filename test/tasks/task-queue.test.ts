import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Origin, Priority, WarmRequest } from '../../schemas/warm-request.ts'
import { type VirtualClock, virtualClock } from '../../src/clock.ts'
import { isTask, type ShedReason, TaskQueue, type TaskQueueOptions } from '../../src/tasks/task-queue.ts'
import { ManualTimer } from '../harness/manual-timer.ts'

const NOW_MS = 1_700_000_000_000

let clock: VirtualClock
let timer: ManualTimer
let queues: TaskQueue[]
/** The names of requests in the order in which they began, and why others were shed. */
let begun: string[]
let shed: [name: string, reason: ShedReason][]

beforeEach(() => {
  clock = virtualClock(NOW_MS)
  timer = new ManualTimer(clock)
  queues = []
  begun = []
  shed = []
})
afterEach(() => {
  for (const queue of queues) queue.close()
  expect(timer.pending).toBe(0)
})

function queueWith(options: Partial<TaskQueueOptions> = {}): TaskQueue {
  const limits = { maxConcurrent: 1, perMinute: 100, maxMs: 600_000, maxWaitingPairs: 10 }
  const queue = new TaskQueue({ ...limits, clock, timer: timer.start, ...options })
  queues.push(queue)
  return queue
}

interface Asked {
  readonly priority?: Priority
  readonly origin?: Origin
  readonly pairs?: number
  readonly issuedAtMs?: number
}

/** Returns a function that ends the request. */
function ask(
  queue: TaskQueue,
  name: string,
  { priority = 'high', origin = 'manual', pairs = 1, issuedAtMs = clock.now() }: Asked = {},
) {
  const { promise, resolve: end } = Promise.withResolvers<void>()
  const names = Array.from({ length: pairs }, (_, at) => `${name}${at}`)
  const request: WarmRequest = {
    ...{ v: 1, requestId: name, chain: 'c', pairs: names, origin, priority },
    issuedAtMs,
  }
  const outcome = queue.run(request, () => {
    begun.push(name)
    return promise
  })
  const settled = outcome.then((reason) => {
    if (reason !== undefined) shed.push([name, reason])
  })
  return async () => {
    end()
    await settled
  }
}

describe('the queue of tasks', () => {
  test('begins as many as it may at once, the others in the order of their urgency', async () => {
    const queue = queueWith({ maxConcurrent: 2 })
    const ends = ['a', 'b'].map((name) => ask(queue, name))
    for (const priority of ['low', 'critical', 'medium', 'high'] as const) ends.push(ask(queue, priority, { priority }))
    await Promise.resolve()
    expect(begun).toEqual(['a', 'b'])
    expect(queue.figures).toMatchObject({ waiting: 4, waitingPairs: 4, running: 2, shed: { total: 0 } })
    for (const end of ends) void end()
    await Promise.all(ends.map((end) => end()))
    expect(begun).toEqual(['a', 'b', 'critical', 'high', 'medium', 'low'])
    expect(queue.figures).toMatchObject({ waiting: 0, running: 0 })
  })

  test('sheds the oldest of the lowest priority when too many pairs wait, and counts it', async () => {
    const queue = queueWith()
    const end = ask(queue, 'running')
    for (const name of ['old', 'new']) ask(queue, name, { priority: 'low', pairs: 5 })
    ask(queue, 'medium', { priority: 'medium' })
    ask(queue, 'lower', { priority: 'low', pairs: 11 })
    await end()
    expect(shed).toEqual([
      ['old', 'full'],
      ['lower', 'full'],
    ])
    expect(queue.figures.shed).toEqual({
      total: 2,
      byPriority: { critical: 0, high: 0, medium: 0, low: 2 },
      byReason: { full: 2, late: 0, closed: 0 },
    })
  })

  test('never sheds a critical request; its source waits until there is room', async () => {
    const queue = queueWith()
    const ends = ['running', 'a', 'b'].map((name) => ask(queue, name, { priority: 'critical', pairs: 8 }))
    let hasRoom = false
    const room = queue.room().then(() => {
      hasRoom = true
    })
    await Promise.resolve()
    expect([hasRoom, shed]).toEqual([false, []])
    await ends[0]?.()
    await room
    for (const end of ends.slice(1)) await end()
    expect(begun).toEqual(['running', 'a', 'b'])
  })

  test('begins as many requests of schedules in a minute as it may, and others at once', async () => {
    const queue = queueWith({ maxConcurrent: 10, perMinute: 2 })
    const ends = ['s1', 's2', 's3', 's4', 's5'].map((name) => ask(queue, name, { origin: 'schedule' }))
    ends.push(ask(queue, 'manual'))
    await Promise.resolve()
    expect(begun).toEqual(['s1', 's2', 'manual'])
    await timer.advance(59_999)
    expect(begun).toHaveLength(3)
    await timer.advance(1)
    expect(begun.slice(3)).toEqual(['s3', 's4'])
    await timer.advance(60_000)
    expect(begun.slice(5)).toEqual(['s5'])
    for (const end of ends) await end()
  })

  test('begins more at once as soon as it may, and then no more than it may', async () => {
    const queue = queueWith({ maxConcurrent: 1 })
    const ends = ['a', 'b', 'c', 'd'].map((name) => ask(queue, name))
    await Promise.resolve()
    queue.bound({ maxConcurrent: 3, perMinute: 100 })
    await Promise.resolve()
    expect(begun).toEqual(['a', 'b', 'c'])
    queue.bound({ maxConcurrent: 1, perMinute: 100 })
    await ends[0]?.()
    await ends[1]?.()
    expect(begun).toEqual(['a', 'b', 'c'])
    for (const end of ends) await end()
    expect(begun).toEqual(['a', 'b', 'c', 'd'])
  })

  test('goes by a new number of scheduled requests a minute with the next of them', async () => {
    const queue = queueWith({ maxConcurrent: 10, perMinute: 3 })
    const ends = ['s1', 's2', 's3'].map((name) => ask(queue, name, { origin: 'schedule' }))
    queue.bound({ maxConcurrent: 10, perMinute: 1 })
    ends.push(...['s4', 's5'].map((name) => ask(queue, name, { origin: 'schedule' })))
    await timer.advance(60_000)
    expect(begun).toEqual(['s1', 's2', 's3', 's4'])
    await timer.advance(60_000)
    expect(begun).toEqual(['s1', 's2', 's3', 's4', 's5'])
    for (const end of ends) await end()
  })

  test('refuses a request whose time was over before its turn', async () => {
    const queue = queueWith()
    const end = ask(queue, 'running')
    const late = ask(queue, 'late')
    await timer.advance(600_001)
    await end()
    await late()
    expect([begun, shed]).toEqual([['running'], [['late', 'late']]])
  })

  test('carries out a request of a host whose clock is an hour behind', async () => {
    const queue = queueWith()
    const end = ask(queue, 'slow', { issuedAtMs: clock.now() - 3_600_000 })
    await end()
    expect([begun, shed]).toEqual([['slow'], []])
  })

  test('goes on after a request that failed', async () => {
    const queue = queueWith()
    const request: WarmRequest = {
      ...{ v: 1, requestId: 'x', chain: 'c', pairs: ['A'], origin: 'manual', priority: 'high', issuedAtMs: NOW_MS },
    }
    await expect(queue.run(request, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    await ask(queue, 'next')()
    expect(begun).toEqual(['next'])
  })

  test('sheds what waits when it is closed, and what comes then', async () => {
    const queue = queueWith()
    const end = ask(queue, 'running')
    const waiting = ask(queue, 'waiting')
    queue.close()
    queue.close()
    await ask(queue, 'after')()
    await waiting()
    await end()
    expect([begun, shed]).toEqual([
      ['running'],
      expect.arrayContaining([
        ['waiting', 'closed'],
        ['after', 'closed'],
      ]),
    ])
  })
})

test('requests that nodes make by themselves, and those of replays, are no tasks', () => {
  const origins = ['correlation', 'manual', 'schedule', 'prediction', 'recommendation', 'replay'] as const
  expect(origins.filter((origin) => isTask({ origin }))).toEqual(['manual', 'schedule', 'recommendation'])
})
