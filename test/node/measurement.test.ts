import { describe, expect, test } from '@jest/globals'
import type { ForewarmNode } from '../../node/node.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { detector } from '../../src/detect/detector.ts'
import { outward } from '../../src/http/outward.ts'
import type { LookAheadMode } from '../../src/strategy/named.ts'
import type { WarmingFigures } from '../../src/warming/measurement.ts'
import { until } from '../harness/until.ts'
import { get, metricValue } from './scrape.ts'
import { onStage, type Stage, updateOf } from './stage.ts'

const PAIRS = 40
const ROUNDS = 20
/** A fixed time: event times decide which updates are warmed for, and the clock decides how late warms are. */
const NOW_MS = Date.UTC(2026, 0, 5, 12)

/** A node with a small L1 that warms for half of the updates; its detector reads Bn when An is updated. */
function startNode(stage: Stage, lookAhead: LookAheadMode): Promise<ForewarmNode> {
  const partner = detector('partner', {}, ({ pair }, prices) => {
    if (pair.startsWith('A')) prices.get('ethereum', pair.replace('A', 'B'))
  })
  return stage.startNode({
    detectors: [partner],
    clock: { now: () => NOW_MS },
    config: { cache: { l1Slots: 10 }, node: { lookAhead, lookAheadMs: 1_000 }, warming: { controlShare: 0.5 } },
  })
}

async function figuresOf(lookAhead: LookAheadMode): Promise<WarmingFigures> {
  return await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await startNode(stage, lookAhead)
    const beganMs = NOW_MS - 60_000
    // A value that still waits to be written to L2 is warmed without a trip, and so never too late.
    const inL2 = () => until('all is in L2', () => node.stats().l2.waitingEntries === 0)
    await stage.produce(...Array.from({ length: PAIRS }, (_, n) => updateOf(`B${n}`, { eventTimeMs: beganMs })))
    await until('the partners are read', () => node.stats().updates === PAIRS)
    for (let round = 1; round <= ROUNDS; round++) {
      await inL2()
      const eventTimeMs = beganMs + round * 1_000
      await stage.produce(...Array.from({ length: PAIRS }, (_, n) => updateOf(`A${n}`, { eventTimeMs })))
      await until('the round is read', () => node.stats().updates === PAIRS * (round + 1))
    }
    const { warming } = node.stats()
    const { hitRateImprovement: points, coverage, accuracy, control, warmed } = warming
    const health = JSON.parse((await get(node, '/health/warming')).body)
    const groups = { control: outward(control), warmed: outward(warmed) }
    expect(health.benefit).toEqual({ hit_rate_improvement: points, coverage, accuracy, ...groups })
    for (const bound of ['points', 'low', 'high'] as const)
      expect(await metricValue(node, 'arbitrage_warming_hit_rate_improvement_points', { bound })).toBe(points?.[bound])
    expect(await metricValue(node, 'arbitrage_warming_coverage_ratio')).toBe(coverage)
    return warming
  })
}

describe('the warming figures of a running node', () => {
  test('are the difference to the updates for which nothing is warmed', async () => {
    const { accuracy = 0, timeliness, coverage = 0, hitRateImprovement, control, warmed } = await figuresOf('await')
    expect(control.updates + warmed.updates).toBe(PAIRS * ROUNDS)
    expect(Math.abs(control.updates - warmed.updates)).toBeLessThan(200)
    expect([accuracy > 0.9, timeliness, coverage > 0.7]).toEqual([true, 1, true])
    const { points = 0, low = 0, high = 0 } = hitRateImprovement ?? {}
    expect([points > 50, low > 40, low < points, points < high, high <= 100]).toEqual([true, true, true, true, true])
  })

  test('are those of handlers that wait, by default, where a read would miss', async () => {
    const { timeliness, coverage = 0 } = await figuresOf('auto')
    expect([timeliness, coverage > 0.7]).toEqual([1, true])
  })

  test('say that warms came too late if the handlers do not wait for them', async () => {
    const { timeliness = 1, hitRateImprovement } = await figuresOf('overlap')
    expect(timeliness).toBeLessThan(0.2)
    const { low = 1, high = 100 } = hitRateImprovement ?? {}
    expect([low < 0, 0 < high, high < 10]).toEqual([true, true, true])
  })
})

test('a node says which pairs it would warm after an update, and why', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await startNode(stage, 'await')
    expect(node.pairsToWarm('ethereum', 'A1')).toEqual([])
    const eventTimeMs = NOW_MS - 60_000
    for (let n = 0; n < 10; n++) await stage.produce(updateOf('A1', { eventTimeMs: eventTimeMs + n * 1_000 }))
    await until('all are handled', () => node.stats().updates === 10)
    expect(node.pairsToWarm('ethereum', 'A1')).toMatchObject([
      {
        chain: 'ethereum',
        pair: 'B1',
        kind: 'read',
        reason: expect.stringMatching(/^read \d+ ms after the pair's updates, of late after 8\d % of them$/),
      },
    ])
    expect(node.pairsToWarm('ethereum', 'A1', { minScore: 0.95 })).toEqual([])
    expect(node.pairsToWarm('ethereum', 'A1', { limit: 0 })).toEqual([])
  })
})
