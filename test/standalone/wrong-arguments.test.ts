import { AsyncResource } from 'node:async_hooks'
import { afterEach, describe, expect, test } from '@jest/globals'
import { virtualClock } from '../../src/clock.ts'
import { ForewarmError } from '../../src/forewarm-error.ts'
import { createCache } from '../../standalone/cache.ts'
import { openedCache } from '../../standalone/levels.ts'
import { createTopNWarming } from '../../standalone/warming/factories.ts'
import { createWarming } from '../../standalone/warming/warming.ts'
import { closeAll, closedLater, warming } from './groups-stage.ts'

afterEach(closeAll)

const START_MS = 1_780_000_000_000
const NO_NAMES = [undefined, null, 7, 7n, {}, [], Symbol('pair'), () => 'A/B', Number.NaN, true]
const LONG = 'x'.repeat(1_000_000)

async function small(options = {}) {
  const clock = virtualClock(START_MS)
  const cache = closedLater(await createCache({ l1Slots: 4, l2Enabled: false, env: {}, clock, ...options }))
  return { cache, clock }
}

/** What a call of a caller without types throws, or rejects with. */
async function faultOf(call: () => unknown): Promise<unknown> {
  try {
    await call()
    return undefined
  } catch (error) {
    return error
  }
}

describe('something that is the name of no pair', () => {
  test.each(NO_NAMES)('%p is missing for a read, and refused by whatever else takes a pair', async (given) => {
    const { cache } = await small()
    const values = closedLater(await createCache<string>({ usePriceMatrix: false, l2Enabled: false, env: {} }))
    const { tracker, predictor, warmer } = warming(cache)
    const pair = given as string
    expect([cache.get(pair), values.get(pair)]).toEqual(['missing', 'missing'])
    expect(await cache.getOrLoad(pair)).toBe('missing')
    expect(await cache.getMany(['A', pair])).toEqual([expect.anything(), 'missing'])
    const calls = [
      () => cache.set(pair, { price: 1 }),
      () => values.set(pair, 'text'),
      () => cache.delete(pair),
      () => values.delete(pair),
      () => tracker.recordPriceUpdate(pair),
      () => predictor.recordAccess(pair),
      () => predictor.next([pair]),
      () => warmer.warmForPair(pair),
      () => warmer.warmPairs(['A', pair]),
      () => warmer.warmPredicted([pair]),
    ]
    for (const call of calls) {
      const fault = await faultOf(call)
      expect(fault).toBeInstanceOf(ForewarmError)
      expect(fault).toMatchObject({ code: 'bad-value', message: expect.stringMatching(/expected .*, got /) })
    }
  })

  test.each(['AB', undefined, 7])('a list of pairs is never %p', async (given) => {
    const { cache } = await small()
    const { predictor, warmer } = warming(cache)
    const pairs = given as unknown as string[]
    for (const call of [
      () => cache.getMany(pairs),
      () => warmer.warmPairs(pairs),
      () => warmer.warmPredicted(pairs),
      () => predictor.next(pairs),
    ])
      expect(await faultOf(call)).toMatchObject({
        code: 'bad-value',
        message: expect.stringContaining('a list of pairs'),
      })
  })

  test('is named in a message that stays short, however long it is', async () => {
    const { cache } = await small()
    const { tracker, predictor } = warming(cache)
    const faults = [
      () => cache.set(LONG, { price: 1 }),
      () => cache.set('A', { price: 1, pair: LONG } as never),
      () => cache.delete(LONG),
      () => tracker.recordPriceUpdate(LONG, Number.NaN),
      () => predictor.recordAccess(LONG, { atMs: -1 }),
      () => predictor.recordAccess('A', { group: LONG }),
    ]
    for (const call of faults) {
      const fault = await faultOf(call)
      expect(fault).toBeInstanceOf(ForewarmError)
      expect((fault as ForewarmError).message.length).toBeLessThan(500)
    }
  })
})

