import { setTimeout as delay } from 'node:timers/promises'
import { type Batch, type Broker, BrokerError, type BrokerEvent, type Consumer } from '../src/broker/port.ts'
import { aborted } from '../src/timer.ts'

export interface WholeTopicOptions {
  readonly broker: Broker
  readonly topic: string
  /** The name under which events speak of the reader. */
  readonly groupId: string
  /** The topic's number of partitions, asked anew; undefined if there is no such topic. */
  readonly partitionsOf: (topic: string) => Promise<number | undefined>
  /** Takes a record, whose bytes are used again afterwards. It must not throw. */
  readonly onRecord: (batch: Batch, record: number) => void
  /** The topic was made again or has grown: what was written before is not where it would be looked for. */
  readonly onMoved?: () => void
  readonly onEvent: (event: BrokerEvent) => void
}

const LOOK_EVERY_MS = 5
/** A reader asks again at once, so an end that was not seen for so long is out of reach. */
const SILENT_MS = 10_000

/** Reads all partitions of a compacted topic of ours from their start, and goes on reading. */
export class WholeTopic {
  readonly #options: WholeTopicOptions
  readonly #consumer: Consumer
  /** Why the topic cannot be read at the moment. */
  #trouble: string | undefined
  /** How many partitions the topic has, as far as is known; 0 before the first look. */
  partitions = 0

  constructor(options: WholeTopicOptions) {
    this.#options = options
    const { broker, topic, groupId, onRecord, onEvent } = options
    this.#consumer = broker.consumer({
      mode: 'broadcast',
      groupId,
      topics: [topic],
      start: { at: 'earliest' },
      reusesMemory: true,
      onEvent: (event) => {
        this.#hear(event)
        onEvent(event)
      },
      onBatch: async (batch) => {
        for (let record = 0; record < batch.count; record++) onRecord(batch, record)
        return batch.count
      },
    })
  }

  /** Why the topic cannot be read at the moment; undefined if it can, as far as is known. */
  get trouble(): string | undefined {
    return this.#trouble ?? this.#silence()
  }

  /** Rejects with a BrokerError if the topic cannot be read. */
  async start(): Promise<void> {
    await this.#look()
    await this.#consumer.start()
  }

  /**
   * Resolves when all that was written before the call was read, in every partition. Rejects if the topic is gone or may
   * not be read, and with the signal's reason once that is aborted.
   */
  async readToEnd(signal: AbortSignal): Promise<void> {
    const sinceMs = performance.now()
    await Promise.race([this.#look(), aborted(signal)])
    for (;;) {
      if (this.#trouble !== undefined) throw new Error(this.#trouble)
      const positions = this.#consumer.positions()
      const isRead = positions.every(({ readToEndAtMs = Number.NEGATIVE_INFINITY }) => readToEndAtMs >= sinceMs)
      // A partition that nobody leads has no position yet.
      if (isRead && positions.length >= this.partitions) return
      await delay(LOOK_EVERY_MS, undefined, { signal })
    }
  }

  stop(): Promise<void> {
    return this.#consumer.stop()
  }

  /** A leader that is away says nothing. */
  #silence(): string | undefined {
    const nowMs = performance.now()
    const readAtMs = this.#consumer.positions().map(({ readToEndAtMs = nowMs }) => readToEndAtMs)
    const silentMs = nowMs - Math.min(nowMs, ...readAtMs)
    if (silentMs < SILENT_MS) return undefined
    return `topic ${this.#options.topic} was last read to its end ${Math.round(silentMs / 1000)} s ago`
  }

  async #look(): Promise<void> {
    const { topic, partitionsOf } = this.#options
    const partitions = await partitionsOf(topic)
    if (partitions === undefined)
      throw new BrokerError('unknown-topic', `there is no topic ${topic}`, { retriable: true })
    this.partitions = partitions
  }

  #hear(event: BrokerEvent): void {
    if (event.type !== 'topic') return
    const { topic, onMoved } = this.#options
    const { change, partitions } = event
    this.#trouble = undefined
    if (change === 'forbidden') this.#trouble = `topic ${topic}: the right to READ it is missing`
    else if (change === 'gone') this.#trouble = `topic ${topic} is gone`
    else this.partitions = partitions
    if (change === 'made-again' || change === 'grown') onMoved?.()
  }
}
