import { expect, test } from '@jest/globals'
import type { ForewarmNode } from '../../../node/node.ts'
import type { PriceUpdate } from '../../../schemas/price-update.ts'
import { deadLetterTopic, pairKey } from '../../../schemas/topics.ts'
import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import type { OutgoingRecord } from '../../../src/broker/port.ts'
import { detector } from '../../../src/detect/detector.ts'
import { alterTopic } from '../../broker/alter-topic.ts'
import type { Seen } from '../../broker/conformance/stage.ts'
import { kafkaBrokers } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { type KafkaStageOptions, newChain, onKafka } from '../../node/kafka-stage.ts'
import { metricValue } from '../../node/scrape.ts'
import { header, type Stage, updateOf } from '../../node/stage.ts'

const MB = 1024 * 1024
/** A little below the 1 MB that Kafka accepts by default, as headers and key need some of it. */
const ONE_MB_RECORD = 1_000_000

interface Scene {
  readonly stage: Stage
  readonly chain: string
  readonly node: ForewarmNode
  readonly handled: readonly PriceUpdate[]
  bad(record: Omit<OutgoingRecord, 'partition'>): Promise<void>
  /** Produces a good record after all others, and resolves when it is handled. */
  handlesTheNext(): Promise<void>
}

function withNode(options: KafkaStageOptions, body: (scene: Scene) => Promise<void>): Promise<void> {
  return onKafka(options, async (stage) => {
    const chain = newChain(stage)
    const handled: PriceUpdate[] = []
    const node = await stage.startNode({ detectors: [detector('all', {}, (update) => void handled.push(update))] })
    await body({
      stage,
      chain,
      node,
      handled,
      bad: (record) => stage.produceRecords({ partition: 0, headers: [['feed', Buffer.from('x')]], ...record }),
      handlesTheNext: async () => {
        const price = Math.random()
        await stage.produce(updateOf('GOOD', { chain, price }))
        await until('the next good record is handled', () => handled.some((update) => update.price === price))
      },
    })
  })
}

/** Expects all headers of a dead letter; the bytes of its value are not checked here. */
function expectLetter(letter: Seen | undefined, stage: Stage, expected: { reason: string; offset: number }): void {
  if (letter === undefined) throw new Error('there is no dead letter')
  const headers = new Map(letter.headers)
  expect([...headers.keys()]).toEqual([
    'feed',
    'kafka_dlt-original-topic',
    'kafka_dlt-original-partition',
    'kafka_dlt-original-offset',
    'kafka_dlt-original-timestamp',
    'kafka_dlt-original-consumer-group',
    'kafka_dlt-exception-fqcn',
    'kafka_dlt-exception-message',
    'forewarm-error-code',
    'forewarm-attempts',
    'forewarm-first-failure-ms',
    'forewarm-version',
  ])
  expect(headers.get('kafka_dlt-original-topic')).toBe(stage.topic)
  expect(headers.get('kafka_dlt-original-consumer-group')).toBe(`forewarm.${stage.service}`)
  expect(headers.get('kafka_dlt-original-offset')).toBe(`${'\0'.repeat(7)}${String.fromCharCode(expected.offset)}`)
  expect(headers.get('forewarm-error-code')).toBe(expected.reason)
  expect(letter.partition).toBe(0)
}

test('a record that is not JSON becomes a dead letter with its bytes and its origin', async () => {
  await withNode({}, async ({ stage, chain, bad, handlesTheNext, handled }) => {
    await handlesTheNext()
    const value = Buffer.from([0x7b, 0xff, 0x00, 0x0a])
    await bad({ key: chain, value })
    await handlesTheNext()
    expect(handled).toHaveLength(2)
    const [letter] = await stage.deadLetters(1)
    expect(letter?.value).toEqual(value)
    expect(letter?.key).toEqual(Buffer.from(chain))
    expectLetter(letter, stage, { reason: 'not-json', offset: 1 })
  })
})

test('an unreadable record of 1 MB becomes a dead letter whole', async () => {
  await withNode({}, async ({ stage, chain, bad, handlesTheNext }) => {
    const value = Buffer.alloc(ONE_MB_RECORD, 'x')
    await bad({ key: chain, value })
    await handlesTheNext()
    const [letter] = await stage.deadLetters(1)
    expect(letter?.value?.equals(value)).toBe(true)
    expectLetter(letter, stage, { reason: 'not-json', offset: 0 })
  })
})

test('all of the thousands of updates in a frame of 1 MB are handled', async () => {
  await withNode({}, async ({ stage, chain, handled, handlesTheNext }) => {
    const frame: PriceUpdate[] = []
    const eventTimeMs = Date.now()
    for (let bytes = 0; bytes < ONE_MB_RECORD - 1_000; bytes += JSON.stringify(frame.at(-1)).length + 1)
      frame.push({ pair: `P${frame.length % 1_000}`, chain, price: frame.length, eventTimeMs })
    await stage.produceRecords({ partition: 0, key: chain, value: JSON.stringify(frame) })
    await handlesTheNext()
    expect(handled).toHaveLength(frame.length + 1)
  })
})

