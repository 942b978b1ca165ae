import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import { type Cache, createCache } from '../../../standalone/cache.ts'
import { type CacheWarming, createWarming } from '../../../standalone/warming/warming.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { Relay } from '../foreign/relay.ts'

/** A Redis for these tests alone, because it is held back. */
let redis: Stack
let relay: Relay
const opened: { close(): Promise<void> }[] = []

beforeAll(async () => {
  redis = await startStack({ brokers: 0 })
  relay = await new Relay(redis.redisUrl ?? '').open()
})
afterEach(async () => {
  relay.release()
  await Promise.all(opened.splice(0).map((each) => each.close()))
})
afterAll(async () => {
  await relay?.close()
  await redis?.stop()
})

async function cacheAt(url: string, chain: string): Promise<Cache> {
  const cache = await createCache({ chain, l1Slots: 100, env: { REDIS_URL: url, REDIS_COMMAND_TIMEOUT_MS: '10000' } })
  opened.push(cache)
  return cache
}

/** A service that knows what follows A, over a relay to Redis, and another one that writes the prices. */
async function services(): Promise<{ writer: Cache; cache: Cache; warming: CacheWarming }> {
  const chain = uniqueName('chain')
  const writer = await cacheAt(redis.redisUrl ?? '', chain)
  for (const pair of ['A', 'B', 'C']) writer.set(pair, { price: 1 })
  const cache = await cacheAt(relay.url, chain)
  await until('the prices are in Redis', async () => typeof (await cache.getOrLoad('A')) === 'object')
  const warming = createWarming(cache, { strategy: 'top-n', warmerConfig: { timeoutMs: 10_000 } })
  opened.push(warming)
  warming.tracker.recordPriceUpdate('A')
  for (const pair of ['B', 'C']) warming.predictor.recordAccess(pair)
  return { writer, cache, warming }
}

test('a warm for a pair brings what another process has written, with one trip', async () => {
  const { cache, warming } = await services()
  expect(await warming.warmer.warmForPair('A')).toMatchObject({ success: true, pairsAttempted: 2, pairsWarmed: 2 })
  expect(cache.get('B')).toMatchObject({ pair: 'B', price: 1 })
  expect((await warming.warmer.warmForPair('A')).pairsAlreadyInL1).toBe(2)
})

test('a warm that is late says so, does not reject, and its values still come', async () => {
  const { cache, warming } = await services()
  warming.warmer.updateConfig({ timeoutMs: 20 })
  relay.hold('all')
  expect(await warming.warmer.warmForPair('A')).toMatchObject({ success: false, timedOut: true, pairsWarmed: 0 })
  expect(warming.warmer.getStats()).toMatchObject({ failedOps: 1, successRate: 0 })
  expect(cache.get('B')).toBe('unknown')
  relay.release()
  await until('the late values are in L1', async () => typeof cache.get('C') === 'object')
})

test('a late value that is older than one that has come meanwhile is not taken', async () => {
  const { cache, warming } = await services()
  warming.warmer.updateConfig({ timeoutMs: 20 })
  relay.hold('all')
  expect(await warming.warmer.warmForPair('A')).toMatchObject({ timedOut: true })
  cache.set('B', { price: 2 })
  relay.release()
  await until('the late values are in L1', async () => typeof cache.get('C') === 'object')
  expect(cache.get('B')).toMatchObject({ price: 2 })
})
