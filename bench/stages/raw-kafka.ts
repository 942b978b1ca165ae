import { createRequire } from 'node:module'
import type { EachBatchPayload, Kafka, Producer } from 'kafkajs'

/** KafkaJS as one would use it without Forewarm: what the benches measure against. */
const kafkajs = untouchedKafkaJs()

/**
 * A second copy of the library, as published. Our adapter mends the first for the whole process (its idle timers, say),
 * and an anchor must not gain by that.
 */
function untouchedKafkaJs(): typeof import('kafkajs') {
  const require = createRequire(import.meta.url)
  const { cache } = require
  const isKafkaJs = (file: string): boolean => file.includes('/node_modules/kafkajs/')
  const ours = Object.entries(cache).filter(([file]) => isKafkaJs(file))
  for (const [file] of ours) delete cache[file]
  try {
    return require('kafkajs')
  } finally {
    for (const file of Object.keys(cache).filter(isKafkaJs)) delete cache[file]
    for (const [file, module] of ours) cache[file] = module
  }
}

export function rawKafka(brokers: readonly string[]): Kafka {
  return new kafkajs.Kafka({
    clientId: 'bench-raw',
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 20 },
  })
}

export async function rawProducer(brokers: readonly string[]): Promise<Producer> {
  const producer = rawKafka(brokers).producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  await producer.connect()
  return producer
}

export interface RawReader {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly groupId: string
  readonly fromBeginning: boolean
  /** Must not throw. */
  readonly onBatch: (batch: EachBatchPayload['batch']) => void
}

/** Resolves when the group is joined; what it resolves to leaves it. */
export async function readRaw(reader: RawReader): Promise<() => Promise<void>> {
  const kafka = rawKafka(reader.brokers)
  const consumer = kafka.consumer({ groupId: reader.groupId, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic: reader.topic, fromBeginning: reader.fromBeginning })
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve))
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: true,
    eachBatch: async ({ batch }) => reader.onBatch(batch),
  })
  await joined
  return () => consumer.disconnect()
}
