import { afterEach, describe, expect, test } from '@jest/globals'
import { type Cache, createCache } from '../../standalone/cache.ts'
import {
  createAdaptiveWarming,
  createThresholdWarming,
  createTimeBasedWarming,
  createTopNWarming,
} from '../../standalone/warming/factories.ts'
import { type CacheWarming, createWarming } from '../../standalone/warming/warming.ts'
import { closeAll, closedLater, filled, readGroups, warming } from './groups-stage.ts'

afterEach(closeAll)

describe('the factories of warmings', () => {
  test.each<[string, (cache: Cache) => CacheWarming, number, number]>([
    ['createTopNWarming', (cache) => createTopNWarming(cache), 5, 0.3],
    ['createTopNWarming', (cache) => createTopNWarming(cache, 2, 0.45), 2, 0.45],
    ['createThresholdWarming', (cache) => createThresholdWarming(cache, { minScore: 0.4, maxPairs: 7 }), 7, 0.4],
    ['createAdaptiveWarming', (cache) => createAdaptiveWarming(cache), 10, 0.3],
    ['createAdaptiveWarming', (cache) => createAdaptiveWarming(cache, { maxPairs: 6, targetHitRate: 0.9 }), 6, 0.3],
    ['createTimeBasedWarming', (cache) => createTimeBasedWarming(cache, { minScore: 0.2 }), 5, 0.2],
    ['conservative', (cache) => createWarming(cache, { strategy: 'conservative' }), 3, 0.5],
    ['aggressive', (cache) => createWarming(cache, { strategy: 'aggressive' }), 10, 0.2],
  ])('%s has the limits that it is given, and warms', async (_, create, maxPairsPerWarm, minCorrelationScore) => {
    const cache = await filled()
    const made = closedLater(create(cache))
    expect(made.warmer.getConfig()).toMatchObject({ maxPairsPerWarm, minCorrelationScore })
    for (let pair = 0; pair < 20; pair++) {
      made.tracker.recordPriceUpdate('P0')
      for (let read = 1; read <= 12; read++) cache.get(`P${read}`)
    }
    const { pairsAttempted } = await made.warmer.warmForPair('P0')
    expect(pairsAttempted).toBeGreaterThan(0)
    expect(pairsAttempted).toBeLessThanOrEqual(maxPairsPerWarm)
  })

  test.each([
    [
      { strategy: 'top-n', strategyConfig: { topN: 0 } },
      'strategyConfig: expected topN: a whole number from 1 to 1000',
    ],
    [
      { strategy: 'top-n', strategyConfig: { maxPairs: 3 } },
      'strategyConfig: expected topN, minScore, for the strategy top-n',
    ],
    [
      { strategy: 'adaptive', strategyConfig: { minPairs: 5, maxPairs: 3 } },
      'strategyConfig: expected minPairs: at most maxPairs, which is 3; got minPairs: 5',
    ],
    [{ strategy: 'conservative', strategyConfig: { minScore: 0.1 } }, 'strategyConfig: expected no field'],
    [{ strategy: 'top-n', strategyConfig: { topN: Number.NaN } }, 'got topN: NaN'],
    [{ metricsConfig: { prefix: '5' } }, 'metricsConfig: prefix: expected letters, digits and _'],
    [{ metricsConfig: { labels: { le: 'x' } } }, 'metricsConfig: labels: expected an object of texts by names'],
    [{ metricsConfig: { labels: { '': 'x' } } }, 'metricsConfig: labels: expected an object of texts by names'],
    [{ metricsConfig: { labels: 'x' } }, 'metricsConfig: labels: expected an object of texts by names'],
    [{ enableMetric: true }, 'createWarming: there is no option enableMetric; did you mean enableMetrics?'],
  ])('%j is refused with a sentence', async (options, sentence) => {
    const cache = await filled()
    expect(() => createWarming(cache, options as never)).toThrow(sentence)
    expect(cache.stats().levels.L1).toBeDefined()
  })
})

