import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, expect } from '@jest/globals'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import type { Broker, BrokerEvent } from '../../../src/broker/port.ts'
import {
  committedOffsets,
  newTopic,
  numbered,
  type Reader,
  records,
  type Stage,
  setStage,
  startReader,
  untilSeen,
} from '../../broker/conformance/stage.ts'
import { testWithJava } from '../../harness/java.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'

const SESSION_MS = 2000

/** These tests have their own Kafka, which is started by the first: they kill and pause it. */
let starting: Promise<Stack> | undefined
let stack: Stack
let stage: Stage
let events: BrokerEvent[] = []
const warnings: string[] = []

function noteWarning({ name }: Error): void {
  warnings.push(name)
}

afterAll(async () => {
  process.off('warning', noteWarning)
  await (await starting)?.stop()
})

afterEach(() => stage.broker.close())

function faultTest(title: string, body: () => Promise<void>): void {
  testWithJava(title, async () => {
    starting ??= startStack({ brokers: 1, redis: false })
    stack = await starting
    // Registered only now, because the start of the stack uses KafkaJS without the guard, which warns.
    if (process.listeners('warning').includes(noteWarning) === false) process.on('warning', noteWarning)
    events = []
    stage = await setStage(
      createKafkaBroker({
        brokers: stack.brokers,
        clientId: uniqueName('faults'),
        sessionTimeoutMs: SESSION_MS,
        closeTimeoutMs: 500,
        requestTimeoutMs: 3000,
        deliveryTimeoutMs: 3000,
        onEvent: (event) => events.push(event),
      }),
    )
    await body()
  })
}

faultTest('a consumer outlives a Kafka that dies and comes back, reports both, and goes on where it was', async () => {
  const topic = await newTopic(stage)
  const reader = await startReader(stage, { topics: [topic] })
  await stage.producer.sendBatch(topic, records(0, numbered('a', 3)))
  await untilSeen(reader, 3)
  // A session of two seconds may end while Kafka starts. What is not committed then is handed out again.
  await until('it is committed', async () => (await committedOffsets(stage, reader.groupId, topic))[0] === 3n)
  await stack.killBroker(0)
  await until('it is restarting', () => reader.consumer.health().state === 'restarting')
  await stack.startBroker(0)
  await until('it runs again', () => reader.consumer.health().state === 'running')
  await sendPatiently(topic, 'b')
  await until('the next is seen', () => reader.values().includes('b'))
  expect(typesOf(reader).filter((type) => type.endsWith('connected'))).toEqual(['disconnected', 'reconnected'])
  expect(reader.values()).toEqual([...numbered('a', 3), 'b'])
})

faultTest('a producer reports that Kafka is gone, and that it is back', async () => {
  const topic = await newTopic(stage)
  await stage.producer.sendBatch(topic, records(0, ['a']))
  await stack.killBroker(0)
  const failed = stage.producer.sendBatch(topic, records(0, ['b']))
  await expect(failed).rejects.toMatchObject({ name: 'BrokerError', code: 'unreachable', retriable: true })
  await stack.startBroker(0)
  await sendPatiently(topic, 'c')
  expect(events.map(({ type }) => type)).toEqual(['disconnected', 'reconnected'])
})

faultTest('a consumer stops in bounded time while Kafka does not answer', async () => {
  const topic = await newTopic(stage)
  const reader = await startReader(stage, { topics: [topic] })
  await stage.producer.sendBatch(topic, records(0, ['a']))
  await untilSeen(reader, 1)
  await stack.pauseBroker(0)
  await reader.consumer.stop()
  expect(reader.consumer.health().state).toBe('stopped')
  stack.resumeBroker(0)
})

faultTest(
  'a producer that is closed while Kafka does not answer rejects records that are not acknowledged',
  async () => {
    const topic = await newTopic(stage)
    const broker = brokerThatAnswersOrNever()
    const producer = broker.producer()
    await producer.connect()
    await producer.sendBatch(topic, records(0, ['a']))
    await stack.pauseBroker(0)
    try {
      const sends = ['b', 'c'].map((value) => producer.sendBatch(topic, records(0, [value])))
      const outcomes = Promise.allSettled(sends)
      await producer.close()
      const unreachable = { status: 'rejected', reason: { name: 'BrokerError', code: 'unreachable' } }
      const unsent = { status: 'rejected', reason: { name: 'BrokerError', code: 'closed' } }
      expect(await outcomes).toMatchObject([unreachable, unsent])
    } finally {
      stack.resumeBroker(0)
      await broker.close()
    }
  },
)

faultTest('a consumer that looks for its topics stops while Kafka does not answer', async () => {
  const topic = await newTopic(stage)
  const broker = brokerThatAnswersOrNever()
  const groupId = uniqueName('looking')
  const start = { at: 'committed', otherwise: 'earliest' } as const
  const onBatch = async () => 0
  const consumer = broker.consumer({ mode: 'group', groupId, topics: [topic], start, onBatch })
  await stack.pauseBroker(0)
  try {
    const refused = expect(consumer.start()).rejects.toMatchObject({ code: 'closed' })
    await consumer.stop()
    await refused
  } finally {
    stack.resumeBroker(0)
    await broker.close()
  }
})

faultTest('a consumer stops while it is restarting', async () => {
  const topic = await newTopic(stage)
  const reader = await startReader(stage, { topics: [topic] })
  await stack.killBroker(0)
  await until('it is restarting', () => reader.consumer.health().state === 'restarting')
  await reader.consumer.stop()
  expect(reader.consumer.health().state).toBe('stopped')
  await stack.startBroker(0)
})

faultTest('a consumer outlives the deletion of its topic, and reads a new one of that name', async () => {
  const topic = await newTopic(stage)
  const reader = await startReader(stage, { topics: [topic] })
  await stage.producer.sendBatch(topic, records(0, ['old']))
  await untilSeen(reader, 1)
  await stage.admin.deleteTopics([topic])
  await until('it notices', () => typesOf(reader).includes('topic'))
  await stage.admin.createTopics([{ topic, partitions: 1 }])
  await sendPatiently(topic, 'new')
  await until('the new one is seen', () => reader.values().includes('new'))
  expect(reader.consumer.health().state).toBe('running')
})

faultTest('no timer of a connection was ever set to a negative delay', async () => {
  expect(warnings.filter((name) => name === 'TimeoutNegativeWarning')).toEqual([])
})

/** A broker whose requests time out later than a test does, so that waiting for one fails the test. */
function brokerThatAnswersOrNever(): Broker {
  const timing = { requestTimeoutMs: 600_000, closeTimeoutMs: 500 }
  return createKafkaBroker({ brokers: stack.brokers, clientId: uniqueName('faults'), ...timing })
}

function typesOf({ events: told }: Reader): BrokerEvent['type'][] {
  return told.map(({ type }) => type)
}

async function sendPatiently(topic: string, value: string): Promise<void> {
  await until(`${value} is sent`, () =>
    stage.producer.sendBatch(topic, records(0, [value])).then(
      () => true,
      () => delay(100, false),
    ),
  )
}
