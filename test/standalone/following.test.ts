import { afterEach, describe, expect, test } from '@jest/globals'
import { virtualClock } from '../../src/clock.ts'
import { type Cache, createCache } from '../../standalone/cache.ts'
import { createTopNWarming } from '../../standalone/warming/factories.ts'
import { type CacheWarming, createWarming } from '../../standalone/warming/warming.ts'
import { closeAll, closedLater, warming } from './groups-stage.ts'

afterEach(closeAll)

const START_MS = 1_780_000_000_000
const OTHERS = ['D', 'E', 'F', 'G', 'H', 'D', 'E', 'F', 'G', 'H']
const PAIRS = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H']

/** A cache of eight pairs, of which L1 has room for four, one of them warmed, and the clock of both. */
async function small(l1Slots = 4) {
  const clock = virtualClock(START_MS)
  const cache = closedLater(await createCache({ l1Slots, l2Enabled: false, env: {}, clock }))
  for (const pair of PAIRS) cache.set(pair, { price: 1 })
  return { cache, clock }
}

/** Handles an update of the pair: reads these pairs, with an await before each. */
async function handled({ cache, made }: { cache: Cache; made: CacheWarming }, pair: string, reads: readonly string[]) {
  made.tracker.recordPriceUpdate(pair)
  for (const read of reads) {
    await Promise.resolve()
    cache.get(read)
  }
}

