import { partitionOf } from '../schemas/topics.ts'
import { encodeWarmResult, type WarmResult } from '../schemas/warm-result.ts'
import { MicroBatcher } from '../src/broker/micro-batch.ts'
import type { WarmRequestProducerOptions } from './warm-requests.ts'

/** The hash of a request id gives the partition of its results. */
export type WarmResultProducerOptions = Omit<WarmRequestProducerOptions, 'spans'>

export interface WarmResultProducer {
  /** Resolves when the broker has acknowledged the result, and rejects with a BrokerError if it has not. */
  send(result: WarmResult): Promise<void>
  /** Sends the queued records. The producer stays open. A second call changes nothing. */
  close(): Promise<void>
}

/** How long a result waits for others that share its batch, in milliseconds. */
const LINGER_MS = 1

/** Writes warm results to their topic, keyed by request id. */
export function createWarmResultProducer(options: WarmResultProducerOptions): WarmResultProducer {
  const { producer, topic, partitions, timer } = options
  const batcher = new MicroBatcher(producer, { topic, lingerMs: LINGER_MS, timer })
  return {
    send: (result) => {
      const key = result.requestId
      return batcher.add({ partition: partitionOf(key, partitions), key, value: encodeWarmResult(result) })
    },
    close: () => batcher.close(),
  }
}
