import type { Broker } from '../../src/broker/port.ts'
import { until } from '../harness/until.ts'

export interface StoredRecord {
  readonly partition: number
  readonly timestampMs: number
  readonly key: string | undefined
  readonly value: Buffer | undefined
  readonly headers: Readonly<Record<string, string>>
}

/** The first `count` records of a topic, read from its beginning. */
export async function storedRecords(broker: Broker, topic: string, count: number): Promise<StoredRecord[]> {
  const records: StoredRecord[] = []
  const consumer = broker.consumer({
    mode: 'broadcast',
    groupId: 'stored-records',
    topics: [topic],
    start: { at: 'earliest' },
    onBatch: async (batch) => {
      for (let index = 0; index < batch.count; index++) {
        const headers = Object.fromEntries(batch.headers(index).map(([name, value]) => [name, value.toString()]))
        const value = batch.value(index)
        const key = batch.key(index)?.toString()
        records.push({
          partition: batch.partition,
          timestampMs: batch.timestampMs(index),
          key,
          value: value && Buffer.from(value),
          headers,
        })
      }
      return batch.count
    },
  })
  await consumer.start()
  await until(`${count} records are stored`, () => records.length >= count)
  await consumer.stop()
  return records
}
