import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import type { ForewarmNode } from '../../../node/node.ts'
import { createMemoryBroker } from '../../../src/broker/memory/broker.ts'
import { type Detector, detector } from '../../../src/detect/detector.ts'
import { MOST_FINAL } from '../../../src/patterns/shared-patterns.ts'
import { shareOf } from '../../../src/patterns/shares.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { get, metricValue } from '../../node/scrape.ts'
import { onStage, type Stage, type StageNodeOptions, updateOf } from '../../node/stage.ts'

/** Faults of Redis need a Redis of their own. Kafka plays no part in them, so the broker is in memory. */
let redis: Stack
let raw: Redis

/** Patterns go by the hour, and none may end in the middle of a test. Redis's own clock decides what has expired. */
const NOW_MS = Math.floor(Date.now() / 3_600_000) * 3_600_000 + 30 * 60_000
const clock = { now: () => NOW_MS }
const DAY = Math.floor(NOW_MS / 86_400_000)

beforeAll(async () => {
  redis = await startStack({ brokers: 0 })
  raw = new Redis(redis.redisUrl ?? '')
})
afterEach(async () => {
  redis.resumeRedis()
  await redis.startRedis()
})
afterAll(async () => {
  raw?.disconnect()
  await redis?.stop()
})

/** The key of the part that has READ. */
const keyOf = (service: string) => `fw:${service}:{patterns-${DAY}-${shareOf({ chain: 'ethereum', pair: 'READ' })}}`

/** Reads READ once for each update. */
const reader = (): Detector => detector('reader', {}, (_, prices) => void prices.get('ethereum', 'READ'))

const shared = (options: StageNodeOptions = {}): StageNodeOptions => ({
  detectors: [reader()],
  clock,
  ...options,
  config: { ...options.config, prediction: { store: 'redis' } },
})

async function reads(stage: Stage, node: ForewarmNode, count: number): Promise<void> {
  const before = node.stats().updates
  await stage.produce(...Array.from({ length: count }, () => updateOf('A', { eventTimeMs: NOW_MS })))
  await until('the updates are handled', () => node.stats().updates === before + count)
}

const totalOf = (node: ForewarmNode) => node.predictor.stats().totalAccesses
const onRedis = <T>(body: (stage: Stage) => Promise<T>) =>
  onStage({ broker: createMemoryBroker(), redisUrl: redis.redisUrl ?? '' }, body)

test('a new node recommends what the reads of others have taught, a restarted one counts its own reads once', async () => {
  await onRedis(async (stage) => {
    const first = await stage.startNode(shared())
    await reads(stage, first, 3)
    await first.close()
    const second = await stage.startNode(shared())
    await until('it recommends', () => second.predictor.recommendations().length === 1)
    expect(second.predictor.recommendations()).toMatchObject([{ chain: 'ethereum', pair: 'READ', kind: 'popular' }])
    await reads(stage, second, 2)
    await second.close()
    const third = await stage.startNode(shared())
    await until('it has the reads of both', () => totalOf(third) === 5)
    expect(await raw.hlen(keyOf(stage.service))).toBe(2)
    await until(
      'it says so',
      async () => JSON.parse((await get(third, '/readyz')).body).checks.patterns.status === 'ok',
    )
    // A day after the last of its hours is forgotten.
    expect(await raw.call('PEXPIRETIME', keyOf(stage.service))).toBe((DAY + 1 + 7 + 1) * 86_400_000)
  })
})

test('two services over one Redis do not see the patterns of each other', async () => {
  await onRedis(async (stage) => {
    const node = await stage.startNode(shared())
    await reads(stage, node, 3)
    await node.close()
    const other = uniqueName('other')
    const foreign = await stage.startNode(shared({ config: { node: { service: other } } }))
    const ready = async () => JSON.parse((await get(foreign, '/readyz')).body).checks.patterns.status === 'ok'
    await until('it has read its own', ready)
    expect(totalOf(foreign)).toBe(0)
    expect(await raw.exists(keyOf(other))).toBe(0)
  })
})

