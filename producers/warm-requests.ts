import { type Context, context } from '@opentelemetry/api'
import { partitionOf } from '../schemas/topics.ts'
import { encodeWarmRequest, type WarmRequest } from '../schemas/warm-request.ts'
import { createMicroBatcher } from '../src/broker/micro-batch.ts'
import type { Producer } from '../src/broker/port.ts'
import { endFailed, Spans, traceHeaders, within } from '../src/telemetry/spans.ts'
import type { Timer } from '../src/timer.ts'

export interface WarmRequestProducerOptions {
  readonly producer: Producer
  readonly topic: string
  /** Of the topic; a chain lives in the partition that its hash gives. */
  readonly partitions: number
  readonly timer?: Timer
  readonly spans?: Spans
}

export interface WarmRequestProducer {
  /**
   * Resolves when the broker acknowledged the request; rejects with a BrokerError where it did not. Its trace begins
   * below `parent`, the active one unless given, and travels in the record's headers.
   */
  send(request: WarmRequest, parent?: Context): Promise<void>
  /** Sends the rest. The producer stays open. Twice is once. */
  close(): Promise<void>
}

/** Requests wait so long for others to travel with, in milliseconds; a warm has about twenty in all. */
const LINGER_MS = 1

/** Warm requests -> their topic, keyed by chain. */
export function createWarmRequestProducer(options: WarmRequestProducerOptions): WarmRequestProducer {
  const { producer, topic, partitions, timer, spans = new Spans() } = options
  const batcher = createMicroBatcher(producer, { topic, lingerMs: LINGER_MS, ...(timer !== undefined && { timer }) })
  return {
    send: async (request, parent = context.active()) => {
      const span = spans.send(topic, request, parent)
      try {
        await batcher.add({
          partition: partitionOf(request.chain, partitions),
          key: request.chain,
          value: encodeWarmRequest(request),
          headers: traceHeaders(within(span, parent)),
        })
        span.end()
      } catch (error) {
        endFailed(span, String(error))
        throw error
      }
    },
    close: () => batcher.close(),
  }
}
