import { expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import type { NodeStats } from '../../../node/stats.ts'
import type { PriceUpdate } from '../../../schemas/price-update.ts'
import { HEAD_BYTES } from '../../../src/cache/l2/value.ts'
import { detector } from '../../../src/detect/detector.ts'
import { redisUrl } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { newChain, onKafka } from '../../node/kafka-stage.ts'
import { KeptSpans } from '../../node/kept-spans.ts'
import { get } from '../../node/scrape.ts'
import { type Stage, updateOf } from '../../node/stage.ts'

const SMALL_L1 = { cache: { l1Slots: 4 }, node: { lookAhead: 'off' } } as const
/** A generous timeout, as the answer always comes. */
const PATIENT = { wait: true, timeoutMs: 30_000 } as const
const PAIRS = Array.from({ length: 10 }, (_, i) => `P${i}`)

test('prices travel from Kafka through the detectors into Redis, where another service finds them', async () => {
  await onKafka({}, async (stage) => {
    const chain = newChain(stage)
    const handled: PriceUpdate[] = []
    const node = await stage.startNode({ detectors: [detector('all', {}, (update) => void handled.push(update))] })
    const updates = PAIRS.map((pair, i) => updateOf(pair, { chain, price: i, bid: i / 2, group: 'g' }))
    await stage.produce(...updates)
    await until('all are handled', () => handled.length === PAIRS.length)
    expect(handled).toEqual(updates)
    await until('all are in Redis', () => node.stats().l2.waitingEntries === 0)
    expect(await get(node, '/readyz')).toMatchObject({ status: 200 })

    const answers: unknown[] = []
    const reader = detector('reader', {}, async (_, prices) => {
      answers.push(await prices.getOrLoad(chain, 'P3'), await prices.getMany(chain, ['P5', 'absent', 'P7']))
    })
    await node.close()
    await stage.startNode({ detectors: [reader] })
    await stage.produce(updateOf('READ', { chain }))
    await until('another node has read', () => answers.length === 2)
    expect(answers).toMatchObject([
      { price: 3, bid: 1.5, eventTimeMs: updates[3]?.eventTimeMs },
      [{ price: 5 }, 'missing', { price: 7 }],
    ])
  })
})

test('a warm request loads pairs from Redis into L1, is answered, and has one trace', async () => {
  await onKafka({ partitions: 3 }, async (stage) => {
    const chain = newChain(stage, 2)
    const readings: unknown[] = []
    const reader = detector('reader', {}, ({ pair }, prices) => {
      if (pair === 'READ') readings.push(prices.get(chain, 'P8'))
    })
    const spans = new KeptSpans()
    const node = await stage.startNode({ detectors: [reader], config: SMALL_L1, spanProcessors: [spans] })
    await stage.produce(...PAIRS.map((pair, i) => updateOf(pair, { chain, price: i })))
    await until('they are in Redis', () => node.stats().updates === 10 && node.stats().l2.waitingEntries === 0)
    const publisher = await stage.warmPublisher()
    const receipt = await publisher.request({ chain, pairs: ['P8', 'absent'], priority: 'critical', ...PATIENT })
    expect(receipt).toMatchObject({
      status: 'answered',
      result: { node: node.id, warmed: 1, notFound: 1, outcomes: { P8: 'warmed', absent: 'notFound' } },
    })
    const trace = await spans.ofRequest(receipt.requestId, 4)
    expect(new Set(trace.keys())).toEqual(new Set(['send', 'process', 'MGET', 'promote']))
    await stage.produce(updateOf('READ', { chain }))
    await until('P8 is read', () => readings.length === 1)
    expect(readings).toMatchObject([{ pair: 'P8', price: 8 }])
    expect(node.stats().warms).toMatchObject({ admitted: 1, used: 1 })
  })
})

test('a node reads pairs of chains of other nodes from Redis, again when they are too old, and serves warms for them', async () => {
  await onKafka({ partitions: 2 }, async (stage) => {
    const [here, there] = [newChain(stage, 0), newChain(stage, 1)]
    const answers: unknown[] = []
    const reader = detector('reader', { chains: [here] }, async ({ price: maxAgeMs }, prices) => {
      answers.push(await prices.getOrLoad(there, 'P1', { maxAgeMs }))
    })
    const nodes = [await stage.node({ detectors: [reader] }), await stage.node({ detectors: [reader] })]
    await Promise.all(nodes.map((node) => node.start()))
    const sum = (of: (stats: NodeStats) => number) => nodes.reduce((total, node) => total + of(node.stats()), 0)
    const write = async (price: number, eventTimeMs: number) => {
      const updates = sum((stats) => stats.updates) + 1
      await stage.produce({ pair: 'P1', chain: there, price, eventTimeMs })
      await until(
        'it is in Redis',
        () => sum((stats) => stats.updates) === updates && sum(({ l2 }) => l2.waitingEntries) === 0,
      )
    }
    const read = async (maxAgeMs: number) => {
      const count = answers.length + 1
      await stage.produce(updateOf('READ', { chain: here, price: maxAgeMs }))
      await until('P1 is read', () => answers.length === count)
      return answers.at(-1)
    }
    await write(1, Date.now() - 30_000)
    expect(await read(60_000)).toMatchObject({ price: 1 })
    expect(await read(10_000)).toBe('stale')
    await write(2, Date.now())
    expect(await read(10_000)).toMatchObject({ price: 2 })
    const publisher = await stage.warmPublisher()
    const receipt = await publisher.request({ chain: there, pairs: ['P1'], waitFor: 2, ...PATIENT })
    expect(receipt.status).toBe('answered')
  })
})

test('a delisted pair is deleted from Redis by a node that has never seen it', async () => {
  await onKafka({}, async (stage) => {
    const chain = newChain(stage)
    const first = await stage.startNode()
    await stage.produce(updateOf('A', { chain }), updateOf('B', { chain }))
    await until('they are in Redis', () => first.stats().updates === 2 && first.stats().l2.waitingEntries === 0)
    await first.close()
    const fresh = await stage.startNode()
    await until('Redis is up', () => fresh.stats().l2.state === 'up')
    expect(await pairsInRedis(stage, chain)).toEqual(['A', 'B'])
    await stage.produceRecords({ partition: 0, key: `${chain}\0A`, value: null })
    await until('it is committed', async () => (await stage.committed()) === 3)
    expect(await pairsInRedis(stage, chain)).toEqual(['B'])
  })
})

/** The pairs of the chain that Redis has for the service, without tombstones. */
async function pairsInRedis({ service }: Stage, chain: string): Promise<string[]> {
  const prefix = `fw:${service}:{${chain}}:`
  const redis = new Redis(redisUrl())
  try {
    const keys = (await redis.keys(`${prefix}*`)).toSorted()
    const lengths = await Promise.all(keys.map((key) => redis.strlen(key)))
    return keys.filter((_, at) => (lengths[at] ?? 0) > HEAD_BYTES).map((key) => key.slice(prefix.length))
  } finally {
    redis.disconnect()
  }
}

test('a delisted pair is missing from Redis and for all nodes', async () => {
  await onKafka({}, async (stage) => {
    const chain = newChain(stage)
    const answers: unknown[] = []
    const reader = detector('reader', {}, async ({ pair }, prices) => {
      if (pair === 'READ') answers.push(await prices.getOrLoad(chain, 'A'))
    })
    const node = await stage.startNode({ detectors: [reader] })
    await stage.produce(updateOf('A', { chain }))
    await until('A is in Redis', () => node.stats().updates === 1 && node.stats().l2.waitingEntries === 0)
    await stage.produceRecords({ partition: 0, key: `${chain}\0A`, value: null })
    await stage.produce(updateOf('READ', { chain }))
    await until('A was read', () => answers.length === 1)
    expect(await pairsInRedis(stage, chain)).not.toContain('A')
    await node.close()
    await stage.startNode({ detectors: [reader] })
    await stage.produce(updateOf('READ', { chain }))
    await until('another node has read', () => answers.length === 2)
    expect(answers).toEqual(['missing', 'missing'])
  })
})
