import { afterEach, describe, expect, test } from '@jest/globals'
import { virtualClock } from '../../src/clock.ts'
import { createCache } from '../../standalone/cache.ts'
import { createTopNWarming } from '../../standalone/warming/factories.ts'
import { closeAll, closedLater, warming } from './groups-stage.ts'

afterEach(closeAll)

const START_MS = 1_780_000_000_000
const PAIRS = [...'ABCDEFGH']

/** A cache of eight pairs, of which L1 has room for four, and its clock. */
async function small() {
  const clock = virtualClock(START_MS)
  const cache = closedLater(await createCache({ l1Slots: 4, l2Enabled: false, env: {}, clock }))
  for (const pair of PAIRS) cache.set(pair, { price: 1 })
  return { cache, clock }
}

describe('the predictor of a warming beside a cache', () => {
  test('refuses a read of the future, which would end all that is known of the past', async () => {
    const { cache, clock } = await small()
    const { predictor } = warming(cache)
    for (let times = 0; times < 5; times++) {
      cache.get('A')
      clock.advanceTo(clock.now() + 60_000)
    }
    const future = { atMs: clock.now() + 365 * 86_400_000 }
    expect(() => predictor.recordAccess('C', future)).toThrow(
      'C: atMs: eventTimeMs: at most 60000 ms ahead of the clock',
    )
    expect(predictor.popular(5).map(({ pair }) => pair)).toEqual(['A'])
  })

  test('refuses an endless latency, which would be the mean from then on', async () => {
    const { cache } = await small()
    const { predictor } = warming(cache)
    const endless = { latencyMs: Number.POSITIVE_INFINITY }
    expect(() => predictor.recordAccess('C', endless)).toThrow(
      'C: latencyMs: expected milliseconds from 0, got Infinity',
    )
    expect(predictor.stats().recorded.accesses).toBe(0)
  })
})

describe('a change of the config of a warmer', () => {
  test('leaves a strategy as it has become, unless its limits change', async () => {
    const { cache } = await small()
    const named = (asked: number) => ({
      name: 'counts',
      minScore: 0,
      select: () => {
        seen.push(asked)
        return { selected: [], reason: 'counts', next: named(asked + 1) }
      },
    })
    const seen: number[] = []
    const made = warming(cache, { strategy: named(0) })
    made.tracker.recordPriceUpdate('A')
    cache.get('B')
    seen.length = 0
    await made.warmer.warmForPair('A')
    made.warmer.updateConfig({ timeoutMs: 80 })
    await made.warmer.warmForPair('A')
    expect(seen).toEqual([0, 1])
    made.warmer.updateConfig({ maxPairsPerWarm: 2 })
    await made.warmer.warmForPair('A')
    expect(seen).toEqual([0, 1, 0])
  })

  test.each(['conservative', 'aggressive', 'top-n'] as const)(
    'to a higher score is one for what the strategy %s warms for a pair, too',
    async (strategy) => {
      const { cache } = await small()
      const made = warming(cache, { strategy })
      made.tracker.recordPriceUpdate('A')
      cache.get('B')
      expect(made.tracker.getPairsToWarm('A')[0]?.score).toBe(0.5)
      expect(await made.warmer.warmForPair('A')).toMatchObject({ pairsAttempted: 1 })
      made.warmer.updateConfig({ minCorrelationScore: 0.9 })
      expect(await made.warmer.warmForPair('A')).toMatchObject({ pairsAttempted: 0 })
    },
  )
})

describe('a warming beside a cache that is closed', () => {
  test('warms nothing any more, and its scheduler does not start', async () => {
    const { cache } = await small()
    const { tracker, warmer, scheduler, close } = warming(cache)
    tracker.recordPriceUpdate('A')
    cache.get('B')
    await close()
    const closed = { success: false, refused: 'closed', pairsWarmed: 0 }
    expect(await warmer.warmForPair('A')).toMatchObject(closed)
    expect(await warmer.warmPairs(['B', 'C'])).toMatchObject(closed)
    expect((await scheduler.runOnce()).popular).toMatchObject(closed)
    scheduler.start()
    expect(scheduler.status()).toMatchObject({ running: false, nextRuns: {} })
  })
})

describe('several warmings beside a cache', () => {
  test('leave the control group alone, whichever of them its updates were recorded with', async () => {
    const { cache, clock } = await small()
    const first = closedLater(createTopNWarming(cache, 5, 0.1, { rollout: { controlShare: 0.5 } }))
    const other = closedLater(createTopNWarming(cache, 5, 0.1, { useSharedAnalyzer: false }))
    const warms = { control: 0, rest: 0 }
    for (let times = 0; times < 100; times++) {
      clock.advanceTo(clock.now() + 1_100)
      first.tracker.recordPriceUpdate('A')
      const { refused } = await first.warmer.warmForPair('A')
      const before = other.warmer.getStats().totalWarmingOps
      for (const pair of PAIRS) await cache.getOrLoad(pair)
      warms[refused === 'control' ? 'control' : 'rest'] += other.warmer.getStats().totalWarmingOps - before
    }
    expect(warms.control).toBe(0)
    expect(warms.rest).toBeGreaterThan(0)
  })
})

describe('the scheduler of a warming beside a cache', () => {
  test('loads nothing in shadow, and the shadow has it', async () => {
    const { cache } = await small()
    const made = warming(cache, { rollout: { mode: 'shadow' } })
    for (const pair of [...'AAABCDEFGH']) await cache.getOrLoad(pair)
    expect((await made.scheduler.runOnce()).popular).toMatchObject({ success: true, pairsWarmed: 0 })
    expect((await made.scheduler.runOnce()).popular?.pairsAttempted).toBeGreaterThan(0)
    expect(made.warmer.getStats().byStrategy).toEqual({})
  })
})
