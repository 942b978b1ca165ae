import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import type { ForewarmNode } from '../../../node/node.ts'
import { createMemoryBroker } from '../../../src/broker/memory/broker.ts'
import type { L2 } from '../../../src/cache/l2/l2.ts'
import { createRedisL2 } from '../../../src/cache/l2/redis/redis.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { systemClock } from '../../../src/clock.ts'
import { detector } from '../../../src/detect/detector.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { get, metricValue } from '../../node/scrape.ts'
import { onStage, type Stage, type StageNodeOptions, updateOf } from '../../node/stage.ts'

/** Enough for an answer on a busy machine; tests that get none wait for all of it. */
const TIMEOUT_MS = 1_000

/** Faults of Redis need a Redis of their own. Kafka plays no part in them, so the broker is in memory. */
let redis: Stack
const service = uniqueName('redis')
const table = new PairTable({ maxPairs: 200_000 })
const opened: L2[] = []

beforeAll(async () => {
  redis = await startStack({ brokers: 0 })
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((l2) => l2.close()))
  redis.resumeRedis()
  await redis.startRedis()
})
afterAll(() => redis?.stop())

interface Scene {
  readonly stage: Stage
  readonly node: ForewarmNode
  readonly chain: string
  /** Reads the pair through all levels, in a detector. */
  read(pair: string): Promise<unknown>
}

async function onRedis({ config, ...options }: StageNodeOptions, body: (scene: Scene) => Promise<void>): Promise<void> {
  await onStage({ broker: createMemoryBroker(), redisUrl: redis.redisUrl ?? '' }, async (stage) => {
    const chain = uniqueName('chain')
    const answers: unknown[] = []
    const reader = detector('reader', {}, async ({ pair }, prices) => {
      if (pair.startsWith('READ ')) answers.push(await prices.getOrLoad(chain, pair.slice(5)))
    })
    const cache = { redisCommandTimeoutMs: TIMEOUT_MS, ...config?.cache }
    const node = await stage.startNode({
      detectors: [reader],
      ...options,
      config: { ...config, node: { service }, cache },
    })
    const read = async (pair: string) => {
      const count = answers.length + 1
      await stage.produce(updateOf(`READ ${pair}`, { chain }))
      await until(`${pair} is read`, () => answers.length === count)
      return answers.at(-1)
    }
    await body({ stage, node, chain, read })
  })
}

/** The prices in Redis; undefined for pairs that it does not have. */
async function pricesInRedis(chain: string, pairs: readonly string[]): Promise<(number | undefined)[]> {
  if (opened.length === 0) {
    const url = redis.redisUrl ?? ''
    const options = { url, table, service, clock: systemClock, random: Math.random, ttlMs: 3_600_000 }
    opened.push(createRedisL2(options))
    await opened[0]?.start()
  }
  const load = await opened[0]?.load(pairs.map((pair) => table.register(chain, pair)))
  return load?.status === 'loaded' ? load.rows.map((row) => row?.price) : pairs.map(() => undefined)
}

async function untilInRedis(chain: string, prices: Readonly<Record<string, number>>): Promise<void> {
  const expected = JSON.stringify(Object.values(prices))
  const found = async () => JSON.stringify(await pricesInRedis(chain, Object.keys(prices)))
  await until(`Redis holds ${JSON.stringify(prices)}`, async () => (await found()) === expected)
}

async function expectDegraded(node: ForewarmNode): Promise<void> {
  await until('it says degraded', () => node.stats().l2.state === 'degraded')
  const { status, body } = await get(node, '/readyz')
  expect(status).toBe(200)
  expect(JSON.parse(body)).toMatchObject({ status: 'degraded', checks: { l2: { status: 'degraded' } } })
  expect(await get(node, '/livez')).toMatchObject({ status: 200 })
  expect(await get(node, '/health/warming')).toMatchObject({ status: 200 })
  expect(await metricValue(node, 'arbitrage_l2_state')).toBe(0)
}

async function expectUp(node: ForewarmNode): Promise<void> {
  // A slow command right after a probe counts as a failure again, so it may be up and down for a while.
  await until('it is up', async () => {
    const { status, body } = await get(node, '/readyz')
    return status === 200 && JSON.parse(body).status === 'ok'
  })
}

test('a node starts without Redis as degraded, and writes the newest values once Redis is there', async () => {
  await redis.stopRedis()
  await onRedis({}, async ({ stage, node, chain, read }) => {
    await expectDegraded(node)
    await stage.produce(updateOf('A', { chain, price: 1 }), updateOf('B', { chain, price: 2 }))
    await stage.produce(updateOf('A', { chain, price: 3 }))
    await until('they are handled', () => node.stats().updates === 3)
    expect(await read('A')).toMatchObject({ price: 3 })
    expect(await read('absent')).toBe('unavailable')
    await redis.startRedis()
    await untilInRedis(chain, { A: 3, B: 2 })
    await expectUp(node)
  })
})

test('a Redis that comes back empty gets the newest value of each pair that was updated meanwhile', async () => {
  await onRedis({}, async ({ stage, node, chain }) => {
    await stage.produce(updateOf('A', { chain, price: 1 }), updateOf('B', { chain, price: 1 }))
    await untilInRedis(chain, { A: 1, B: 1 })
    await redis.stopRedis()
    await stage.produce(
      ...[2, 3, 4].map((price) => updateOf('A', { chain, price })),
      updateOf('C', { chain, price: 5 }),
    )
    await until('they are handled', () => node.stats().updates === 6)
    await expectDegraded(node)
    await redis.startRedis()
    await untilInRedis(chain, { A: 4, C: 5 })
    await expectUp(node)
  })
})

