import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import type { CodecName } from '../../../src/broker/kafka/compression.ts'
import { alterTopic } from '../../broker/alter-topic.ts'
import {
  committedOffsets,
  newReader,
  newTopic,
  numbered,
  records,
  type Stage,
  setStage,
  startReader,
  untilSeen,
} from '../../broker/conformance/stage.ts'
import { kafkaBrokers, uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'

let stage: Stage

const brokerWith = (compression?: CodecName) =>
  createKafkaBroker({
    brokers: kafkaBrokers(),
    clientId: uniqueName('compression'),
    ...(compression === undefined ? {} : { compression }),
  })

beforeEach(async () => {
  stage = await setStage(brokerWith())
})

afterEach(() => stage.broker.close())

test.each(['gzip', 'snappy', 'zstd'] as const)(
  'a consumer reads what Kafka itself compressed with %s',
  async (name) => {
    const topic = await newTopic(stage, 1, { 'compression.type': name })
    await stage.producer.sendBatch(topic, records(0, numbered('a price record ', 500)))
    const reader = await startReader(stage, { topics: [topic] })
    await untilSeen(reader, 500)
    expect(reader.values()).toEqual(numbered('a price record ', 500))
  },
)

test.each(['gzip', 'snappy', 'zstd'] as const)('a producer writes %s that Kafka accepts and reads', async (name) => {
  // Kafka decompresses and stores it in another compression.
  const topic = await newTopic(stage, 1, { 'compression.type': name === 'gzip' ? 'zstd' : 'gzip' })
  const writer = await setStage(brokerWith(name))
  await writer.producer.sendBatch(topic, records(0, numbered('a price record ', 500)))
  const reader = await startReader(stage, { topics: [topic] })
  await untilSeen(reader, 500)
  expect(reader.values()).toEqual(numbered('a price record ', 500))
  await writer.broker.close()
})

test('a consumer skips batches that no codec reads, reports their offsets and reads all others', async () => {
  const topic = await newTopic(stage, 3)
  const send = (partition: number, prefix: string, count: number) =>
    stage.producer.sendBatch(topic, records(partition, numbered(prefix, count)))
  await send(0, 'other', 5)
  await send(1, 'before', 3)
  await storeAs(topic, 'lz4')
  await send(1, 'lost', 4)
  await send(1, 'lost', 2)
  await storeAs(topic, 'producer')
  await send(1, 'between', 1)
  await storeAs(topic, 'lz4')
  await send(1, 'lost', 1)
  await send(2, 'lost', 1)
  await storeAs(topic, 'producer')
  await send(1, 'after', 2)
  const reader = await startReader(stage, { topics: [topic] })
  await untilSeen(reader, 11)
  expect(valuesAt(0)).toEqual(numbered('other', 5))
  expect(valuesAt(1)).toEqual([...numbered('before', 3), 'between0', ...numbered('after', 2)])
  await until('all are told', () => undecodable().length === 4)
  const reason = expect.stringContaining('no codec lz4')
  expect(undecodable()).toEqual([
    { type: 'undecodable', topic, partition: 1, from: 3n, to: 6n, reason },
    { type: 'undecodable', topic, partition: 1, from: 7n, to: 8n, reason },
    { type: 'undecodable', topic, partition: 1, from: 10n, to: 10n, reason },
    { type: 'undecodable', topic, partition: 2, from: 0n, to: 0n, reason },
  ])
  const all = async () => (await committedOffsets(stage, reader.groupId, topic)).join() === '5,13,1'
  await until('what was passed over is committed, too', all)
  await stage.producer.sendBatch(topic, records(2, ['next']))
  await untilSeen(reader, 12)
  expect(reader.consumer.health()).toMatchObject({ state: 'running', restarts: 0, epoch: 1 })

  function undecodable() {
    const events = reader.events.filter((event) => event.type === 'undecodable')
    return events.toSorted((a, b) => a.partition - b.partition || Number(a.from - b.from))
  }
  function valuesAt(partition: number) {
    return reader.seen.filter((seen) => seen.partition === partition).map(({ value }) => value?.toString())
  }
})

test('a start on a topic in a compression that no codec reads is refused', async () => {
  const topic = await newTopic(stage, 1, { 'compression.type': 'lz4' })
  const { consumer } = newReader(stage, { topics: [topic] })
  await expect(consumer.start()).rejects.toMatchObject({
    code: 'refused',
    retriable: false,
    message: expect.stringMatching(`no codec lz4 is registered to read ${topic} with .* pass one as codecs.lz4`),
  })
})

/** From now on Kafka itself compresses what comes uncompressed. */
function storeAs(topic: string, compression: string): Promise<void> {
  return alterTopic(topic, { 'compression.type': compression })
}
