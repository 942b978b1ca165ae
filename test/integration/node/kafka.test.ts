import { expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { connected } from '../../../node/connection.ts'
import { createNode, type ForewarmNode } from '../../../node/node.ts'
import { deadLetterTopic } from '../../../schemas/topics.ts'
import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import { detector } from '../../../src/detect/detector.ts'
import type { ForewarmError } from '../../../src/forewarm-error.ts'
import { createLog } from '../../../src/telemetry/log.ts'
import { kafkaBrokers, redisUrl, uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { newChain, onKafka } from '../../node/kafka-stage.ts'
import { get } from '../../node/scrape.ts'
import { topicNames, updateOf } from '../../node/stage.ts'

/** Nothing listens on the reserved port 1. */
const NOWHERE = '127.0.0.1:1'

/** A node whose Kafka does not answer. */
function nodeNowhere(service: string, startTimeoutMs: number): Promise<ForewarmNode> {
  return createNode({
    env: {},
    logLevel: 'silent',
    config: {
      node: { service },
      kafka: { brokers: [NOWHERE], startTimeoutMs },
      http: { port: 0 },
      cache: { l1Slots: 10, maxPairs: 10, redisUrls: [redisUrl()], redisCommandTimeoutMs: 5_000 },
    },
  })
}

test('a node whose Kafka does not answer is live but not ready, until it is closed', async () => {
  const service = uniqueName('waiting')
  const node = await nodeNowhere(service, 600_000)
  const refused = expect(node.start()).rejects.toMatchObject({ code: 'closed' })
  await until('the port is open', () => node.httpPort !== undefined)
  expect(await get(node, '/livez')).toMatchObject({ status: 200 })
  expect(await get(node, '/readyz')).toMatchObject({
    status: 503,
    body: expect.stringContaining('Kafka has not answered'),
  })
  await until('Redis is up', () => node.stats().l2.state === 'up')
  expect(await redisConnections(service)).toBe(1)
  await node.close()
  await refused
  await untilFree(node, service)
})

test('a node whose Kafka does not answer gives up after the configured time, and frees its port and connections', async () => {
  const service = uniqueName('given-up')
  const node = await nodeNowhere(service, 1_000)
  const message = expect.stringContaining(NOWHERE)
  await expect(node.start()).rejects.toMatchObject({ code: 'kafka-unreachable', retriable: true, message })
  await untilFree(node, service)
  await expect(node.start()).rejects.toMatchObject({ code: 'closed' })
})

async function untilFree(node: ForewarmNode, service: string): Promise<void> {
  await expect(get(node, '/livez')).rejects.toThrow()
  await until('Redis knows it no more', async () => (await redisConnections(service)) === 0)
}

/** How many connections Redis has from the nodes of a service. */
async function redisConnections(service: string): Promise<number> {
  const redis = new Redis(redisUrl())
  try {
    const clients = String(await redis.client('LIST')).split('\n')
    return clients.filter((client) => client.includes(` name=forewarm.${service} `)).length
  } finally {
    redis.disconnect()
  }
}

test('a Kafka that does not answer is logged once, however often it is tried again', async () => {
  const broker = createKafkaBroker({ brokers: [NOWHERE], clientId: uniqueName('nowhere') })
  const lines: string[] = []
  const log = createLog({ service: 'test', version: '0', stream: { write: (line: string) => void lines.push(line) } })
  const enough = new AbortController()
  let asked = 0
  const admin = broker.admin()
  const counted = {
    connect: () => {
      asked++
      if (asked === 3) enough.abort()
      return admin.connect()
    },
  }
  const options = { brokers: [NOWHERE], forMs: 600_000, log, signal: enough.signal }
  await expect(connected(counted, options)).rejects.toMatchObject({ code: 'unreachable' })
  await admin.close()
  expect(asked).toBe(3)
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['no Kafka answers yet: trying again'])
})

test('price topics with different partition counts are read, each in all of its partitions', async () => {
  await onKafka({ partitions: 3 }, async (stage) => {
    const other = uniqueName('prices.other')
    await stage.admin.createTopics([{ topic: other, partitions: 5 }])
    let handled = 0
    const detectors = [detector('any', {}, () => void handled++)]
    await stage.startNode({ config: { kafka: { priceTopics: [stage.topic, other] } }, detectors })
    const value = JSON.stringify(updateOf('ANY'))
    await stage.producer.sendBatch(
      other,
      [0, 1, 2, 3, 4].map((partition) => ({ partition, value })),
    )
    await until('every partition is read', () => handled === 5)
  })
})

test('a price topic that does not exist is refused by name', async () => {
  await onKafka({ partitions: 3 }, async (stage) => {
    const absent = await stage.node({ config: { kafka: { priceTopics: [stage.topic, 'prices.absent'] } } })
    const names = expect.stringContaining('prices.absent')
    await expect(absent.start()).rejects.toMatchObject({ code: 'topics-unusable', message: names })
  })
})

test('the price topics of one chain are all read by one node, with two nodes in the group', async () => {
  await onKafka({ partitions: 3 }, async (stage) => {
    const other = uniqueName('prices.other')
    await stage.admin.createTopics([{ topic: other, partitions: 3 }])
    const chains = [0, 1, 2].map((partition) => newChain(stage, partition))
    const seen: Map<string, Set<string>>[] = []
    const config = { kafka: { priceTopics: [stage.topic, other] } }
    const noting = (topicsOfChain: Map<string, Set<string>>) => {
      const into = (topic: string) =>
        detector(topic, { topics: [topic] }, ({ chain }) => {
          topicsOfChain.set(chain, (topicsOfChain.get(chain) ?? new Set()).add(topic))
        })
      seen.push(topicsOfChain)
      return [into(stage.topic), into(other)]
    }
    const nodes = [
      await stage.node({ config, detectors: noting(new Map()) }),
      await stage.node({ config, detectors: noting(new Map()) }),
    ]
    await Promise.all(nodes.map((node) => node.start()))
    for (const chain of chains) {
      await stage.produce(updateOf('A', { chain }))
      const record = {
        partition: stage.partitionOf(chain),
        key: chain,
        value: JSON.stringify(updateOf('B', { chain })),
      }
      await stage.producer.sendBatch(other, [record])
    }
    const chainsSeen = () => seen.flatMap((topicsOfChain) => [...topicsOfChain.values()])
    await until('all are handled', () => chainsSeen().reduce((sum, topics) => sum + topics.size, 0) === 6)
    expect(chainsSeen()).toHaveLength(3)
    expect(seen.every((topicsOfChain) => topicsOfChain.size > 0)).toBe(true)
  })
})

test('a new topic that matches the pattern is read from the next start on', async () => {
  await onKafka({}, async (stage) => {
    const seen: string[] = []
    const noting = detector('noting', {}, ({ pair }) => void seen.push(pair))
    const priceTopics = new RegExp(`^${stage.topic.replaceAll('.', '\\.')}`)
    const options = { detectors: [noting], config: { kafka: { priceTopics } }, start: 'earliest' } as const
    const node = await stage.startNode(options)
    const another = `${stage.topic}.another`
    await stage.admin.createTopics([{ topic: another, partitions: 1 }])
    const chain = newChain(stage)
    const value = JSON.stringify(updateOf('NEW', { chain }))
    await stage.producer.sendBatch(another, [{ partition: 0, key: chain, value }])
    await stage.produce(updateOf('OLD', { chain }))
    await until('one is handled', () => seen.length > 0)
    await node.close()
    expect(seen).toEqual(['OLD'])
    await stage.startNode(options)
    await until('the other is handled', () => seen.length > 1)
    expect(seen).toEqual(['OLD', 'NEW'])
  })
})

test('a node without a broker option uses the configured Kafka', async () => {
  await onKafka({}, async (stage) => {
    const node = await createNode({
      env: { KAFKA_BROKERS: kafkaBrokers().join(',') },
      l2: 'memory',
      logLevel: 'silent',
      config: {
        kafka: { priceTopics: [stage.topic], ...topicNames(stage) },
        node: { service: stage.service },
        cache: { l1Slots: 10, maxPairs: 100 },
        http: { port: 0 },
      },
    })
    await node.start()
    await stage.produce(updateOf('A', { chain: newChain(stage) }))
    await until('it is handled', () => node.stats().updates === 1)
    await node.close()
    expect(await stage.committed()).toBe(1)
  })
})

test('a close while the node joins its groups ends the start, and a next node can read', async () => {
  await onKafka({}, async (stage) => {
    const isThere = async (topic: string) => (await stage.admin.topics()).includes(topic)
    const moments: readonly ((node: ForewarmNode) => unknown)[] = [
      () => true,
      (node) => node.httpPort !== undefined,
      () => isThere(stage.topics.warmResults),
      () => isThere(deadLetterTopic(stage.topic)),
    ]
    for (const moment of moments) {
      const node = await stage.node()
      const started = node.start().then(
        () => 'started',
        ({ code }: ForewarmError) => code,
      )
      await until('the moment has come', () => moment(node))
      await node.close()
      expect(['started', 'closed']).toContain(await started)
    }
    const node = await stage.startNode()
    await stage.produce(updateOf('A', { chain: newChain(stage) }))
    await until('it is handled', () => node.stats().updates === 1)
  })
})