test('a Redis that comes back empty gets the values of L1 again, even if none was updated meanwhile', async () => {
  await onRedis({}, async ({ stage, node, chain }) => {
    await stage.produce(updateOf('A', { chain, price: 1 }), updateOf('B', { chain, price: 2 }))
    await untilInRedis(chain, { A: 1, B: 2 })
    await redis.stopRedis()
    await expectDegraded(node)
    await redis.startRedis()
    await untilInRedis(chain, { A: 1, B: 2 })
    // Redis has the values before the node has the answer.
    const pushedBack = () => metricValue(node, 'arbitrage_l2_pushed_back_total')
    await until('both are counted', async () => (await pushedBack()) >= 2)
  })
})

test('a Redis that hangs degrades the node, and gets all unanswered writes afterwards', async () => {
  await onRedis({}, async ({ stage, node, chain, read }) => {
    await stage.produce(updateOf('A', { chain, price: 1 }))
    await untilInRedis(chain, { A: 1 })
    await redis.pauseRedis()
    for (let price = 2; price <= 50; price++) {
      await stage.produce(updateOf('A', { chain, price }), updateOf(`P${price}`, { chain, price }))
      if (price === 25) await expectDegraded(node)
    }
    expect(await read('A')).toMatchObject({ price: 50 })
    redis.resumeRedis()
    await untilInRedis(chain, { A: 50, P2: 2, P50: 50 })
    await expectUp(node)
    expect(await metricValue(node, 'arbitrage_drops_total', { reason: 'l2-away' })).toBe(0)
  })
})

test('a pair that was delisted while Redis was away does not come back with it', async () => {
  await onRedis({}, async ({ stage, node, chain, read }) => {
    await stage.produce(updateOf('A', { chain, price: 1 }))
    await untilInRedis(chain, { A: 1 })
    await redis.pauseRedis()
    await until('it says degraded', async () => {
      await stage.produce(updateOf('B', { chain }))
      return node.stats().l2.state === 'degraded'
    })
    await stage.produceRecords({ partition: 0, key: `${chain}\0A`, value: null })
    expect(await read('A')).toBe('unavailable')
    redis.resumeRedis()
    await expectUp(node)
    expect(['unknown', 'missing']).toContain(await read('A'))
    await until('its deletion has reached Redis', async () => (await read('A')) === 'missing')
    await stage.produce(updateOf('A', { chain, price: 2 }))
    expect(await read('A')).toMatchObject({ price: 2 })
  })
})

test('without Redis, reads that L1 cannot answer are unavailable, and warms report that they failed', async () => {
  await onRedis({ config: { cache: { l1Slots: 4 } } }, async ({ stage, node, chain, read }) => {
    const pairs = Array.from({ length: 10 }, (_, i) => `P${i}`)
    await stage.produce(...pairs.map((pair, price) => updateOf(pair, { chain, price })))
    await untilInRedis(chain, { P0: 0, P9: 9 })
    await redis.stopRedis()
    expect(await read('P5')).toBe('unavailable')
    const result = await node.warm(chain, ['P6', 'P7'])
    expect(result).toMatchObject({ status: 'failed', warmed: 0, outcomes: { P6: 'failed', P7: 'failed' } })
    await redis.startRedis()
    await until('Redis is up again', () => node.stats().l2.state === 'up')
    await stage.produce(updateOf('P6', { chain, price: 66 }))
    await untilInRedis(chain, { P6: 66 })
    expect(await node.warm(chain, ['P6'])).toMatchObject({ status: 'done' })
  })
})

test('pairs beyond the write-behind of an absent Redis are counted, and do not stop the node', async () => {
  await redis.stopRedis()
  const config = { cache: { l1Slots: 100_000, maxPairs: 100_000 } }
  await onRedis({ config, detectors: [] }, async ({ stage, node, chain }) => {
    const count = 70_000
    const eventTimeMs = Date.now()
    for (let from = 0; from < count; from += 1_000) {
      const frame = Array.from({ length: 1_000 }, (_, i) => ({ pair: `P${from + i}`, chain, price: 1, eventTimeMs }))
      await stage.produceRecords({ partition: 0, key: chain, value: JSON.stringify(frame) })
    }
    await until('all are handled', () => node.stats().updates === count)
    const { waitingEntries, skippedEntries } = node.stats().l2
    expect(waitingEntries).toBe(65_536)
    expect(skippedEntries).toBe(count - 65_536)
    await redis.startRedis()
    // On a busy machine so many rows take a while.
    await until('they are in Redis', () => node.stats().l2.waitingEntries === 0, { timeoutMs: 60_000 })
    await untilInRedis(chain, { P0: 1, P65535: 1 })
  })
})

test('a node closes even while Redis hangs', async () => {
  await onRedis({}, async ({ stage, node, chain }) => {
    await until('Redis is up', () => node.stats().l2.state === 'up')
    await redis.pauseRedis()
    await stage.produce(updateOf('A', { chain }))
    await until('it is handled', () => node.stats().updates === 1)
    await node.close()
    expect(node.stats().l2.skippedEntries).toBe(1)
  })
})
