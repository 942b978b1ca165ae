import { afterEach, beforeEach, jest } from '@jest/globals'
import { BatchError } from '../../../../src/broker/batch-error.ts'
import { KafkaProducer, type ProducerOptions } from '../../../../src/broker/kafka/producer/producer.ts'
import type { BrokerEvent, OutgoingRecord, Stored } from '../../../../src/broker/port.ts'
import { type Fate, ModelCluster } from './model-cluster.ts'

/** A model of a cluster, producers on it, and their events. Timers are those of Jest. */
export class ProducerStage {
  readonly cluster = new ModelCluster()
  readonly events: BrokerEvent[] = []
  readonly #opened: KafkaProducer[] = []

  constructor() {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick'] })
  }

  async connected(options: Partial<ProducerOptions> = {}): Promise<KafkaProducer> {
    const producer = new KafkaProducer(this.cluster, {
      compressor: undefined,
      isIdempotent: true,
      deliveryTimeoutMs: 30_000,
      requestTimeoutMs: undefined,
      maxPendingBatches: 1_000,
      closeTimeoutMs: 1_000,
      onEvent: (event) => this.events.push(event),
      ...options,
    })
    this.#opened.push(producer)
    await producer.connect()
    return producer
  }

  /** The fate of the next request; those after it are answered. */
  once(fate: Fate): void {
    this.cluster.fateOf = () => {
      this.cluster.fateOf = () => 'answered'
      return fate
    }
  }

  async close(): Promise<void> {
    for (const producer of this.#opened) await settled(producer.close({ flushMs: 0 }))
    jest.useRealTimers()
  }
}

/** Gives each test of a file a stage of its own, and closes it. */
export function onEachStage(take: (stage: ProducerStage) => void): void {
  let stage: ProducerStage
  beforeEach(() => {
    stage = new ProducerStage()
    take(stage)
  })
  afterEach(() => stage.close())
}

/** `0a`: the value `0a` for partition 0. */
export function recordsOf(...values: readonly string[]): OutgoingRecord[] {
  return values.map((value) => ({ partition: Number(value[0]), value }))
}

export async function batchErrorOf(sending: Promise<readonly Stored[]>): Promise<BatchError> {
  const error = await settled(sending.catch((reason: unknown) => reason))
  if (error instanceof BatchError) return error
  throw new Error(`a BatchError is expected, got ${error}`)
}

/** The outcome, for which as much time passes as it takes. */
export async function settled<T>(promise: Promise<T>): Promise<T> {
  let isOver = false
  const over = () => {
    isOver = true
  }
  promise.then(over, over)
  while (!isOver) await jest.advanceTimersByTimeAsync(20)
  return promise
}
