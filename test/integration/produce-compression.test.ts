import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { CompressionCodecs, Kafka, logLevel } from 'kafkajs'
import { deadLetterTopic } from '../../schemas/topics.ts'
import { createKafkaBroker } from '../../src/broker/kafka/broker.ts'
import { configuredKafka } from '../../src/broker/kafka/configured.ts'
import { decompress } from '../../src/broker/kafka/fetch/codecs.ts'
import { acceptedConfig } from '../../src/config/load.ts'
import { detector } from '../../src/detect/detector.ts'
import { forewarm } from '../bin/forewarm-process.ts'
import { hasJava } from '../harness/java.ts'
import { kafkaBrokers, uniqueName } from '../harness/kafka.ts'
import { CODECS, JavaPeer } from '../harness/peers/java-peer.ts'
import { until } from '../harness/until.ts'
import { onStage } from '../node/stage.ts'

let folder: string
let java: JavaPeer | undefined

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-compression-'))
  if (hasJava) java = await JavaPeer.start()
})

afterAll(async () => {
  await java?.close()
  await rm(folder, { recursive: true })
})

/** The values of a topic that a KafkaJS consumer reads, and the codecs that it needed for that. */
async function readByKafkaJs(topic: string, count: number) {
  const values: string[] = []
  const codecs = new Set<string>()
  for (const type of [1, 2, 3, 4] as const)
    CompressionCodecs[type] = () => ({
      compress: () => Promise.reject(new Error('nothing is written')),
      decompress: async (bytes: Buffer) => {
        codecs.add(CODECS[type])
        return decompress(type, bytes)
      },
    })
  const consumer = new Kafka({ brokers: [...kafkaBrokers()], logLevel: logLevel.NOTHING }).consumer({
    groupId: uniqueName('compression'),
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => void values.push(`${message.value}`) })
  await until(`KafkaJS has read ${topic}`, () => values.length >= count)
  await consumer.disconnect()
  return { values, codecs: [...codecs] }
}

async function readByJava(topic: string): Promise<readonly string[]> {
  const read = await java?.read([{ topic, partition: 0, from: 0n }])
  return (read?.[`${topic}/0`]?.records ?? []).map((line) => `${Buffer.from(line.split(' ')[3] ?? '', 'base64')}`)
}

test.each(CODECS)(
  'PRODUCE_COMPRESSION=%s: KafkaJS, Java and a node read what produce and a node write',
  async (codec) => {
    const env = { KAFKA_BROKERS: kafkaBrokers().join(','), PRODUCE_COMPRESSION: codec }
    const nodeBroker = configuredKafka(acceptedConfig({ env }).config, () => undefined)
    const broker = createKafkaBroker({ brokers: kafkaBrokers(), clientId: uniqueName('compression') })
    await onStage({ broker, nodeBroker }, async (stage) => {
      const prices = Array.from({ length: 200 }, (_, at) =>
        JSON.stringify({ pair: `P${at}`, chain: 'c', price: at, eventTimeMs: Date.now() }),
      )
      const file = join(folder, 'prices.ndjson')
      await writeFile(file, prices.join('\n'))
      expect(await forewarm(['produce', file, '--topic', stage.topic], { env })).toMatchObject({ code: 0 })
      const written = await readByKafkaJs(stage.topic, prices.length)
      expect(written).toEqual({ values: prices, codecs: codec === 'none' ? [] : [codec] })
      const bad = 'no price record '.repeat(20)
      await stage.produceRecords({ partition: 0, value: bad })
      const handled: string[] = []
      const all = detector('all', {}, ({ pair }) => void handled.push(pair))
      await stage.startNode({ start: 'earliest', detectors: [all] })
      await until('the node has handled all', () => handled.length === prices.length)
      const letters = await readByKafkaJs(deadLetterTopic(stage.topic), 1)
      expect(letters).toEqual({ values: [bad], codecs: codec === 'none' ? [] : [codec] })
      if (java === undefined) return
      expect(await readByJava(stage.topic)).toEqual([...prices, bad])
      expect(await readByJava(deadLetterTopic(stage.topic))).toEqual([bad])
    })
  },
)
