import { setTimeout as delay } from 'node:timers/promises'
import type { Broker, BrokerEvent, Consumer } from '../src/broker/port.ts'
import type { WaitingLeaders, WaitingRefusal } from '../src/correlation/kept/waiting-leaders.ts'

export interface CorrelationsReaderOptions {
  readonly broker: Broker
  readonly topic: string
  /** The name under which events speak of the reader. */
  readonly groupId: string
  readonly waiting: Pick<WaitingLeaders, 'put'>
  readonly onRefused: (reason: WaitingRefusal) => void
  readonly onEvent: (event: BrokerEvent) => void
}

const LOOK_EVERY_MS = 5

/** Reads all partitions of the topic of correlations from their start, and goes on reading. */
export class CorrelationsReader {
  readonly #consumer: Consumer
  readonly #topic: string
  #isForbidden = false

  constructor({ broker, topic, groupId, waiting, onRefused, onEvent }: CorrelationsReaderOptions) {
    this.#topic = topic
    this.#consumer = broker.consumer({
      mode: 'broadcast',
      groupId,
      topics: [topic],
      start: { at: 'earliest' },
      reusesMemory: true,
      onEvent: (event) => {
        if (event.type === 'topic') this.#isForbidden = event.change === 'forbidden'
        onEvent(event)
      },
      onBatch: async (batch) => {
        for (let record = 0; record < batch.count; record++) {
          const refused = waiting.put(batch.key(record), batch.value(record))
          if (refused !== undefined) onRefused(refused.reason)
        }
        return batch.count
      },
    })
  }

  /** Rejects with a BrokerError if the topic cannot be read. */
  start(): Promise<void> {
    return this.#consumer.start()
  }

  /**
   * Resolves when all that was written before the call was read. Rejects if the topic may not be read, and with the
   * signal's reason once that is aborted.
   */
  async readToEnd(signal: AbortSignal): Promise<void> {
    const sinceMs = performance.now()
    for (;;) {
      if (this.#isForbidden) throw new Error(`topic ${this.#topic}: the right to READ it is missing`)
      const positions = this.#consumer.positions()
      const isRead = positions.every(({ readToEndAtMs = Number.NEGATIVE_INFINITY }) => readToEndAtMs >= sinceMs)
      if (isRead && positions.length > 0) return
      await delay(LOOK_EVERY_MS, undefined, { signal })
    }
  }

  stop(): Promise<void> {
    return this.#consumer.stop()
  }
}
