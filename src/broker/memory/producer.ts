import { setImmediate as nextTurn } from 'node:timers/promises'
import { BrokerError, type OutgoingRecord, type Producer } from '../port.ts'
import { MemoryClient } from './client.ts'
import type { MemoryCluster } from './cluster.ts'
import { maxBytes } from './log.ts'
import type { MemoryTopic } from './topics.ts'

/**
 * The records of one call for one partition make one batch, to which max.message.bytes applies. These are the bytes
 * that Kafka adds to the batch and, roughly, to each of its records.
 */
const BATCH_OVERHEAD_BYTES = 61
const RECORD_OVERHEAD_BYTES = 12

/**
 * As in Kafka, each partition's records of a call are stored all or not at all, in the order of the calls. A call
 * resolves in a later turn of the event loop, so that a loop of awaited sends leaves turns to the readers.
 */
export class MemoryProducer extends MemoryClient implements Producer {
  constructor(cluster: MemoryCluster) {
    super(cluster, 'producer')
  }

  async sendBatch(topicName: string, records: readonly OutgoingRecord[]): Promise<void> {
    const cluster = this.usable()
    if (records.length === 0) return
    const failure = cluster.takeFailure()
    if (failure !== undefined) throw failure
    const topic = cluster.topics.get(topicName)
    assertPartitions(topic, records)
    const bytes = batchBytes(topic, records)
    const nowMs = cluster.options.clock.now()
    for (const record of records) {
      if ((bytes[record.partition] ?? 0) > topic.maxBatchBytes) continue
      topic.partitions[record.partition]?.append(record, record.timestampMs ?? nowMs)
    }
    for (const log of topic.partitions) log.announce()
    await nextTurn()
    assertFit(topic, Math.max(...bytes))
  }

  /** Turns come in the order in which they are asked for, so this one comes after those of earlier calls. */
  async flush(): Promise<void> {
    await nextTurn()
  }

  override async close(): Promise<void> {
    await this.flush()
    await super.close()
  }
}

function assertPartitions(topic: MemoryTopic, records: readonly OutgoingRecord[]): void {
  for (const { partition } of records) {
    if (topic.partitions[partition] !== undefined) continue
    const message = `partition ${partition} of ${topic.name}, 0 to ${topic.partitions.length - 1} expected`
    throw new BrokerError('refused', message, { retriable: false })
  }
}

function assertFit({ name, maxBatchBytes }: MemoryTopic, largestBytes: number): void {
  if (largestBytes <= maxBatchBytes) return
  const message = `${largestBytes} bytes at once for a partition of ${name}, at most ${maxBatchBytes} expected`
  throw new BrokerError('too-large', message, { retriable: false })
}

type Measure = (bytes: Buffer | string) => number

/** Bytes by partition. A cheap upper bound is nearly always enough; UTF-8 is counted only if it exceeds the limit. */
function batchBytes(topic: MemoryTopic, records: readonly OutgoingRecord[]): readonly number[] {
  const atMost = batchBytesBy(maxBytes, topic, records)
  return Math.max(...atMost) <= topic.maxBatchBytes ? atMost : batchBytesBy(Buffer.byteLength, topic, records)
}

function batchBytesBy(measure: Measure, topic: MemoryTopic, records: readonly OutgoingRecord[]): readonly number[] {
  const bytes: number[] = Array(topic.partitions.length).fill(BATCH_OVERHEAD_BYTES)
  for (const record of records) {
    bytes[record.partition] = (bytes[record.partition] ?? 0) + recordBytes(record, measure)
  }
  return bytes
}

function recordBytes(record: OutgoingRecord, measure: Measure): number {
  let bytes = RECORD_OVERHEAD_BYTES
  if (record.key !== undefined) bytes += measure(record.key)
  if (record.value !== null) bytes += measure(record.value)
  for (const [name, value] of record.headers ?? []) bytes += measure(name) + value.length
  return bytes
}
