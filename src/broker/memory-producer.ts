import { setImmediate as nextTurn } from 'node:timers/promises'
import type { MemoryCluster } from './memory-cluster.ts'
import { maxBytes } from './memory-log.ts'
import type { MemoryTopic } from './memory-topics.ts'
import { BrokerError, type OutgoingRecord, type Producer } from './port.ts'

/** Kafka's batch header (61 B) and a record's own varints, as they count against max.message.bytes. */
const RECORD_OVERHEAD_BYTES = 70

/**
 * A batch is stored whole or not at all, in the order of the calls. A call resolves in a later turn of the event loop,
 * so that a loop of awaited sends lets the readers have theirs.
 */
export class MemoryProducer implements Producer {
  readonly #cluster: MemoryCluster
  #state: 'new' | 'connected' | 'closed' = 'new'

  constructor(cluster: MemoryCluster) {
    this.#cluster = cluster
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  async connect(): Promise<void> {
    if (this.#state === 'closed') throw closed('the producer was closed: make a new one')
    this.#cluster.assertUsable()
    this.#state = 'connected'
  }

  async sendBatch(topicName: string, records: readonly OutgoingRecord[]): Promise<void> {
    if (this.#state !== 'connected') throw closed(`the producer is ${this.#state}, connected expected`)
    this.#cluster.assertUsable()
    if (records.length === 0) return
    const failure = this.#cluster.takeFailure()
    if (failure !== undefined) throw failure
    const topic = this.#cluster.topics.get(topicName)
    for (const record of records) check(topic, record)
    const nowMs = this.#cluster.options.clock.now()
    for (const record of records) topic.partitions[record.partition]?.append(record, record.timestampMs ?? nowMs)
    for (const log of topic.partitions) log.announce()
    await nextTurn()
  }

  /** Turns are first come, first served: this one comes after those of the calls before it. */
  async flush(): Promise<void> {
    await nextTurn()
  }

  async close(): Promise<void> {
    if (this.#state === 'connected') await this.flush()
    this.#state = 'closed'
  }
}

function check(topic: MemoryTopic, record: OutgoingRecord): void {
  if (topic.partitions[record.partition] === undefined) {
    const message = `partition ${record.partition} of ${topic.name}, 0 to ${topic.partitions.length - 1} expected`
    throw new BrokerError('refused', message, { retriable: false })
  }
  // The bound is cheap and nearly always enough; counting UTF-8 bytes is left to records near the limit.
  if (recordBytes(record, maxBytes) <= topic.maxRecordBytes) return
  const bytes = recordBytes(record, Buffer.byteLength)
  if (bytes <= topic.maxRecordBytes) return
  const message = `a record of ${bytes} bytes for ${topic.name}, at most ${topic.maxRecordBytes} expected`
  throw new BrokerError('too-large', message, { retriable: false })
}

function recordBytes(record: OutgoingRecord, measure: (bytes: Buffer | string) => number): number {
  let bytes = RECORD_OVERHEAD_BYTES
  if (record.key !== undefined) bytes += measure(record.key)
  if (record.value !== null) bytes += measure(record.value)
  for (const [name, value] of record.headers ?? []) bytes += measure(name) + value.length
  return bytes
}

function closed(message: string): BrokerError {
  return new BrokerError('closed', message, { retriable: false })
}