test('a node starts while Redis is away, and takes the shared patterns and adds its own once Redis is back', async () => {
  await onRedis(async (stage) => {
    const first = await stage.startNode(shared())
    await reads(stage, first, 3)
    await first.close()
    const stored = await raw.dumpBuffer(keyOf(stage.service))
    await redis.stopRedis()
    const second = await stage.startNode(shared())
    await reads(stage, second, 2)
    const said = async () => JSON.parse((await get(second, '/readyz')).body).checks.patterns
    await until('it says so', async () => (await said()).status === 'degraded')
    expect(await said()).toMatchObject({ reason: expect.stringContaining('not read yet') })
    await redis.startRedis()
    if (stored !== null && (await raw.exists(keyOf(stage.service))) === 0)
      await raw.restore(keyOf(stage.service), 0, stored)
    await until('it has the reads of both', () => totalOf(second) === 5)
    await until('it says so', async () => (await said()).status === 'ok')
    await second.close()
    const third = await stage.startNode(shared())
    await until('both were stored', () => totalOf(third) === 5)
  })
})

test('a node that closes while Redis hangs is told that its patterns were not saved', async () => {
  let failed = 0
  const closing = onRedis(async (stage) => {
    const node = await stage.startNode(shared())
    await reads(stage, node, 1)
    await until('Redis is up', () => node.stats().l2.state === 'up')
    await redis.pauseRedis()
    await node.close().catch(() => {
      failed++
    })
  })
  await expect(closing).rejects.toMatchObject({ code: 'patterns-not-saved', message: expect.stringContaining('redis') })
  expect(failed).toBe(1)
})

test('an entry that is damaged is passed over, counted, and stays, and the others count', async () => {
  await onRedis(async (stage) => {
    const node = await stage.startNode(shared())
    await reads(stage, node, 3)
    await node.close()
    await raw.hset(keyOf(stage.service), 'damaged', 'FWP\x01\x01\x00\x00\x00\x05abc')
    const next = await stage.startNode(shared())
    await until('the others count', () => totalOf(next) === 3)
    expect(await metricValue(next, 'arbitrage_pattern_entries_refused_total', { reason: 'corrupt' })).toBe(1)
    await reads(stage, next, 1)
    await next.close()
    expect(await raw.hget(keyOf(stage.service), 'damaged')).toBe('FWP\x01\x01\x00\x00\x00\x05abc')
  })
})

const RIGHTS = ['+hkeys', '+hget', '+hset', '+pexpireat']
const MERGING = ['+eval', '+hexists', '+hdel']

async function userWith(rights: readonly string[]): Promise<string> {
  const url = new URL(redis.redisUrl ?? '')
  url.username = uniqueName('user')
  url.password = 'secret'
  await raw.call('ACL', 'SETUSER', url.username, 'on', '>secret', '~fw:*', ...rights)
  return url.href
}

/** Many processes after one another, so that their entries are merged if that is allowed. */
async function many(stage: Stage, redisUrl: string): Promise<ForewarmNode> {
  const options = shared({ config: { cache: { redisUrls: [redisUrl], l2Enabled: false } } })
  for (let start = 0; start <= MOST_FINAL; start++) {
    const node = await stage.startNode(options)
    await reads(stage, node, 1)
    await node.close()
  }
  const last = await stage.startNode(options)
  await until('it has the reads of all', () => totalOf(last) === MOST_FINAL + 1)
  return last
}

test('a user with the listed rights shares patterns, and with the optional ones merges entries of ended processes', async () => {
  for (const [rights, isMerged] of [
    [RIGHTS, false],
    [[...RIGHTS, ...MERGING], true],
  ] as const) {
    const url = await userWith(rights)
    await onRedis(async (stage) => {
      await many(stage, url)
      const entries = () => raw.hlen(keyOf(stage.service))
      if (isMerged) await until('they are merged', async () => (await entries()) === 1)
      else expect(await entries()).toBe(MOST_FINAL + 1)
      const next = await stage.startNode(shared())
      await until('nothing was lost or doubled', () => totalOf(next) === MOST_FINAL + 1)
    })
  }
})

test.each(RIGHTS)('a user without the right %s is told so, and the node serves', async (missing) => {
  const url = await userWith(RIGHTS.filter((right) => right !== missing))
  const closing = onRedis(async (stage) => {
    const own = shared({ config: { cache: { redisUrls: [url], l2Enabled: false } } })
    const other = await stage.startNode(shared())
    await reads(stage, other, 1)
    await other.close()
    const node = await stage.startNode(own)
    await reads(stage, node, 1)
    await node.close().catch(() => undefined)
    const next = await stage.node(own)
    await next.start()
    const reason = async () => JSON.parse((await get(next, '/readyz')).body).checks.patterns.reason
    if (missing === '+hkeys' || missing === '+hget')
      await until('it is told', async () => String(await reason()).includes(`'${missing.slice(1)}'`))
  })
  if (missing === '+hget') await closing
  else await expect(closing).rejects.toMatchObject({ message: expect.stringContaining(`'${missing.slice(1)}'`) })
})