describe('a warming beside a cache', () => {
  test('refuses a hit that is neither true nor false', async () => {
    const { cache } = await small()
    const { predictor } = warming(cache)
    expect(() => predictor.recordAccess('A', { hit: 'yes' as never })).toThrow(
      'A: hit: expected true or false, got "yes"',
    )
    expect(predictor.stats().recorded.accesses).toBe(0)
  })

  test('takes a limit of 0 wherever it takes a limit', async () => {
    const { cache } = await small()
    const { warmer } = warming(cache)
    for (const pair of 'AAABC') cache.get(pair)
    const reports = [
      await warmer.warmPopular({ limit: 0 }),
      await warmer.warmTrending({ limit: 0 }),
      await warmer.warmTimeOfDay({ limit: 0 }),
      await warmer.warmPredicted(['A'], { limit: 0 }),
    ]
    for (const report of reports) expect(report).toMatchObject({ success: true, pairsAttempted: 0 })
  })

  test.each(['conservative', 'aggressive'] as const)(
    'warms as many pairs as the config of %s shows',
    async (strategy) => {
      const { cache } = await small({ l1Slots: 100, env: { CORRELATION_TOP: '16' } })
      const { tracker, warmer } = warming(cache, { strategy })
      tracker.recordPriceUpdate('A')
      for (let each = 0; each < 14; each++) cache.get(`P${each}`)
      expect((await warmer.warmForPair('A')).pairsAttempted).toBe(strategy === 'conservative' ? 3 : 10)
      expect(warmer.updateConfig({ maxPairsPerWarm: 12 }).maxPairsPerWarm).toBe(12)
      expect((await warmer.warmForPair('A')).pairsAttempted).toBe(12)
    },
  )

  test('is refused by a cache that is closed', async () => {
    const { cache } = await small()
    await cache.close()
    expect(() => createWarming(cache)).toThrow(new ForewarmError('refused', 'createWarming: the cache is closed'))
  })

  test('warms nothing once its cache is closed, and says so', async () => {
    const { cache } = await small()
    for (const pair of 'ABA') cache.get(pair)
    const { warmer, rollout, scheduler, tracker } = warming(cache)
    tracker.recordPriceUpdate('A')
    await cache.close()
    const reports = [
      await warmer.warmForPair('A'),
      await warmer.warmPairs(['B']),
      await warmer.warmPopular(),
      await warmer.warmPredicted(['A']),
    ]
    for (const report of reports) expect(report).toMatchObject({ success: false, refused: 'closed' })
    expect(warmer.getStats()).toMatchObject({ totalWarmingOps: 0, refusedOps: reports.length })
    expect(rollout.set({ mode: 'shadow' }).offBecause).toBe('the cache is closed')
    scheduler.start()
    expect(scheduler.status().running).toBe(false)
  })

  test('leaves nothing behind if its options are refused', async () => {
    const { cache } = await small()
    const wrong = [{ strategyConfig: null }, { strategyConfig: { topN: 0 } }, { rollout: { percent: -1 } }]
    for (let times = 0; times < 20; times++)
      for (const options of wrong) expect(() => createWarming(cache, options as never)).toThrow(ForewarmError)
    expect(openedCache(cache)?.listeners.isEmpty).toBe(true)
  })

  test('goes by what it was given, whatever its caller does with the objects later', async () => {
    const { cache } = await small()
    const labels = { team: 'a' }
    const { warmer, metrics } = warming(cache, { metricsConfig: { labels } })
    labels.team = '"\n'
    expect(metrics.export()).toContain('team="a"')
    const config = warmer.getConfig() as { maxPairsPerWarm: number }
    expect(() => {
      config.maxPairsPerWarm = 1_000_000
    }).toThrow(TypeError)
    expect(warmer.getConfig().maxPairsPerWarm).toBeLessThan(1_000)
  })

  test('has the strategy of its factory, and no other', async () => {
    const { cache } = await small()
    expect(() => createTopNWarming(cache, 5, 0.3, { strategy: 'adaptive' } as never)).toThrow(
      'createTopNWarming: there is no option strategy',
    )
  })

  test('learns from no read of an update that was settled early, as too many came after it', async () => {
    const { cache } = await small({ l1Slots: 100 })
    const { tracker } = warming(cache)
    tracker.recordPriceUpdate('A')
    cache.get('SOON')
    const inTurn = AsyncResource.bind(() => cache.get('LATE'))
    for (let times = 0; times <= 65_536; times++) tracker.recordPriceUpdate('B')
    inTurn()
    expect(tracker.getPairsToWarm('A').map(({ pair }) => pair)).toEqual(['SOON'])
  })

  test('says after its end why its rollout changes nothing', async () => {
    const { cache } = await small()
    const made = warming(cache)
    await made.close()
    expect(made.rollout.set({ mode: 'full' }).offBecause).toBe('the warming is closed')
  })

  test('counts an update once for the control group, however many trackers learn from it', async () => {
    const { cache, clock } = await small()
    const shared = closedLater(createTopNWarming(cache, 5, 0.1, { rollout: { controlShare: 0.5 } }))
    const own = closedLater(createTopNWarming(cache, 5, 0.1, { useSharedAnalyzer: false }))
    for (let times = 0; times < 40; times++) {
      clock.advanceTo(clock.now() + 5_000)
      for (const { tracker } of [shared, own]) tracker.recordPriceUpdate('A', clock.now())
      cache.get('B')
    }
    await own.close()
    await shared.close()
    const parts = openedCache(cache)
    if (parts === undefined) throw new Error('the cache has no inside')
    const { measurement, l1, promotion } = parts.caches
    const { control, warmed } = measurement.figures({ usage: l1.usage, promotions: promotion.tally })
    expect(control.updates + warmed.updates).toBe(40)
    expect(control.reads + warmed.reads).toBe(40)
  })

  test('learns once from an update that two warmings of one tracker are told of', async () => {
    const { cache, clock } = await small()
    const both = [warming(cache), warming(cache, { strategy: 'top-n' })]
    for (let times = 0; times < 10; times++) {
      clock.advanceTo(clock.now() + 5_000)
      for (const { tracker } of both) tracker.recordPriceUpdate('A', clock.now())
      cache.get('B')
    }
    clock.advanceTo(clock.now() + 5_000)
    for (const { tracker } of both) {
      expect(tracker.getStats().totalUpdates).toBe(10)
      // With every second update unread, the score would be half of it.
      expect(tracker.getPairsToWarm('A')[0]?.score).toBeGreaterThan(0.7)
    }
    both[0]?.tracker.recordPriceUpdate('A', clock.now())
    both[0]?.tracker.recordPriceUpdate('A', clock.now())
    expect(both[1]?.tracker.getStats().totalUpdates).toBe(12)
  })

  test('says what is wrong with a document of patterns that cannot be read', async () => {
    const { cache } = await small()
    const { predictor } = warming(cache)
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('no')
        },
        ownKeys: () => {
          throw new Error('no')
        },
      },
    )
    expect(predictor.importPatterns(hostile)).toEqual({ problem: expect.stringContaining('plain values') })
    expect(predictor.importPatterns({ kind: 'other' })).toEqual({ problem: expect.any(String) })
  })
})