/** Two hundred pairs, of which groups were read, at a virtual time. */
async function read() {
  const cache = await filled()
  const made = warming(cache)
  await readGroups(cache, 200)
  return { cache, made }
}

describe('the predictor of a warming beside a cache', () => {
  test('has recorded the reads of the cache by itself', async () => {
    const { made } = await read()
    const { totalAccesses, uniquePairs, top10, recorded } = made.predictor.stats()
    expect({ totalAccesses, uniquePairs, top: top10.length }).toEqual({
      totalAccesses: 1_000,
      uniquePairs: 200,
      top: 10,
    })
    expect(recorded).toEqual({ accesses: 0, hitRatio: undefined, avgLatencyMs: undefined })
    expect(made.predictor.pattern('P0')).toBeDefined()
    expect(made.predictor.pattern('NONE')).toBeUndefined()
  })

  test('foretells popular pairs, and the warmer loads them', async () => {
    const { made } = await read()
    const popular = made.predictor.popular(3)
    expect(popular.map(({ kind }) => kind)).toEqual(['popular', 'popular', 'popular'])
    const report = await made.warmer.warmPopular({ limit: 3 })
    expect(report).toMatchObject({ success: true, pairsAttempted: 3 })
    expect(made.warmer.getStats().byStrategy.popular).toMatchObject({ operations: 1 })
    for (const warm of [made.warmer.warmTrending(), made.warmer.warmTimeOfDay({ lookAheadHours: 2 })])
      expect((await warm).success).toBe(true)
  })

  test('records reads that were made elsewhere, with their groups', async () => {
    const { made } = await read()
    made.predictor.recordAccess('ELSEWHERE', { hit: true, latencyMs: 2, group: 'G' })
    made.predictor.recordAccess('ELSEWHERE', { hit: false, latencyMs: 4 })
    made.predictor.recordAccess('ELSEWHERE')
    const { recorded, totalAccesses } = made.predictor.stats()
    expect({ recorded, totalAccesses }).toEqual({
      recorded: { accesses: 3, hitRatio: 0.5, avgLatencyMs: 3 },
      totalAccesses: 1_003,
    })
  })

  test('knows the groups of the prices that are set', async () => {
    const { cache, made } = await read()
    cache.set('P0', { price: 1, group: 'majors' })
    const exported = made.predictor.exportPatterns().pairs.find(({ pair }) => pair === 'P0')
    expect(exported).toMatchObject({ group: 'majors' })
  })

  test('hands its patterns to another', async () => {
    const { made } = await read()
    const document = made.predictor.exportPatterns()
    const other = warming(await filled())
    expect(other.predictor.importPatterns(document)).toEqual({ refused: 0 })
    expect(other.predictor.popular(5)).toHaveLength(5)
    expect(other.predictor.importPatterns({})).toHaveProperty('problem')
  })

  test.each([
    [() => ({ limit: -1 }), 'limit'],
    [() => ({ windowHours: 0 }), 'windowHours'],
    [() => ({ lookAhead: 1 }), 'lookAhead'],
  ])('refuses the options %p with a sentence', async (options, named) => {
    const { made } = await read()
    expect(() => made.predictor.trending(options() as never)).toThrow(named)
    expect(() => made.warmer.warmTrending(options() as never)).toThrow(named)
  })

  test.each([
    [{ atMs: 1_780_000_000 }, 'atMs'],
    [{ latencyMs: -1 }, 'latencyMs: expected milliseconds from 0, got -1'],
    [{ latencyMs: Number.POSITIVE_INFINITY }, 'latencyMs: expected milliseconds from 0, got Infinity'],
    [{ latencyMs: '5' }, 'latencyMs: expected milliseconds from 0, got "5"'],
    [{ group: '\ud800' }, 'group: expected a name'],
    [{ group: '' }, 'group: expected a name'],
    [{ group: 5 }, 'group: expected a name, got 5'],
    [{ at: 1 }, 'there is no option at'],
  ])('refuses an access of %j', async (access, sentence) => {
    const { made } = await read()
    expect(() => made.predictor.recordAccess('P0', access as never)).toThrow(sentence)
    expect(made.predictor.stats().recorded.accesses).toBe(0)
  })

  test.each(['', '\ud800', 'a\0b'])(
    'exports patterns that can be imported after a read of the impossible name %j',
    async (name) => {
      const { cache, made } = await read()
      cache.get(name)
      made.predictor.recordAccess(name)
      const saved = made.predictor.exportPatterns()
      expect(made.predictor.importPatterns(JSON.parse(JSON.stringify(saved)))).toEqual({ refused: 0 })
    },
  )
})

