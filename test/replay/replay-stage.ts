import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { createMemoryBroker, type MemoryBroker } from '../../src/broker/memory/broker.ts'
import { replay } from '../../src/replay/replay.ts'
import type { ReplayRecord } from '../../src/replay/replay-record.ts'
import { priceAt, recordOf } from './record-builders.ts'

/** A broker with the topics `prices` (3 partitions) and `warm-requests` (1), and a folder. */
export interface ReplayStage {
  readonly broker: MemoryBroker
  readonly folder: string
  /** Sends records one by one, each into its topic and partition. */
  send(records: readonly ReplayRecord[]): Promise<void>
  /** All records of a topic, in replay order. */
  contentsOf(topic: string): Promise<ReplayRecord[]>
  /** Writes a price file, a line for each update; a string is a line as it is. */
  priceFile(updates: readonly (PriceUpdate | string)[]): Promise<string>
  close(): Promise<void>
}

export async function openStage(): Promise<ReplayStage> {
  const folder = await mkdtemp(join(tmpdir(), 'forewarm-replay-'))
  const broker = createMemoryBroker({ partitions: { prices: 3, 'warm-requests': 1 }, maxBatchRecords: 50 })
  return {
    broker,
    folder,
    send: (records) => send(broker, records),
    contentsOf: async (topic) => {
      const sink = collector()
      await replay({ broker, from: { topic }, to: { inProcess: sink } })
      return sink.records
    },
    priceFile: async (updates) => {
      const path = join(folder, 'prices.ndjson')
      const lines = updates.map((update) => (typeof update === 'string' ? update : JSON.stringify(update)))
      await writeFile(path, `${lines.join('\n')}\n`)
      return path
    },
    close: async () => {
      await broker.close()
      await rm(folder, { recursive: true })
    },
  }
}

async function send(broker: MemoryBroker, records: readonly ReplayRecord[]): Promise<void> {
  const producer = broker.producer()
  await producer.connect()
  for (const { topic, partition, key, value = null, headers, timestampMs } of records)
    await producer.sendBatch(topic, [{ partition, value, headers, timestampMs, ...(key === undefined ? {} : { key }) }])
  await producer.close()
}

/** What replay hands to a pipeline in this process. */
export function collector() {
  const records: ReplayRecord[] = []
  return { records, apply: (record: ReplayRecord) => void records.push(record) }
}

/** 300 updates of six pairs, 10 ms apart, interleaved over three partitions, two pairs a partition and chain. */
export function market(): ReplayRecord[] {
  return Array.from({ length: 300 }, (_, i) =>
    recordOf(priceAt(i * 10, { chain: `chain-${i % 3}`, pair: `pair-${i % 6}`, price: 1 + (i % 7) }), {
      partition: i % 3,
    }),
  )
}
