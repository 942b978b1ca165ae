import { createRequire } from 'node:module'
import type { EachBatchPayload, Kafka, Producer } from 'kafkajs'
import type { Backlog, ReaderStage } from './stage.ts'
import { StopWatch } from './stop-watch.ts'

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

async function rawKafka(stage: ReaderStage): Promise<Kafka> {
  const { brokers } = await stage.backends()
  return new kafkajs.Kafka({
    clientId: 'bench-raw',
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 20 },
  })
}

/** Lends a connected producer to `body`. */
export async function withRawProducer<T>(stage: ReaderStage, body: (producer: Producer) => Promise<T>): Promise<T> {
  const kafka = await rawKafka(stage)
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  await producer.connect()
  try {
    return await body(producer)
  } finally {
    await producer.disconnect()
  }
}

export interface RawReader {
  readonly topic: string
  readonly fromBeginning: boolean
  /** Must not throw. */
  readonly onBatch: (batch: EachBatchPayload['batch']) => void
}

/** Resolves when a new group is joined, to a function that leaves it. */
export async function readRaw(stage: ReaderStage, reader: RawReader): Promise<() => Promise<void>> {
  const kafka = await rawKafka(stage)
  const consumer = kafka.consumer({ groupId: stage.unique('raw'), maxWaitTimeInMs: 100 })
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

/** Parses each record of a backlog as JSON, and gives it to `pick`; resolves to milliseconds. */
export async function catchUpRaw(
  stage: ReaderStage,
  { topic, updates, updatesPerRecord }: Backlog,
  pick: (parsed: Readonly<Record<string, string | number>>) => unknown = () => undefined,
): Promise<number> {
  const watch = new StopWatch(updates / updatesPerRecord)
  const leave = await readRaw(stage, {
    topic,
    fromBeginning: true,
    onBatch: ({ messages }) => {
      watch.begin()
      for (const { value } of messages) pick(JSON.parse(value?.toString() ?? ''))
      watch.handled(messages.length)
    },
  })
  try {
    return await watch.finished()
  } finally {
    await leave()
  }
}
