import { partitionOf } from '../schemas/topics.ts'
import { encodeWarmResult, type WarmResult } from '../schemas/warm-result.ts'
import { createMicroBatcher } from '../src/broker/micro-batch.ts'
import type { Producer } from '../src/broker/port.ts'
import type { Timer } from '../src/timer.ts'

export interface WarmResultProducerOptions {
  readonly producer: Producer
  readonly topic: string
  /** Of the topic; a result lives in the partition that the hash of its request id gives. */
  readonly partitions: number
  readonly timer?: Timer
}

export interface WarmResultProducer {
  /** Resolves when the broker acknowledged the result; rejects with a BrokerError where it did not. */
  send(result: WarmResult): Promise<void>
  /** Sends the rest. The producer stays open. Twice is once. */
  close(): Promise<void>
}

/** Results wait so long for others to travel with, in milliseconds. */
const LINGER_MS = 1

/** Warm results -> their topic, keyed by request id. */
export function createWarmResultProducer(options: WarmResultProducerOptions): WarmResultProducer {
  const { producer, topic, partitions, timer } = options
  const batcher = createMicroBatcher(producer, { topic, lingerMs: LINGER_MS, ...(timer !== undefined && { timer }) })
  return {
    send: (result) => {
      const key = result.requestId
      return batcher.add({ partition: partitionOf(key, partitions), key, value: encodeWarmResult(result) })
    },
    close: () => batcher.close(),
  }
}
