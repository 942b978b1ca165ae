import { describe, expect, test } from '@jest/globals'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import type { Overrides } from '../../src/config/settings.ts'
import { detector } from '../../src/detect/detector.ts'
import { until } from '../harness/until.ts'
import { metricValue } from './scrape.ts'
import { onStage, updateOf } from './stage.ts'

const PAIRS = 96
const ROUNDS = 20
/** Event times decide which updates are in the control group, so the clock is fixed. */
const NOW_MS = Date.UTC(2026, 0, 5, 12)

const partner = detector('partner', {}, ({ pair }, prices) => {
  if (pair.startsWith('A')) prices.get('ethereum', pair.replace('A', 'B'))
})

/** The figures of a node with a small L1 that compares two strategies. Its detector reads Bn when An is updated. */
async function comparedBy(warming: Overrides['warming'], meanwhile: Overrides['warming'] = {}) {
  return await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode({
      detectors: [partner],
      clock: { now: () => NOW_MS },
      config: {
        cache: { l1Slots: 24 },
        node: { lookAhead: 'await', lookAheadMs: 1_000 },
        warming: { controlShare: 0.5, ...warming },
      },
    })
    const beganMs = NOW_MS - 3_600_000
    const updates = (letter: string, eventTimeMs: number) =>
      stage.produce(...Array.from({ length: PAIRS }, (_, n) => updateOf(`${letter}${n}`, { eventTimeMs })))
    await updates('B', beganMs)
    for (let round = 1; round <= ROUNDS; round++) {
      await until('the round is handled', () => node.stats().updates === PAIRS * round)
      await until('all is in L2', () => node.stats().l2.waitingEntries === 0)
      if (round === 2) node.updateConfig({ warming: meanwhile })
      await updates('A', beganMs + round * 1_000)
    }
    await until('the last round is handled', () => node.stats().updates === PAIRS * (ROUNDS + 1))
    const { strategies } = node.stats()
    const ofMetric = (arm: string) =>
      metricValue(node, 'arbitrage_warming_strategy_coverage_ratio', { arm, bound: 'value' })
    expect([await ofMetric('a'), await ofMetric('b')]).toEqual([
      strategies?.a.coverage?.value,
      strategies?.b.coverage?.value,
    ])
    return strategies
  })
}

describe('two strategies that a node compares', () => {
  test('differ where one of them warms nothing, and the figures say by how much', async () => {
    const never = { strategyB: 'threshold', strategyBConfig: { minScore: 1 } } as const
    const strategies = await comparedBy(never)
    expect([strategies?.a.strategy, strategies?.b.strategy]).toEqual(['forewarm', 'threshold'])
    const { a, b, difference } = strategies ?? {}
    expect([(a?.coverage?.low ?? 0) > 0.5, Math.abs(b?.coverage?.value ?? 1) < 0.2]).toEqual([true, true])
    expect([(difference?.coverage?.high ?? 0) < -0.4, b?.accuracy]).toEqual([true, undefined])
    expect([(a?.accuracy?.value ?? 0) > 0.9, (a?.warmsPerUpdate?.value ?? 0) > 0.5]).toEqual([true, true])
    expect(b?.warmsPerUpdate?.value).toBe(0)
    expect(a?.l2ReadsPerSavedMiss?.value).toBeLessThan(3)
  })

  test('do not differ where they are the same', async () => {
    const strategies = await comparedBy({ strategyB: 'forewarm' })
    const { low = 1, high = -1 } = strategies?.difference.coverage ?? {}
    expect([low < 0, high > 0]).toEqual([true, true])
    expect([(strategies?.a.coverage?.low ?? 0) > 0.5, (strategies?.b.coverage?.low ?? 0) > 0.5]).toEqual([true, true])
  })

  test('are compared anew when one is set while the node runs, and no longer when it is taken away', async () => {
    const begun = await comparedBy(
      {},
      { strategyB: 'threshold', strategyBConfig: { minScore: 1 }, strategyBShare: 0.9 },
    )
    expect(begun?.b.updates.warmed).toBeGreaterThan(5 * (begun?.a.updates.warmed ?? 0))
    expect(await comparedBy({ strategyB: 'forewarm' }, { strategyB: undefined })).toBeDefined()
  })
})
