import { afterEach, beforeEach, expect, test } from '@jest/globals'
import kafkajs, { type Admin as KafkaJsAdmin } from 'kafkajs'
import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import type { Batch } from '../../../src/broker/port.ts'
import {
  committedOffsets,
  newGroup,
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
/** Does what the port does not: it deletes records and lists all groups. */
let raw: KafkaJsAdmin

beforeEach(async () => {
  const clientId = uniqueName('offsets')
  stage = await setStage(createKafkaBroker({ brokers: kafkaBrokers(), clientId, heartbeatIntervalMs: 100 }))
  const { NOTHING } = kafkajs.logLevel
  raw = new kafkajs.Kafka({ brokers: kafkaBrokers(), clientId, logLevel: NOTHING, retry: { retries: 5 } }).admin()
  await raw.connect()
})

afterEach(async () => {
  await raw.disconnect()
  await stage.broker.close()
})

test('a group whose next record is deleted starts at the start of the log, and reports the jump', async () => {
  const topic = await newTopic(stage)
  await stage.producer.sendBatch(topic, records(0, numbered('a', 10)))
  const groupId = newGroup()
  const first = await startReader(stage, { topics: [topic], groupId, onBatch: leading(3) })
  await untilSeen(first, 10)
  await first.consumer.stop()
  await deleteRecordsBefore(topic, '6')
  const second = await startReader(stage, { topics: [topic], groupId })
  await untilSeen(second, 4)
  expect(second.values()).toEqual(numbered('a', 4, 6))
  expect(second.events).toContainEqual({ type: 'offset-jump', topic, partition: 0, from: 3n, to: 6n })
})

test('a running consumer whose next record is deleted goes on, and reports the jump', async () => {
  const topic = await newTopic(stage)
  const at = [{ topic, partition: 0 }]
  const reader = await startReader(stage, { topics: [topic] })
  await stage.producer.sendBatch(topic, records(0, numbered('a', 2)))
  await untilSeen(reader, 2)
  reader.consumer.pause(at)
  await stage.producer.sendBatch(topic, records(0, numbered('b', 8)))
  await deleteRecordsBefore(topic, '7')
  reader.consumer.resume(at)
  await untilSeen(reader, 5)
  expect(reader.values()).toEqual([...numbered('a', 2), ...numbered('b', 3, 5)])
  expect(reader.events).toContainEqual({ type: 'offset-jump', topic, partition: 0, from: 2n, to: 7n })
  await until('the end is committed', async () => (await committedOffsets(stage, reader.groupId, topic))[0] === 10n)
})

test('a start at the latest record is committed at once, so that a restart cannot move it', async () => {
  const topic = await newTopic(stage, 2)
  await stage.producer.sendBatch(topic, [...records(0, numbered('a', 3)), ...records(1, numbered('b', 1))])
  const { groupId } = await startReader(stage, { topics: [topic], start: { at: 'latest' } })
  expect(await committedOffsets(stage, groupId, topic)).toEqual([3n, 1n])
})

test.each(['offsets', 'timestamp'] as const)(
  'a member that joins a running group does not move it by its own start: %s',
  async (at) => {
    const topic = await newTopic(stage, 2)
    await stage.producer.sendBatch(topic, [...records(0, numbered('a', 3)), ...records(1, numbered('b', 3))])
    const groupId = newGroup()
    const first = await startReader(stage, { topics: [topic], groupId })
    await untilSeen(first, 6)
    const offsets = [0, 1].map((partition) => ({ topic, partition, offset: 0n }))
    const start = at === 'offsets' ? { at, offsets } : { at, timestampMs: 0 }
    const second = await startReader(stage, { topics: [topic], groupId, start })
    await until('they share', () => second.consumer.health().assigned.length === 1)
    await stage.producer.sendBatch(topic, [...records(0, ['new']), ...records(1, ['new'])])
    const news = () => [...first.values(), ...second.values()].filter((value) => value === 'new')
    await until('both new ones are seen', () => news().length === 2)
    expect(second.values()).toEqual(['new'])
  },
)

test('a broadcast consumer commits nothing, and is in no group', async () => {
  const topic = await newTopic(stage)
  await stage.producer.sendBatch(topic, records(0, numbered('a', 3)))
  const groupId = uniqueName('throw-away')
  const start = { at: 'earliest' } as const
  const reader = await startReader(stage, { topics: [topic], groupId, mode: 'broadcast', start })
  await untilSeen(reader, 3)
  expect(await groupsOf(groupId)).toEqual([])
})

test('a start on unknown topics rejects with their names', async () => {
  const topic = await newTopic(stage)
  const { consumer } = newReader(stage, { topics: [topic, 'no-such-topic', 'nor-this'] })
  await expect(consumer.start()).rejects.toMatchObject({
    code: 'unknown-topic',
    message: expect.stringContaining('no-such-topic, nor-this'),
  })
})

test('a consumer skips aborted records and the marks of transactions, and takes neither for a jump', async () => {
  const topic = await newTopic(stage)
  const transactionalId = uniqueName('transaction')
  const { NOTHING } = kafkajs.logLevel
  const kafka = new kafkajs.Kafka({ brokers: kafkaBrokers(), logLevel: NOTHING, retry: { retries: 10 } })
  const producer = kafka.producer({
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    idempotent: true,
    maxInFlightRequests: 1,
    transactionalId,
    retry: { retries: 10 },
  })
  await producer.connect()
  const send = async (value: string, end: 'commit' | 'abort') => {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ partition: 0, value }] })
    await transaction[end]()
  }
  await send('kept', 'commit')
  await send('aborted', 'abort')
  const reader = await startReader(stage, { topics: [topic] })
  const isCommittedTo = async (offset: bigint) => (await committedOffsets(stage, reader.groupId, topic))[0] === offset
  await until('the first ones are passed over', () => isCommittedTo(4n))
  await send('aborted', 'abort')
  await until('what holds nothing else is passed over, too', () => isCommittedTo(6n))
  await send('kept', 'commit')
  await until('the last one is committed', () => isCommittedTo(8n))
  expect(reader.values()).toEqual(['kept', 'kept'])
  expect(reader.events.map(({ type }) => type)).toEqual(['rebalance'])
  expect(reader.consumer.lag()).toEqual([{ topic, partition: 0, records: 0n }])
  await producer.disconnect()
})

/** A handler that does so many records of the first batch, then none. */
function leading(count: number): (batch: Batch) => Promise<number> {
  return async (batch) => (batch.offset(0) === 0n ? count : 0)
}

async function deleteRecordsBefore(topic: string, offset: string): Promise<void> {
  // KafkaJS deletes only in topics whose metadata it has.
  await raw.fetchTopicOffsets(topic)
  await raw.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset }] })
}

async function groupsOf(prefix: string): Promise<string[]> {
  const { groups } = await raw.listGroups()
  return groups.map(({ groupId }) => groupId).filter((groupId) => groupId.startsWith(prefix))
}
