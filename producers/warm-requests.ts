import { type Context, context } from '@opentelemetry/api'
import { partitionOf } from '../schemas/topics.ts'
import { encodeWarmRequest, type WarmRequest } from '../schemas/warm-request.ts'
import { MicroBatcher } from '../src/broker/micro-batch.ts'
import type { Producer } from '../src/broker/port.ts'
import { contextUnder, endFailed, Spans, traceHeaders } from '../src/telemetry/spans.ts'
import type { Timer } from '../src/timer.ts'

export interface WarmRequestProducerOptions {
  readonly producer: Producer
  readonly topic: string
  /** The topic's number of partitions. A chain's hash gives its partition. */
  readonly partitions: number
  readonly timer?: Timer | undefined
  readonly spans?: Spans | undefined
}

export interface WarmRequestProducer {
  /**
   * Resolves when the broker has acknowledged the request, and rejects with a BrokerError if it has not. The request's
   * trace begins below `parent` (default: the active context) and travels in the record's headers.
   */
  send(request: WarmRequest, parent?: Context): Promise<void>
  /** Sends the queued records. The producer stays open. A second call changes nothing. */
  close(): Promise<void>
}

/** How long a request waits for others that share its batch, in milliseconds. The whole warm has about twenty. */
const LINGER_MS = 1

/** Writes warm requests to their topic, keyed by chain. */
export function createWarmRequestProducer(options: WarmRequestProducerOptions): WarmRequestProducer {
  const { producer, topic, partitions, timer, spans = new Spans() } = options
  const batcher = new MicroBatcher(producer, { topic, lingerMs: LINGER_MS, timer })
  return {
    send: async (request, parent = context.active()) => {
      const span = spans.send(topic, request, parent)
      try {
        await batcher.add({
          partition: partitionOf(request.chain, partitions),
          key: request.chain,
          value: encodeWarmRequest(request),
          headers: traceHeaders(contextUnder(span, parent)),
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
