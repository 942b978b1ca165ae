import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import { MicroBatcher } from '../../../src/broker/micro-batch.ts'
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

beforeEach(async () => {
  const clientId = uniqueName('producer')
  stage = await setStage(createKafkaBroker({ brokers: kafkaBrokers(), clientId, maxPendingBatches: 50 }))
})

afterEach(() => stage.broker.close())

test('micro-batches keep the order within each partition while several requests are in flight', async () => {
  const partitions = 12
  const count = 20_000
  const topic = await newTopic(stage, partitions)
  const batcher = new MicroBatcher(stage.producer, { topic, maxRecords: 100 })
  const sends: Promise<void>[] = []
  for (let i = 0; i < count; i++) {
    // The sizes differ a lot: a request that is encoded faster must not overtake another.
    const value = `${i} ${'.'.repeat((i * 7919) % 300)}`
    sends.push(batcher.add({ partition: (i * 31) % partitions, value }))
    if (i % 1000 === 0) await new Promise(setImmediate)
  }
  await batcher.close()
  await Promise.all(sends)
  const reader = await startReader(stage, { topics: [topic] })
  await untilSeen(reader, count)
  expect(reader.seen).toHaveLength(count)
  for (let partition = 0; partition < partitions; partition++) {
    const of = reader.seen.filter((seen) => seen.partition === partition)
    const order = of.map(({ value }) => Number.parseInt(String(value), 10))
    expect(order).toEqual(order.toSorted((a, b) => a - b))
  }
})

test('calls that are not awaited are stored in their order, also if they share only some partitions', async () => {
  const topic = await newTopic(stage, 3)
  const value = (i: number) => String(i).padEnd((i * 37) % 200, '.')
  const sends = Array.from({ length: 50 }, (_, i) =>
    stage.producer.sendBatch(topic, [
      ...records(i % 3, [value(i)]),
      ...records((i + 1) % 3, numbered(`${value(i)} `, i % 5 === 0 ? 200 : 1)),
    ]),
  )
  await Promise.all(sends)
  const reader = await startReader(stage, { topics: [topic] })
  await untilSeen(reader, 50 + 10 * 200 + 40)
  for (const partition of [0, 1, 2]) {
    const of = reader.seen.filter((seen) => seen.partition === partition)
    const order = of.map(({ value: bytes }) => Number.parseInt(String(bytes), 10))
    expect(order).toEqual(order.toSorted((a, b) => a - b))
  }
})

test('a producer refuses more calls than may wait, and accepts them again when some are done', async () => {
  const topic = await newTopic(stage)
  const sends = Array.from({ length: 50 }, (_, i) => stage.producer.sendBatch(topic, records(0, [`${i}`])))
  await expect(stage.producer.sendBatch(topic, records(0, ['too many']))).rejects.toMatchObject({
    code: 'refused',
    retriable: true,
    message: '50 batches are under way, at most 50 expected',
  })
  await Promise.all(sends)
  await stage.producer.sendBatch(topic, records(0, ['next']))
  expect(await stage.admin.offsets(topic)).toEqual([{ partition: 0, low: 0n, stableEnd: 51n, high: 51n }])
})

test('records are read as they were sent', async () => {
  const topic = await newTopic(stage)
  const headers = [['trace', Buffer.from('1')] as const, ['trace', Buffer.from('2')] as const]
  await stage.producer.sendBatch(topic, [
    { partition: 0, key: 'schlüssel', value: Buffer.from([0, 255]), headers, timestampMs: 1_700_000_000_000 },
    { partition: 0, key: Buffer.from('k'), value: null, timestampMs: 1_600_000_000_000 },
    { partition: 0, value: '', timestampMs: 0 },
  ])
  const reader = await startReader(stage, { topics: [topic] })
  await untilSeen(reader, 3)
  const plain = { topic, partition: 0, headers: [] }
  const traces = ['1', '2'].map((value) => ['trace', value])
  expect(reader.seen).toEqual([
    {
      ...plain,
      offset: 0n,
      timestampMs: 1_700_000_000_000,
      key: Buffer.from('schlüssel'),
      value: Buffer.from([0, 255]),
      headers: traces,
    },
    { ...plain, offset: 1n, timestampMs: 1_600_000_000_000, key: Buffer.from('k'), value: undefined },
    { ...plain, offset: 2n, timestampMs: 0, key: undefined, value: Buffer.alloc(0) },
  ])
})

test('a record of 5 MB is read whole if the topic allows it', async () => {
  const topic = await newTopic(stage, 1, { 'max.message.bytes': '6000000' })
  const large = Buffer.alloc(5_000_000, 'x')
  await stage.producer.sendBatch(topic, [
    { partition: 0, value: 'before' },
    { partition: 0, value: large },
  ])
  await stage.producer.sendBatch(topic, records(0, ['after']))
  const reader = await startReader(stage, { topics: [topic] })
  await untilSeen(reader, 3)
  expect(reader.seen.map(({ value }) => value?.length)).toEqual([6, 5_000_000, 5])
})
