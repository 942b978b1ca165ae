import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Admin, Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import { createTopic } from '../../deploy/stack/kafka-topic.ts'
import { type Stack, startStack } from '../../deploy/stack/stack.ts'
import { uniqueName } from '../harness/kafka.ts'
import { until } from '../harness/until.ts'

const PATIENCE = { timeoutMs: 60_000 }

describe('a stack of three brokers', () => {
  let stack: Stack
  let admin: Admin
  let producer: Producer

  beforeAll(async () => {
    stack = await startStack({ brokers: 3, redis: false })
    const kafka = new Kafka({
      brokers: [...stack.brokers],
      logLevel: logLevel.NOTHING,
      connectionTimeout: 1000,
      requestTimeout: 5000,
      retry: { retries: 2, initialRetryTime: 100 },
    })
    admin = kafka.admin()
    producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await admin.connect()
    await producer.connect()
  })

  afterAll(async () => {
    await Promise.all([producer?.disconnect(), admin?.disconnect()])
    await stack?.stop()
  })

  const leaderOf = async (topic: string): Promise<number> => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return topics[0]?.partitions[0]?.leader ?? -1
  }

  const acknowledged = async (topic: string): Promise<boolean> => {
    const [sent] = await producer.send({ topic, acks: -1, timeout: 5000, messages: [{ value: 'WETH/USDC' }] })
    return sent?.errorCode === 0
  }

  test('accepts records again after the leader was killed, and has all brokers in sync after its restart', async () => {
    const topic = uniqueName('stack')
    await createTopic(stack.brokers, { topic, partitions: 1, replicationFactor: 3 })
    await until('the leader acknowledges', () => acknowledged(topic), PATIENCE)
    const leader = await leaderOf(topic)

    await stack.killBroker(leader - 1)
    await until('a new leader acknowledges', () => acknowledged(topic), PATIENCE)
    await until('the leader is another one', async () => (await leaderOf(topic)) !== leader, PATIENCE)

    await stack.startBroker(leader - 1)
    const allInSync = async (): Promise<number[] | undefined> => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      const inSync = topics[0]?.partitions[0]?.isr
      return inSync?.length === 3 ? inSync : undefined
    }
    const inSync = await until('all three are in sync', allInSync, PATIENCE)
    expect(inSync?.toSorted()).toEqual([1, 2, 3])
  })
})
