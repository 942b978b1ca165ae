import { MicroBatcher, type MicroBatcherOptions } from '../../src/broker/micro-batch.ts'
import type { OutgoingRecord, Producer, Stored } from '../../src/broker/port.ts'

export const TOPIC = 'prices'

export interface Request {
  readonly records: readonly OutgoingRecord[]
  acknowledge(): void
  fail(error: unknown): void
}

/** A batcher whose requests are answered, and whose linger ends, when the test says so. */
export function newStage(options: Partial<MicroBatcherOptions> = {}) {
  const requests: Request[] = []
  const producer: Producer = {
    connect: async () => undefined,
    sendBatch: (_, records) => {
      const { promise, resolve, reject } = Promise.withResolvers<readonly Stored[]>()
      requests.push({ records, acknowledge: () => resolve([]), fail: reject })
      return promise
    },
    partitions: async () => undefined,
    flush: async () => undefined,
    close: async () => undefined,
  }
  let over: (() => void) | undefined
  const timer = (_: number, run: () => void) => {
    over = run
    return () => {
      over = undefined
    }
  }
  const batcher = new MicroBatcher(producer, { topic: TOPIC, timer, lingerMs: 2, ...options })
  const linger = () => {
    const run = over
    over = undefined
    run?.()
  }
  return { batcher, requests, linger }
}

export function record(partition: number, value: string): OutgoingRecord {
  return { partition, value }
}

export function valuesOf(requests: readonly Request[]): unknown[][] {
  return requests.map(({ records }) => records.map(({ value }) => value))
}

export function turn(): Promise<void> {
  return new Promise(setImmediate)
}
