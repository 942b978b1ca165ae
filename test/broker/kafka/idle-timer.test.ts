import { createRequire } from 'node:module'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { guardIdleTimers } from '../../../src/broker/kafka/idle-timer.ts'

interface Queue {
  scheduleRequestTimeoutCheck(): void
  checkPendingRequests(): void
  maybeThrottle(ms: number): void
  push(request: object): void
  fulfillRequest(response: object): void
  destroy(): void
}

const require = createRequire(import.meta.url)
const SECOND_MS = 1000

let setTimeouts = 0
let lastDelayMs = 0
let intervals: number[] = []

beforeEach(() => {
  // Node's timers are fake: the wake-ups of a second are counted, not waited for.
  jest.useFakeTimers()
  setTimeouts = 0
  intervals = []
  const { setTimeout: arm, setInterval: repeat } = globalThis
  jest.spyOn(globalThis, 'setTimeout').mockImplementation(((run: () => void, ms: number) => {
    setTimeouts += 1
    lastDelayMs = ms
    return arm(run, ms)
  }) as typeof setTimeout)
  jest.spyOn(globalThis, 'setInterval').mockImplementation(((run: () => void, ms: number) => {
    intervals.push(ms)
    return repeat(run, ms)
  }) as typeof setInterval)
})

afterEach(() => {
  jest.restoreAllMocks()
  jest.useRealTimers()
})

test('an unguarded idle connection wakes up about a thousand times a second', () => {
  jest.isolateModules(() => {
    const queue = newQueue()
    queue.checkPendingRequests()
    jest.advanceTimersByTime(SECOND_MS)
    expect(setTimeouts).toBeGreaterThan(900)
    expect(lastDelayMs).toBeLessThan(0)
    queue.destroy()
  })
})

test('a guarded connection sleeps while no request waits, and checks for timeouts ten times in each', () => {
  expect(guardIdleTimers()).toBe('guarded')
  const queue = newQueue()
  queue.scheduleRequestTimeoutCheck()
  queue.checkPendingRequests()
  jest.advanceTimersByTime(SECOND_MS)
  expect(setTimeouts).toBe(0)
  expect(intervals).toEqual([3000])
  queue.destroy()
  expect(jest.getTimerCount()).toBe(0)
})

test('a guarded connection still sends requests that waited for an answer or for a throttle', () => {
  guardIdleTimers()
  const sent: number[] = []
  const queue = newQueue({ maxInFlightRequests: 1 })
  const push = (correlationId: number) =>
    queue.push({
      entry: { correlationId, resolve: () => undefined, reject: () => undefined },
      expectResponse: true,
      sendRequest: () => sent.push(correlationId),
    })
  push(1)
  push(2)
  expect(sent).toEqual([1])
  queue.fulfillRequest({ correlationId: 1, size: 0, payload: null })
  expect(sent).toEqual([1, 2])
  queue.maybeThrottle(500)
  queue.fulfillRequest({ correlationId: 2, size: 0, payload: null })
  push(3)
  jest.advanceTimersByTime(400)
  expect(sent).toEqual([1, 2])
  jest.advanceTimersByTime(200)
  expect(sent).toEqual([1, 2, 3])
  queue.destroy()
})

test('a guarded connection still fails a request that is not answered', () => {
  guardIdleTimers()
  const failures: string[] = []
  const queue = newQueue()
  queue.scheduleRequestTimeoutCheck()
  const entry = {
    correlationId: 1,
    apiName: 'Fetch',
    resolve: () => undefined,
    reject: ({ name }: Error) => failures.push(name),
  }
  queue.push({ entry, expectResponse: true, sendRequest: () => undefined })
  jest.advanceTimersByTime(30_000)
  expect(failures).toEqual([])
  jest.advanceTimersByTime(3_001)
  expect(failures).toEqual(['KafkaJSRequestTimeoutError'])
  queue.destroy()
})

test('the guard leaves another version of KafkaJS alone', () => {
  expect(guardIdleTimers('2.2.5')).toBe('not-needed')
  expect(guardIdleTimers('3.0.0')).toBe('not-needed')
})

function newQueue(options: object = {}): Queue {
  const RequestQueue = require('kafkajs/src/network/requestQueue') as new (options: object) => Queue
  return new RequestQueue({
    requestTimeout: 30_000,
    enforceRequestTimeout: true,
    clientId: 'test',
    broker: 'test',
    logger: { debug: () => undefined, warn: () => undefined },
    isConnected: () => true,
    ...options,
  })
}
