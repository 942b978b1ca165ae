import { afterEach, describe, expect, test } from '@jest/globals'
import { createCache } from '../../standalone/cache.ts'
import { createWarming } from '../../standalone/warming/warming.ts'
import { closeAll, closedLater, filled, GROUP, GROUPS, hitRatio, readGroups, warming } from './groups-stage.ts'

afterEach(closeAll)

describe('warming beside a cache', () => {
  test('loads the pairs that usually follow a read, which raises the hit ratio from a third to two thirds', async () => {
    const cold = await filled()
    await readGroups(cold, 600)
    const warm = await filled()
    const made = warming(warm)
    await readGroups(warm, 600)
    expect(hitRatio(cold)).toBeLessThan(0.35)
    expect(hitRatio(warm)).toBeGreaterThan(0.65)
    const { used, unused } = made.warmer.getStats().predicted
    expect(used / (used + unused)).toBeGreaterThan(0.5)
  })

  test.each([
    [
      { strategy: 'best' as 'forewarm' },
      'strategy: expected one of forewarm, top-n, threshold, adaptive, time-based, ',
    ],
    [
      { warmerConfig: { timeoutMs: Number.NaN } },
      'createWarming: warmerConfig: timeoutMs: expected milliseconds above 0, got NaN',
    ],
    [
      { warmerConfig: { timeoutMs: -1 } },
      'createWarming: warmerConfig: timeoutMs: expected milliseconds above 0, got -1',
    ],
  ])('is refused with %j, and leaves the cache as it was', async (options, message) => {
    const cache = await filled()
    expect(() => createWarming(cache, options)).toThrow(message)
    expect(warming(cache).warmer.getStats().totalWarmingOps).toBe(0)
  })

  test('warms pairs on request, and reports what became of each', async () => {
    const cache = await filled()
    const made = warming(cache)
    const report = await made.warmer.warmPairs(['P190', 'P191', 'P191', 'NONE'])
    expect(report).toMatchObject({
      success: true,
      pairsAttempted: 3,
      pairsWarmed: 2,
      pairsNotFound: 1,
      timedOut: false,
    })
    expect((await made.warmer.warmPairs(['P190'])).pairsAlreadyInL1).toBe(1)
    expect(made.warmer.getStats()).toMatchObject({
      totalWarmingOps: 2,
      successfulOps: 2,
      failedOps: 0,
      successRate: 1,
      totalPairsWarmed: 2,
    })
  })

  test('leaves the cache alone once it is closed, and another may take its place', async () => {
    const cache = await filled()
    const first = warming(cache)
    await first.close()
    await readGroups(cache, 20)
    expect(first.warmer.getStats().totalWarmingOps).toBe(0)
    warming(cache, { strategy: 'top-n' })
  })

  test('learns as many pairs as it may track, and counts the reads of others', async () => {
    const cache = await createCache({ l1Slots: 40, l2Enabled: false, env: { MAX_TRACKED_PAIRS: '100' } })
    closedLater(cache)
    for (let pair = 0; pair < 110; pair++) cache.set(`P${pair}`, { price: 1 })
    const made = warming(cache)
    for (let pair = 0; pair < 110; pair++) cache.get(`P${pair}`)
    expect(made.warmer.getStats()).toMatchObject({ readsNotTracked: 10, pairsRecycled: 0, pairsNotAsked: 0 })
    // When the first pairs are no longer read, the others take their places in the tracker.
    const readOthers = () => {
      for (let pair = 100; pair < 110; pair++) cache.get(`P${pair}`)
    }
    for (let times = 0; times < 60; times++) readOthers()
    const { readsNotTracked, pairsRecycled } = made.warmer.getStats()
    for (let times = 0; times < 10; times++) readOthers()
    expect(made.warmer.getStats()).toMatchObject({ readsNotTracked, pairsRecycled })
    expect(pairsRecycled).toBe(10)
  })

  test('counts the warms that it dropped because as many as fit into L1 were waiting', async () => {
    const cache = await filled()
    const made = warming(cache)
    await readGroups(cache, 600)
    const before = made.warmer.getStats().pairsNotAsked
    // All at once, so that nothing arrives in between.
    for (let pair = 0; pair < GROUPS * GROUP; pair++) cache.get(`P${pair}`)
    expect([before, made.warmer.getStats().pairsNotAsked > 0]).toEqual([0, true])
  })

  test('begins no warm once it is closed, not even for the reads just before', async () => {
    const cache = await filled()
    const made = warming(cache)
    await readGroups(cache, 200)
    const { totalWarmingOps: begun, ...rest } = made.warmer.getStats()
    expect(rest.predicted.used).toBeGreaterThan(0)
    for (let pair = 0; pair < GROUP; pair++) cache.get(`P${pair}`)
    const closed = made.close()
    const { totalWarmingOps: atClose } = made.warmer.getStats()
    await closed
    await new Promise((resolve) => setImmediate(resolve))
    expect([begun, made.warmer.getStats().totalWarmingOps]).toEqual([atClose, atClose])
  })
})