test('an unreadable record of 5 MB becomes a dead letter whole, as its topic has room for it', async () => {
  await withNode(
    { topicConfig: { 'max.message.bytes': String(6 * MB) } },
    async ({ stage, chain, bad, handlesTheNext }) => {
      const value = Buffer.alloc(5 * MB, ' ')
      await bad({ key: chain, value })
      await handlesTheNext()
      const [letter] = await stage.deadLetters(1)
      expect(letter?.value?.equals(value)).toBe(true)
      expectLetter(letter, stage, { reason: 'too-large', offset: 0 })
    },
  )
})

test('a record of 3 MB in a topic that accepts it is handled', async () => {
  await withNode(
    { topicConfig: { 'max.message.bytes': String(6 * MB) } },
    async ({ stage, chain, handled, handlesTheNext }) => {
      const update = updateOf('BIG', { chain })
      const value = `[${JSON.stringify(update)}${' '.repeat(3 * MB)}]`
      await stage.produceRecords({ partition: 0, key: chain, value })
      await handlesTheNext()
      expect(handled[0]).toEqual(update)
    },
  )
})

test('a key of 10 kB is kept in the dead letter', async () => {
  await withNode({}, async ({ stage, chain, bad, handlesTheNext }) => {
    const key = pairKey(chain, 'x'.repeat(10_000))
    await bad({ key, value: null })
    await bad({ key, value: 'not json' })
    await handlesTheNext()
    const letters = await stage.deadLetters(2)
    expect(letters.map((letter) => String(letter.key))).toEqual([key, key])
    expect(letters.map(({ value }) => value?.toString())).toEqual([undefined, 'not json'])
    expectLetter(letters[0], stage, { reason: 'name-too-long', offset: 0 })
    expectLetter(letters[1], stage, { reason: 'not-json', offset: 1 })
  })
})

test('batches that decompress to more than 64 MiB are skipped, and all their records are counted', async () => {
  await withNode({ partitions: 2 }, async ({ stage, node, handled, handlesTheNext }) => {
    await handlesTheNext()
    const compressing = createKafkaBroker({ brokers: kafkaBrokers(), clientId: 'bomb', compression: 'zstd' })
    const producer = compressing.producer()
    await producer.connect()
    const sevenTogether = Array.from({ length: 7 }, () => ({ partition: 0, value: Buffer.alloc(10 * MB) }))
    await producer.sendBatch(stage.topic, [...sevenTogether, { partition: 1, value: Buffer.alloc(65 * MB) }])
    await compressing.close()
    await handlesTheNext()
    const undecodable = () => metricValue(node, 'arbitrage_drops_total', { reason: 'undecodable' })
    await until('all eight are counted', async () => (await undecodable()) === 8)
    expect(handled.map(({ pair }) => pair)).toEqual(['GOOD', 'GOOD'])
    await until('the group knows', async () => (await stage.committed()) === 10)
  })
})

test('thousands of bad records in a row all become dead letters, in their order', async () => {
  await withNode({}, async ({ stage, chain, node, handlesTheNext }) => {
    const values = Array.from({ length: 5_000 }, (_, i) => `bad ${i}`)
    await stage.produceRecords(...values.map((value) => ({ partition: 0, key: chain, value })))
    await handlesTheNext()
    const letters = await stage.deadLetters(5_000)
    expect(letters.map(({ value }) => String(value))).toEqual(values)
    expect(await metricValue(node, 'arbitrage_drops_total', { reason: 'dead-letter-failed' })).toBe(0)
  })
})

test('a dead letter that is too large for its topic is counted, and the next record is handled', async () => {
  await withNode({}, async ({ stage, chain, node, bad, handlesTheNext }) => {
    await alterTopic(deadLetterTopic(stage.topic), { 'max.message.bytes': '2000' })
    await bad({ key: chain, value: 'x'.repeat(10_000) })
    await handlesTheNext()
    const lost = () => metricValue(node, 'arbitrage_drops_total', { reason: 'dead-letter-failed' })
    await until('it is counted', async () => (await lost()) === 1)
    await bad({ key: chain, value: 'short' })
    const [letter] = await stage.deadLetters(1)
    expect(letter && header(letter, 'forewarm-error-code')).toBe('not-json')
  })
})

test('a dead-letter topic follows the partitions of its origin, while the node runs and when one starts', async () => {
  await onKafka({ broker: { metadataAgeMs: 200 } }, async (stage) => {
    const node = await stage.startNode()
    const letters = deadLetterTopic(stage.topic)
    await stage.admin.growTopic(stage.topic, 3)
    await until('it has grown', async () => (await stage.admin.partitions(letters)) === 3)
    await stage.produceRecords({ partition: 2, value: 'no price' })
    expect(await stage.deadLetters(1)).toMatchObject([{ topic: letters, partition: 2 }])
    await node.close()
    await stage.admin.growTopic(stage.topic, 5)
    await stage.startNode()
    expect(await stage.admin.partitions(letters)).toBe(5)
  })
})