describe('the tracker of a warming beside a cache', () => {
  test('learns from the first update which pairs are read because of it, also after an await', async () => {
    const { cache, clock } = await small()
    const made = warming(cache)
    made.tracker.recordPriceUpdate('A')
    clock.advanceTo(clock.now() + 20)
    cache.get('B')
    await Promise.resolve()
    cache.get('C')
    const found = made.tracker.getPairsToWarm('A')
    expect(found.map(({ pair, kind, lagMs }) => ({ pair, kind, lagMs }))).toEqual([
      { pair: 'B', kind: 'read', lagMs: 20 },
      { pair: 'C', kind: 'read', lagMs: 20 },
    ])
    expect(found[0]?.reason).toMatch(/^read 20 ms after the pair's updates/)
    expect(made.tracker.getStats()).toEqual({ totalPairs: 1, totalUpdates: 1, notTracked: 0, pairsRecycled: 0 })
  })

  test('does not mix up the reads of updates that are handled at the same time', async () => {
    const { cache } = await small()
    const made = warming(cache)
    await Promise.all([
      handled({ cache, made }, 'A', ['B', 'C']),
      handled({ cache, made }, 'D', ['E', 'F']),
      handled({ cache, made }, 'G', ['H']),
    ])
    const read = (pair: string) =>
      made.tracker
        .getPairsToWarm(pair)
        .filter(({ kind, reason }) => kind === 'read' && !reason.startsWith('a reader'))
        .map((each) => each.pair)
        .sort()
    expect({ A: read('A'), D: read('D'), G: read('G') }).toEqual({ A: ['B', 'C'], D: ['E', 'F'], G: ['H'] })
  })

  test('takes a read that comes after CORRELATION_WINDOW_MS for one of no update', async () => {
    const { cache, clock } = await small()
    const made = warming(cache)
    made.tracker.recordPriceUpdate('A')
    clock.advanceTo(clock.now() + 1_001)
    cache.get('B')
    expect(made.tracker.getPairsToWarm('A')).toEqual([])
  })

  test('learns how often a pair is read after the updates of another', async () => {
    const { cache, clock } = await small()
    const made = warming(cache)
    for (let times = 0; times < 100; times++) {
      await handled({ cache, made }, 'A', times % 4 === 0 ? ['B', 'C'] : ['B'])
      // Its turn is over before the next one, in which it is settled.
      clock.advanceTo(clock.now() + 1_001)
      await new Promise((resolve) => setImmediate(resolve))
    }
    const scores = Object.fromEntries(made.tracker.getPairsToWarm('A').map(({ pair, score }) => [pair, score]))
    expect(scores.B).toBeGreaterThan(0.9)
    expect(scores.C).toBeGreaterThan(0.1)
    expect(scores.C).toBeLessThan(0.5)
    expect(made.tracker.getPairsToWarm('A', START_MS, 1).map(({ pair }) => pair)).toEqual(['B'])
    expect(made.tracker.getPairsToWarm('A', undefined, 10, 0.9).map(({ pair }) => pair)).toEqual(['B'])
  })

  test.each([
    [1_780_000_000, 'A: eventTimeMs: expected milliseconds since 1970, got 1780000000, which looks like seconds'],
    [Number.NaN, 'A: eventTimeMs is NaN'],
    [START_MS + 60_001, 'A: eventTimeMs: at most 60000 ms ahead of the clock'],
  ])('refuses an update of time %p', async (timestampMs, message) => {
    const { cache } = await small()
    const made = warming(cache)
    expect(() => made.tracker.recordPriceUpdate('A', timestampMs)).toThrow(message)
    expect(made.tracker.getStats().totalUpdates).toBe(0)
  })

  test('is one for all warmings beside a cache that share it, and another for one that does not', async () => {
    const { cache } = await small()
    const [first, second] = [warming(cache), warming(cache, { strategy: 'top-n' })]
    const own = warming(cache, { useSharedAnalyzer: false })
    await handled({ cache, made: first }, 'A', ['B'])
    expect(second.tracker.getPairsToWarm('A').map(({ pair }) => pair)).toEqual(['B'])
    expect(own.tracker.getStats().totalUpdates).toBe(0)
    expect(own.tracker.getPairsToWarm('A')).toEqual([])
    await handled({ cache, made: own }, 'C', ['D'])
    expect(first.tracker.getPairsToWarm('C')).toEqual([])
    await first.close()
    await handled({ cache, made: second }, 'E', ['F'])
    expect(second.tracker.getPairsToWarm('E').map(({ pair }) => pair)).toEqual(['F'])
  })

  test('is one of sixteen beside a cache at most', async () => {
    const { cache } = await small()
    const made = Array.from({ length: 16 }, (_, at) => warming(cache, { useSharedAnalyzer: at % 2 === 0 }))
    expect(() => createWarming(cache)).toThrow('createWarming: the cache has as many warmings as it may have')
    await made[3]?.close()
    expect(() => warming(cache)).not.toThrow()
  })
})

describe('a warm for a pair', () => {
  test('loads what follows its updates, as the strategy chooses, with one trip', async () => {
    const { cache, clock } = await small()
    const made = closedLater(createTopNWarming(cache, 1, 0.3))
    await handled({ cache, made }, 'A', ['B', 'C'])
    clock.advanceTo(clock.now() + 1_001)
    // Others take the room of B and C.
    for (const pair of OTHERS) await cache.getOrLoad(pair)
    const report = await made.warmer.warmForPair('A')
    expect(report).toMatchObject({ success: true, pairsAttempted: 1, pairsWarmed: 1, sourcePair: 'A' })
    expect(typeof cache.get('B')).toBe('object')
    const { byStrategy, totalPairsWarmed, avgPairsPerOp, totalWarmingOps } = made.warmer.getStats()
    expect(byStrategy.correlation).toMatchObject({ operations: 1, used: 1, accuracy: 1 })
    expect(totalPairsWarmed).toBeGreaterThanOrEqual(1)
    expect(avgPairsPerOp).toBeGreaterThan(0)
    expect(totalWarmingOps).toBeGreaterThanOrEqual(1)
  })

  test('says how many pairs L1 has no room for', async () => {
    const { cache, clock } = await small(2)
    const made = warming(cache)
    await handled({ cache, made }, 'A', ['B', 'C'])
    clock.advanceTo(clock.now() + 1_001)
    for (const pair of OTHERS) await cache.getOrLoad(pair)
    expect(await made.warmer.warmForPair('A')).toMatchObject({ pairsAttempted: 2, pairsWarmed: 0, pairsWithoutRoom: 2 })
  })

  test('does nothing for a pair that nothing is known to follow', async () => {
    const { cache } = await small()
    const made = warming(cache)
    const nothing = { success: true, pairsAttempted: 0, pairsWarmed: 0, refused: undefined, timedOut: false }
    expect(await made.warmer.warmForPair('A')).toMatchObject(nothing)
    expect(await made.warmer.warmForPair('nobody knows it')).toMatchObject(nothing)
  })

  test('also warms what is usually read after a read of the pair', async () => {
    const { cache } = await small()
    const made = warming(cache, { strategy: 'top-n', warmerConfig: { minCorrelationScore: 0.1 } })
    for (let times = 0; times < 5; times++) {
      for (const pair of ['A', 'B', 'D', 'E', 'F', 'G', 'H', 'C']) await cache.getOrLoad(pair)
    }
    const [first] = made.tracker.getPairsToWarm('A')
    expect(first?.kind).toBe('next')
    expect(first?.reason).toMatch(/^read soon after \d of the last \d reads of the pair$/)
    expect(made.predictor.next(['A'], 3)).toHaveLength(3)
    expect(made.predictor.next(['A'])[0]).toMatchObject({ kind: 'next' })
    expect((await made.warmer.warmForPair('A')).pairsAttempted).toBeGreaterThan(0)
    expect((await made.warmer.warmPredicted(['A'])).pairsAttempted).toBeGreaterThan(0)
  })

  test.each([
    [{ mode: 'off' }, {}, 'off'],
    [{ killed: true }, {}, 'killed'],
    [{ mode: 'canary', percent: 0 }, {}, 'canary'],
    [{ gate: () => false }, {}, 'canary'],
    [{}, { enabled: false }, 'disabled'],
  ] as const)('is refused with the rollout %j and the config %j', async (rollout, warmerConfig, refused) => {
    const { cache } = await small()
    const made = warming(cache, { rollout, warmerConfig })
    await handled({ cache, made }, 'A', ['B'])
    expect(await made.warmer.warmForPair('A')).toMatchObject({ success: false, refused, pairsWarmed: 0 })
    const { refusedOps, totalWarmingOps } = made.warmer.getStats()
    expect({ refusedOps, totalWarmingOps }).toEqual({ refusedOps: 1, totalWarmingOps: 0 })
  })

  test('loads nothing in shadow, and the shadow has it', async () => {
    const { cache, clock } = await small()
    const made = warming(cache, { rollout: { mode: 'shadow' } })
    await handled({ cache, made }, 'A', ['B'])
    clock.advanceTo(clock.now() + 1_001)
    for (const pair of OTHERS) await cache.getOrLoad(pair)
    expect(await made.warmer.warmForPair('A')).toMatchObject({ success: true, pairsAttempted: 1, pairsWarmed: 0 })
    expect(cache.get('B')).toBe('unknown')
    const { shadow } = made.rollout.status()
    expect(shadow?.reads).toBeGreaterThan(0)
  })
})

describe('the control group of a warming beside a cache', () => {
  test('is a share of the recorded updates; the others are compared with it', async () => {
    const clock = virtualClock(START_MS)
    const cache = closedLater(await createCache({ l1Slots: 4, l2Enabled: false, env: {}, clock }))
    for (let pair = 0; pair < 200; pair++) cache.set(`P${pair}`, { price: 1 })
    const made = closedLater(createTopNWarming(cache, 5, 0.1, { rollout: { controlShare: 0.5 } }))
    expect(made.warmer.getStats().hitRateImprovement).toBeUndefined()
    const refused = new Set<unknown>()
    for (let times = 0; times < 1_000; times++) {
      clock.advanceTo(clock.now() + 1_100)
      const at = (times * 7) % 100
      made.tracker.recordPriceUpdate(`P${at}`)
      refused.add((await made.warmer.warmForPair(`P${at}`)).refused)
      await cache.getOrLoad(`P${at + 100}`)
    }
    expect([...refused].sort()).toEqual(['control', undefined])
    const { hitRateImprovement } = made.warmer.getStats()
    expect(hitRateImprovement?.low).toBeGreaterThan(50)
    expect(hitRateImprovement?.points).toBeGreaterThan(80)
  })
})