/** Groups of five whose pairs follow each other, known from many reads; L1 has room for one pair in five. */
async function learned(options: Parameters<typeof createWarming>[1] = {}) {
  const cache = await filled()
  const made = warming(cache, options)
  await readGroups(cache, 400)
  return { cache, made }
}

describe('the configuration of a warming beside a cache', () => {
  test('has the defaults of its strategy, and changes while it runs', async () => {
    const made = warming(await filled(), { strategy: 'top-n', warmerConfig: { timeoutMs: 100 } })
    const defaults = { maxPairsPerWarm: 5, minCorrelationScore: 0.3, asyncWarming: true, timeoutMs: 100, enabled: true }
    expect(made.warmer.getConfig()).toEqual(defaults)
    expect(made.warmer.updateConfig({ maxPairsPerWarm: 2, asyncWarming: false })).toEqual({
      ...{ ...defaults, maxPairsPerWarm: 2, asyncWarming: false },
    })
    expect(made.warmer.updateConfig({ maxPairsPerWarm: undefined, timeoutMs: undefined })).toEqual({
      ...{ ...defaults, asyncWarming: false, timeoutMs: 50 },
    })
    expect(warming(await filled()).warmer.getConfig()).toMatchObject({
      maxPairsPerWarm: 8,
      minCorrelationScore: undefined,
    })
  })

  test('is refused with a sentence for each fault, and then stays', async () => {
    const made = warming(await filled())
    const before = made.warmer.getConfig()
    const faulty = { maxPairsPerWarm: 0, minCorrelationScore: 2, enabled: 'yes', maxPair: 1, asyncWarming: false }
    expect(() => made.warmer.updateConfig(faulty as never)).toThrow(
      [
        'updateConfig: maxPairsPerWarm: expected a whole number from 1 to 1000, got 0',
        'updateConfig: minCorrelationScore: expected a number from 0 to 1, got 2',
        'updateConfig: enabled: expected true or false, got "yes"',
        'updateConfig: there is no option maxPair; it takes maxPairsPerWarm, minCorrelationScore, asyncWarming, timeoutMs, enabled',
      ].join('\n'),
    )
    expect(() => made.warmer.updateConfig(null as never)).toThrow('updateConfig: expected an object of options')
    expect(made.warmer.getConfig()).toBe(before)
  })

  test('bounds the pairs that a read warms, and their score', async () => {
    const { cache, made } = await learned()
    const warmsOf = async () => {
      const before = made.warmer.getStats().totalPairsAttempted
      await readGroups(cache, 100)
      return made.warmer.getStats().totalPairsAttempted - before
    }
    const all = await warmsOf()
    made.warmer.updateConfig({ maxPairsPerWarm: 1 })
    expect(await warmsOf()).toBeLessThan(all)
    made.warmer.updateConfig({ maxPairsPerWarm: undefined, minCorrelationScore: 1 })
    expect(await warmsOf()).toBe(0)
    made.warmer.updateConfig({ minCorrelationScore: undefined })
    expect(await warmsOf()).toBeGreaterThan(all / 2)
  })

  test('switches warming off and on, and the reads meanwhile are learned from', async () => {
    const cache = await filled()
    const made = warming(cache, { warmerConfig: { enabled: false } })
    await readGroups(cache, 400)
    expect(made.warmer.getStats().totalWarmingOps).toBe(0)
    made.warmer.updateConfig({ enabled: true })
    await readGroups(cache, 5)
    expect(made.warmer.getStats().totalWarmingOps).toBeGreaterThan(0)
  })

  test('makes getMany wait for the warms that it has asked for, if it is not asynchronous', async () => {
    const { cache, made } = await learned()
    const isWarming = async (asyncWarming: boolean) => {
      made.warmer.updateConfig({ asyncWarming })
      let asked = 0
      let left = 0
      for (let first = 0; first < GROUPS * GROUP; first += GROUP) {
        const before = made.warmer.getStats()
        await cache.getMany([`P${first}`])
        const after = made.warmer.getStats()
        if (after.totalWarmingOps > before.totalWarmingOps) asked++
        await new Promise((resolve) => setImmediate(resolve))
        if (made.warmer.getStats().totalWarmingOps > after.totalWarmingOps) left++
      }
      return { asked: asked > 0, left: left > 0 }
    }
    expect(await isWarming(false)).toEqual({ asked: true, left: false })
  })
})
