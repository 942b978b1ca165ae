import { setImmediate as nextTurn } from 'node:timers/promises'
import { BatchError } from '../batch-error.ts'
import { BrokerError, type OutgoingRecord, type Producer, type Stored } from '../port.ts'
import { MemoryClient } from './client.ts'
import type { MemoryCluster } from './cluster.ts'
import { maxBytes } from './log.ts'
import type { MemoryTopic } from './topics.ts'

/** What Kafka adds to a batch and, roughly, to each of its records. */
const BATCH_OVERHEAD_BYTES = 61
const RECORD_OVERHEAD_BYTES = 12

/**
 * As in Kafka, each record is stored or refused by itself, in the order of the calls. A call resolves in a later turn of
 * the event loop, so that a loop of awaited sends leaves turns to the readers.
 */
export class MemoryProducer extends MemoryClient implements Producer {
  constructor(cluster: MemoryCluster) {
    super(cluster, 'producer')
  }

  async sendBatch(topicName: string, records: readonly OutgoingRecord[]): Promise<readonly Stored[]> {
    const cluster = this.usable()
    if (records.length === 0) return []
    const failure = cluster.takeFailure()
    if (failure !== undefined) throw failure
    const topic = cluster.topics.get(topicName)
    const ends = topic.partitions.map(({ high }) => high)
    const failures = new Map<number, BrokerError>()
    const nowMs = cluster.options.clock.now()
    for (const [place, record] of records.entries()) {
      const refusal = refusalOf(topic, record, nowMs)
      if (refusal === undefined) topic.partitions[record.partition]?.append(record, record.timestampMs ?? nowMs)
      else failures.set(place, new BrokerError(refusal.code, refusal.message, { retriable: false }))
    }
    const stored = storedSince(topic, ends)
    for (const log of topic.partitions) log.announce()
    await nextTurn()
    if (failures.size > 0) throw new BatchError(failures, stored)
    return stored
  }

  async partitions(topic: string): Promise<number | undefined> {
    return this.usable().topics.find(topic)?.partitions.length
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

function storedSince({ partitions }: MemoryTopic, ends: readonly number[]): Stored[] {
  return partitions.flatMap(({ high }, partition) => {
    const end = ends[partition] ?? high
    return high === end ? [] : [{ partition, records: high - end, offset: BigInt(end) }]
  })
}

/** A cheap upper bound of the size is nearly always enough; UTF-8 is counted only if it exceeds the limit. */
function refusalOf(
  { name, partitions, maxBatchBytes, maxAheadMs }: MemoryTopic,
  record: OutgoingRecord,
  nowMs: number,
): { readonly code: BrokerError['code']; readonly message: string } | undefined {
  const { partition, timestampMs = nowMs } = record
  if (partitions[partition] === undefined)
    return { code: 'refused', message: `partition ${partition} of ${name}, 0 to ${partitions.length - 1} expected` }
  if (timestampMs - nowMs > maxAheadMs)
    return { code: 'refused', message: `INVALID_TIMESTAMP: ${timestampMs}, at most ${nowMs + maxAheadMs} expected` }
  if (batchBytes(record, maxBytes) <= maxBatchBytes) return undefined
  const bytes = batchBytes(record, Buffer.byteLength)
  if (bytes <= maxBatchBytes) return undefined
  return { code: 'too-large', message: `a record of ${bytes} bytes for ${name}, at most ${maxBatchBytes} expected` }
}

/** The bytes of a batch with this record alone. */
function batchBytes(record: OutgoingRecord, measure: (bytes: Buffer | string) => number): number {
  let bytes = BATCH_OVERHEAD_BYTES + RECORD_OVERHEAD_BYTES
  if (record.key !== undefined) bytes += measure(record.key)
  if (record.value !== null) bytes += measure(record.value)
  for (const [name, value] of record.headers ?? []) bytes += measure(name) + value.length
  return bytes
}
