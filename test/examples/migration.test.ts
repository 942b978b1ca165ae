import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, expect, test } from '@jest/globals'
import {
  type Cache,
  type CacheWarming,
  createCache,
  createMemoryBroker,
  createNode,
  createWarming,
  topN,
  virtualClock,
} from '../../index.ts'

// What docs/migration.md shows: a region for each name of the earlier documents.

const ROOT = resolve(import.meta.dirname, '../..')
const opened: { close(): Promise<void> }[] = []

afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close()
})

/** A cache of a few pairs, in this process alone. */
async function filled(env: Record<string, string> = {}): Promise<Cache> {
  const cache = await createCache({ l1Slots: 100, l2Enabled: false, env, clock: virtualClock(1_780_000_000_000) })
  opened.push(cache)
  for (const pair of ['BTC-USD', 'ETH-USD', 'SOL-USD']) cache.set(pair, { price: 100 })
  return cache
}

function warmingBeside(cache: Cache): CacheWarming {
  const warming = createWarming(cache)
  opened.push(warming)
  return warming
}

test('a cache is made by createCache', async () => {
  // region: cache
  const cache = await createCache({ l1SizeMb: 16, l2Enabled: false })
  cache.set('BTC-USD', { price: 60_000 })
  const reading = cache.get('BTC-USD')
  // endregion
  opened.push(cache)
  expect(reading).toMatchObject({ price: 60_000 })
})

test('a container is made by createWarming', async () => {
  const cache = await filled()
  // region: container
  const warming = createWarming(cache, {
    strategy: 'adaptive',
    strategyConfig: { targetHitRate: 0.97, minPairs: 3, maxPairs: 10, minScore: 0.3 },
    warmerConfig: { timeoutMs: 50, asyncWarming: true },
    metricsConfig: { prefix: 'arbitrage_' },
    enableMetrics: true,
    useSharedAnalyzer: true,
  })
  const { tracker, warmer, predictor, scheduler, metrics } = warming
  // endregion
  opened.push(warming)
  expect([tracker, warmer, predictor, scheduler, metrics].every(Boolean)).toBe(true)
  expect(warmer.getConfig()).toMatchObject({ maxPairsPerWarm: 10, timeoutMs: 50 })
})

test('a warmer with a strategy is made by createWarming, a strategy is a value', async () => {
  const cache = await filled()
  // region: strategy
  const strategy = topN({ topN: 5, minScore: 0.3 })
  const warming = createWarming(cache, { strategy })
  // endregion
  opened.push(warming)
  expect(warming.warmer.getConfig()).toMatchObject({ maxPairsPerWarm: 5, minCorrelationScore: 0.3 })
})

test('metrics are exported by the warming', async () => {
  const warming = warmingBeside(await filled())
  // region: metrics
  const text = warming.metrics.export('prometheus')
  const json = JSON.parse(warming.metrics.export('json'))
  // endregion
  expect(text).toContain('# TYPE arbitrage_')
  expect(json.metrics.length).toBeGreaterThan(5)
})

test('getPairsToWarm returns the pairs themselves', async () => {
  const cache = await filled()
  const { tracker } = warmingBeside(cache)
  // region: pairs
  tracker.recordPriceUpdate('BTC-USD')
  cache.get('ETH-USD')
  const [first] = tracker.getPairsToWarm('BTC-USD', Date.now(), 5, 0.3)
  // endregion
  expect(first).toMatchObject({ pair: 'ETH-USD', kind: 'read', score: 0.5 })
})

test('the use case of warming is warmForPair', async () => {
  const cache = await filled()
  const { tracker, warmer } = warmingBeside(cache)
  tracker.recordPriceUpdate('BTC-USD')
  cache.get('ETH-USD')
  // region: use-case
  const { success, pairsWarmed, pairsAlreadyInL1, timedOut } = await warmer.warmForPair('BTC-USD')
  // endregion
  expect({ success, pairsWarmed, pairsAlreadyInL1, timedOut }).toEqual({
    ...{ success: true, pairsWarmed: 0, pairsAlreadyInL1: 1, timedOut: false },
  })
})

test('a read of a symbol is recorded by the predictor', async () => {
  const { predictor } = warmingBeside(await filled())
  // region: access
  predictor.recordAccess('BTC-USD', { hit: true, latencyMs: 0.4, group: 'majors' })
  const [popular] = predictor.popular(10)
  // endregion
  expect(popular?.pair).toBe('BTC-USD')
})

test('the window of a correlation is a setting', async () => {
  const clock = virtualClock(1_780_000_000_000)
  // region: window
  const cache = await createCache({ l2Enabled: false, clock, env: { CORRELATION_WINDOW_MS: '250' } })
  const warming = createWarming(cache)
  warming.tracker.recordPriceUpdate('BTC-USD')
  clock.advanceTo(clock.now() + 251)
  cache.get('ETH-USD') // It comes too late to belong to the update.
  const found = warming.tracker.getPairsToWarm('BTC-USD')
  // endregion
  opened.push(cache, warming)
  expect(found).toEqual([])
})

test('warming is switched off by WARMING_ENABLED', async () => {
  // region: switch
  const cache = await createCache({ l2Enabled: false, env: { WARMING_ENABLED: 'false' } })
  const warming = createWarming(cache)
  const { mode, offBecause } = warming.rollout.status()
  // endregion
  opened.push(cache, warming)
  expect({ mode, offBecause }).toEqual({ mode: 'off', offBecause: 'WARMING_ENABLED is off' })
})

test('a node listens on port 9090', async () => {
  const broker = createMemoryBroker({ partitions: { prices: 1 } })
  // region: port
  const node = await createNode({ broker, l2: 'memory', config: { kafka: { priceTopics: ['prices'] } } })
  const { port } = node.config.http
  // endregion
  opened.push(broker, node)
  expect(port).toBe(9090)
})

test('latencies are histograms', async () => {
  const { warmer, metrics } = warmingBeside(await filled())
  await warmer.warmPairs(['BTC-USD'])
  // region: histogram
  const buckets = metrics.export().match(/^arbitrage_warming_duration_ms_bucket\{.*le="\d+.*$/gm)
  // endregion
  expect(buckets?.length).toBeGreaterThan(5)
  expect(metrics.export()).not.toContain('quantile=')
})

test('success is a share of all operations', async () => {
  const { warmer } = warmingBeside(await filled())
  // region: success
  await warmer.warmPairs(['BTC-USD', 'NOT-KNOWN'])
  const { successRate, totalPairsWarmed, totalPairsAttempted } = warmer.getStats()
  // endregion
  expect({ successRate, totalPairsWarmed, totalPairsAttempted }).toEqual({
    ...{ successRate: 1, totalPairsWarmed: 0, totalPairsAttempted: 2 },
  })
})

test('the improvement of the hit ratio needs a control group', async () => {
  const cache = await filled()
  // region: improvement
  const warming = createWarming(cache, { rollout: { controlShare: 0.02 } })
  const { hitRateImprovement } = warming.warmer.getStats() // { points, low, high } once both groups have read
  // endregion
  opened.push(warming)
  expect(hitRateImprovement).toBeUndefined()
})

test('types are checked by npm run types', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  expect(scripts.types).toContain('tsc')
  expect(scripts.typecheck).toBeUndefined()
})
