import { setImmediate as nextTurn } from 'node:timers/promises'
import type { MemoryCluster } from './memory-cluster.ts'
import { maxBytes } from './memory-log.ts'
import type { MemoryTopic } from './memory-topics.ts'
import { BrokerError, type OutgoingRecord, type Producer } from './port.ts'

/**
 * What Kafka adds to the records of one call for one partition, which make one batch, and to each of them (about: its
 * varints). max.message.bytes holds for the batch.
 */
const BATCH_OVERHEAD_BYTES = 61
const RECORD_OVERHEAD_BYTES = 12

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
    assertFits(topic, records)
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

/** Throws `refused` or `too-large`. */
function assertFits(topic: MemoryTopic, records: readonly OutgoingRecord[]): void {
  for (const { partition } of records) {
    if (topic.partitions[partition] !== undefined) continue
    const message = `partition ${partition} of ${topic.name}, 0 to ${topic.partitions.length - 1} expected`
    throw new BrokerError('refused', message, { retriable: false })
  }
  // The bound is cheap and nearly always enough; counting UTF-8 bytes is left to batches near the limit.
  if (largestBatchBytes(topic, records, maxBytes) <= topic.maxBatchBytes) return
  const bytes = largestBatchBytes(topic, records, Buffer.byteLength)
  if (bytes <= topic.maxBatchBytes) return
  const message = `${bytes} bytes at once for a partition of ${topic.name}, at most ${topic.maxBatchBytes} expected`
  throw new BrokerError('too-large', message, { retriable: false })
}

type Measure = (bytes: Buffer | string) => number

function largestBatchBytes(topic: MemoryTopic, records: readonly OutgoingRecord[], measure: Measure): number {
  const bytes: number[] = Array(topic.partitions.length).fill(BATCH_OVERHEAD_BYTES)
  for (const record of records) {
    bytes[record.partition] = (bytes[record.partition] ?? 0) + recordBytes(record, measure)
  }
  return Math.max(...bytes)
}

function recordBytes(record: OutgoingRecord, measure: Measure): number {
  let bytes = RECORD_OVERHEAD_BYTES
  if (record.key !== undefined) bytes += measure(record.key)
  if (record.value !== null) bytes += measure(record.value)
  for (const [name, value] of record.headers ?? []) bytes += measure(name) + value.length
  return bytes
}

function closed(message: string): BrokerError {
  return new BrokerError('closed', message, { retriable: false })
}
