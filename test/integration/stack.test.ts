import { expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { Kafka, logLevel } from 'kafkajs'
import { createTopic } from '../../deploy/stack/kafka-topic.ts'
import { kafkaBrokers, redisUrl, uniqueName } from '../harness/kafka.ts'

const LIBRARY = "#!lua name=NAME\nredis.register_function('NAME', function() return 'answered' end)"

test('the Kafka of the stack delivers a record that was produced', async () => {
  const kafka = new Kafka({ brokers: kafkaBrokers(), logLevel: logLevel.NOTHING })
  const topic = uniqueName('stack')
  const producer = kafka.producer()
  const consumer = kafka.consumer({ groupId: topic, maxWaitTimeInMs: 100 })
  try {
    await createTopic(kafkaBrokers(), { topic, partitions: 1 })
    await producer.connect()
    await producer.send({ topic, acks: -1, messages: [{ key: 'ethereum', value: 'WETH/USDC' }] })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    const consumed = await new Promise((resolve, reject) => {
      consumer.on('consumer.crash', ({ payload }) => reject(payload.error))
      consumer.run({ eachMessage: async ({ message }) => resolve(String(message.value)) }).catch(reject)
    })
    expect(consumed).toBe('WETH/USDC')
  } finally {
    await Promise.all([consumer.disconnect(), producer.disconnect()])
  }
})

test('the Kafka of the stack accepts a record of 5 MB, and refuses one over the limit', async () => {
  const kafka = new Kafka({ brokers: kafkaBrokers(), logLevel: logLevel.NOTHING })
  const topic = uniqueName('stack')
  const producer = kafka.producer()
  try {
    await createTopic(kafkaBrokers(), { topic, partitions: 1 })
    await producer.connect()
    await producer.send({ topic, messages: [{ value: Buffer.alloc(5 * 1024 * 1024) }] })
    const tooLarge = producer.send({ topic, messages: [{ value: Buffer.alloc(7 * 1024 * 1024) }] })
    await expect(tooLarge).rejects.toMatchObject({ type: 'MESSAGE_TOO_LARGE' })
  } finally {
    await producer.disconnect()
  }
})

test('the Kafka of the stack does not create topics by itself', async () => {
  const producer = new Kafka({
    brokers: kafkaBrokers(),
    logLevel: logLevel.NOTHING,
    // There is no second attempt, so the first has plenty of time.
    connectionTimeout: 30_000,
    retry: { retries: 0 },
  }).producer({ allowAutoTopicCreation: true })
  try {
    await producer.connect()
    const sent = producer.send({ topic: uniqueName('absent'), messages: [{ value: 'WETH/USDC' }] })
    await expect(sent).rejects.toThrow('does not host')
  } finally {
    await producer.disconnect()
  }
})

test('the Redis of the stack answers PING and runs a loaded function', async () => {
  const redis = new Redis(redisUrl())
  const name = uniqueName('stack').replaceAll('-', '_')
  try {
    expect(await redis.ping()).toBe('PONG')
    await redis.call('FUNCTION', 'LOAD', LIBRARY.replaceAll('NAME', name))
    expect(await redis.call('FCALL', name, 0)).toBe('answered')
    await redis.call('FUNCTION', 'DELETE', name)
  } finally {
    redis.disconnect()
  }
})
