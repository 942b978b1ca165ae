import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import type { CodecName } from '../../../src/broker/kafka/compression.ts'
import {
  newTopic,
  numbered,
  records,
  type Stage,
  setStage,
  startReader,
  untilSeen,
} from '../../broker/conformance/stage.ts'
import { kafkaBrokers, uniqueName } from '../../harness/kafka.ts'

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

test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
  'a consumer reads what Kafka itself compressed with %s',
  async (name) => {
    const topic = await newTopic(stage, 1, { 'compression.type': name })
    await stage.producer.sendBatch(topic, records(0, numbered('a price record ', 500)))
    const reader = await startReader(stage, { topics: [topic] })
    await untilSeen(reader, 500)
    expect(reader.values()).toEqual(numbered('a price record ', 500))
  },
)

test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
  'a producer writes %s that Kafka accepts and reads',
  async (name) => {
    // Kafka decompresses and stores it in another compression.
    const topic = await newTopic(stage, 1, { 'compression.type': name === 'gzip' ? 'zstd' : 'gzip' })
    const writer = await setStage(brokerWith(name))
    await writer.producer.sendBatch(topic, records(0, numbered('a price record ', 500)))
    const reader = await startReader(stage, { topics: [topic] })
    await untilSeen(reader, 500)
    expect(reader.values()).toEqual(numbered('a price record ', 500))
    await writer.broker.close()
  },
)
