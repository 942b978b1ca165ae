import { cpSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { startChild } from './child.ts'
import {
  archivingCommand,
  dataDir,
  formatCommand,
  type KafkaNode,
  type KafkaParts,
  layOut,
  writeSettings,
} from './kafka-node.ts'
import { kafkaReady } from './kafka-ready.ts'
import { createTopic } from './kafka-topic.ts'
import { allotPorts } from './ports.ts'
import { StackError } from './stack-error.ts'

const START_MS = 60_000
const STOP_MS = 30_000

/** Formats a folder below `work` with Kafka's own tool, and copies the file that every new cluster needs. */
export async function formatOnce(parts: KafkaParts, work: string): Promise<void> {
  const node = await nodeIn(work)
  writeSettings(node)
  const tool = await startChild(formatCommand(node, parts), 'ours')
  await tool.ended()
  const written = join(dataDir(node), 'bootstrap.checkpoint')
  if (!existsSync(written)) {
    throw new StackError('format-failed', `Kafka's format tool left no ${written}.`, { cause: tool.gone.reason })
  }
  cpSync(written, parts.bootstrapCheckpoint)
}

/** Runs a broker below `work`, puts it through typical work, and has Java archive the classes that it loaded. */
export async function archiveClasses(parts: KafkaParts, work: string): Promise<void> {
  const node = await nodeIn(work)
  layOut([node], parts)
  const broker = await startChild(archivingCommand(node, parts), 'ours')
  try {
    const brokers = [`127.0.0.1:${node.port}`]
    await kafkaReady(brokers, { timeoutMs: START_MS, signal: broker.gone })
    await exercise(brokers)
  } finally {
    await broker.end(STOP_MS)
  }
  if (!existsSync(parts.classArchive)) {
    throw new StackError('format-failed', 'Java wrote no class archive.', { cause: broker.gone.reason })
  }
}

/** Sends one record and reads it back in a group. */
async function exercise(brokers: string[]): Promise<void> {
  const kafka = new Kafka({ brokers, clientId: 'forewarm-stack', logLevel: logLevel.NOTHING })
  const topic = 'exercise'
  await createTopic(brokers, { topic, partitions: 1 })
  const producer = kafka.producer()
  const consumer = kafka.consumer({ groupId: topic, maxWaitTimeInMs: 100 })
  await producer.connect()
  await producer.send({ topic, messages: [{ value: topic }] })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise<void>((resolve, reject) => {
    consumer.on('consumer.crash', ({ payload }) => reject(payload.error))
    consumer.run({ eachMessage: async () => resolve() }).catch(reject)
  })
  await Promise.all([consumer.disconnect(), producer.disconnect()])
}

async function nodeIn(work: string): Promise<KafkaNode> {
  const [port = 0, controllerPort = 0] = await allotPorts(['any', 'any'])
  return { id: 1, port, controllerPort, dir: join(work, 'node') }
}