describe('the metrics of a warming beside a cache', () => {
  test('are Prometheus text with the prefix and labels that are given, or JSON', async () => {
    const cache = await filled()
    const made = warming(cache, { metricsConfig: { prefix: 'my_', labels: { app: 'spreads' } } })
    cache.get('P0')
    const text = made.metrics.export()
    expect(made.metrics.contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(text).toMatch(/^my_cache_(hits|misses)_total\{app="spreads",chain="default",cache_level="L1"\} 1$/m)
    const { metrics } = JSON.parse(made.metrics.export('json'))
    const counted = metrics.filter(({ name }: { name: string }) => /^my_cache_(hits|misses)_total$/.test(name))
    const ofL1 = counted.flatMap(({ series }: { series: { labels: { cache_level: string }; value: number }[] }) =>
      series.filter(({ labels }) => labels.cache_level === 'L1').map(({ value }) => value),
    )
    expect(ofL1.reduce((sum: number, value: number) => sum + value, 0)).toBe(1)
  })

  test('are shown in no other form', async () => {
    const made = warming(await filled())
    expect(() => made.metrics.export('xml' as never)).toThrow('metrics.export: expected prometheus or json, got "xml"')
  })

  test('show nothing when they are off, and are counted all the same', async () => {
    const cache = await filled()
    const made = warming(cache, { enableMetrics: false })
    expect(made.metrics.enabled).toBe(false)
    expect(made.metrics.export()).toBe('# metrics are off: enableMetrics is false\n')
    expect(JSON.parse(made.metrics.export('json'))).toEqual({ metrics: [] })
    expect(warming(cache).metrics.export()).toContain('arbitrage_')
  })

  test('count the operations of the warmer', async () => {
    const cache = await filled()
    const made = warming(cache)
    await made.warmer.warmPairs(['P0', 'P1'])
    expect(made.metrics.export()).toContain(
      'arbitrage_warming_operations_total{chain="default",status="success",strategy="manual"} 1',
    )
  })
})

describe('the scheduler of a warming beside a cache', () => {
  test('runs a cycle on request, and tells of it', async () => {
    const { made } = await read()
    const result = await made.scheduler.runOnce()
    expect(Object.keys(result)).toEqual([
      'popular',
      'time_of_day',
      'trending',
      'sector_rotation',
      'market_open',
      'pattern',
    ])
    expect(result.popular?.pairsAttempted).toBe(100)
    const { running, cycleCount, performanceSummary } = made.scheduler.status()
    expect({ running, cycleCount }).toEqual({ running: false, cycleCount: 1 })
    expect(performanceSummary.popular?.operations).toBe(1)
  })

  test('warms at its start, and starts once', async () => {
    const { made } = await read()
    made.scheduler.start()
    made.scheduler.start()
    expect(made.scheduler.status()).toMatchObject({ running: true, cycleCount: 1 })
    made.scheduler.stop()
    expect(made.scheduler.status()).toMatchObject({ running: false, nextRuns: {} })
  })
})

test('a cache in shared memory can be read by other threads', async () => {
  const cache = closedLater(await createCache({ l1Slots: 10, l2Enabled: false, env: {} }))
  expect(Object.keys(cache.sharedPrices)).toEqual(['l1', 'names', 'sources', 'reads'])
})
