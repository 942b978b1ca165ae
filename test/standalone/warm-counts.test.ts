import { afterEach, describe, expect, test } from '@jest/globals'
import { virtualClock } from '../../src/clock.ts'
import { createCache } from '../../standalone/cache.ts'
import { openedCache } from '../../standalone/levels.ts'
import type { WarmReport } from '../../standalone/warming/report.ts'
import { closeAll, closedLater, warming } from './groups-stage.ts'

afterEach(closeAll)

const CLOCK = virtualClock(1_780_000_000_000)

/** All pairs of a report by what became of them. */
function sumOf(report: WarmReport): number {
  const { pairsWarmed, pairsAlreadyInL1, pairsNotFound, pairsRefused, pairsWithoutRoom, pairsFailed } = report
  return pairsWarmed + pairsAlreadyInL1 + pairsNotFound + pairsRefused + pairsWithoutRoom + pairsFailed
}

describe('the report of a warm', () => {
  test('has each pair in one of its counts, also if L2 is away', async () => {
    const env = { REDIS_URL: 'redis://127.0.0.1:1', LOG_LEVEL: 'fatal' }
    const cache = closedLater(await createCache({ l1Slots: 40, env, clock: CLOCK }))
    cache.set('A', { price: 1 })
    const report = await warming(cache).warmer.warmPairs(['A', 'B', 'C', '\0'])
    expect(report).toMatchObject({
      success: false,
      pairsAttempted: 4,
      pairsAlreadyInL1: 1,
      pairsFailed: 2,
      pairsNotFound: 1,
    })
    expect(sumOf(report)).toBe(4)
  })

  test('tells a pair that has no id, as all are taken, from one that is not there', async () => {
    const env = { MAX_PAIRS: '4', LOG_LEVEL: 'fatal' }
    const cache = closedLater(await createCache({ l1Slots: 4, l2Enabled: false, env, clock: CLOCK }))
    for (const pair of 'ABCD') cache.set(pair, { price: 1 })
    const report = await warming(cache).warmer.warmPairs(['A', 'X', 'Y', ''])
    expect(report).toMatchObject({ pairsAttempted: 4, pairsWithoutRoom: 2, pairsNotFound: 1 })
    expect(sumOf(report)).toBe(4)
  })

  test('says what was done before the rollout kept the rest out', async () => {
    const cache = closedLater(await createCache({ l1Slots: 40, l2Enabled: false, env: {}, clock: CLOCK }))
    for (const pair of 'AB') cache.set(pair, { price: 1 })
    const parts = openedCache(cache)
    if (parts === undefined) throw new Error('a cache expected')
    // B leaves L1 and stays in L2, so that a warm has something to load.
    while (parts.caches.writeBehind.pendingEntries > 0) await new Promise((resolve) => setImmediate(resolve))
    parts.caches.l1.evict(parts.caches.table.find(parts.chain, 'B'))
    const { warmer, rollout } = warming(cache)
    const warm = warmer.warmPairs(['A', 'B'])
    rollout.set({ mode: 'off' })
    const report = await warm
    expect(report).toMatchObject({ refused: undefined, pairsAlreadyInL1: 1, pairsFailed: 1, success: false })
    expect(await warmer.warmPairs(['B'])).toMatchObject({ refused: 'off', pairsAttempted: 1 })
  })
})
