import { describe, expect, test } from '@jest/globals'
import { CELLS } from '../../../src/cache/l1/usage.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { Arms, isArmB } from '../../../src/warming/arms/arms.ts'
import { Comparison, type StrategyComparison } from '../../../src/warming/arms/comparison.ts'
import type { Estimate } from '../../../src/warming/arms/random-groups.ts'
import { mulberry32 } from '../../harness/mulberry32.ts'

const TRIGGERS = 200
const ROUNDS = 25
const READS = 5
const CONTROL_SHARE = 0.2

interface Planted {
  /** The share of the misses that the strategy of each arm saves. */
  readonly saves: { readonly a: number; readonly b: number }
  /** The share of its warms that are read. */
  readonly accuracy?: { readonly a: number; readonly b: number }
  readonly seed: number
}

/**
 * Triggers that differ much from each other: some reads nearly always miss without warming, others seldom; and of each
 * trigger the strategy saves more or less. Names are random, and with them the arms.
 */
function compared({ saves, accuracy = { a: 0.8, b: 0.8 }, seed }: Planted): StrategyComparison {
  const random = mulberry32(seed)
  const table = new PairTable({ maxPairs: TRIGGERS })
  const arms = new Arms(table, 0.5)
  const comparison = new Comparison(arms)
  const warmsByCell = Array.from({ length: CELLS }, () => ({ admitted: 0, used: 0, unused: 0, dropped: 0 }))
  const loadedByCell = Array.from({ length: CELLS }, () => 0)
  const sources = { usage: { warmsByCell }, promotions: { loadedByCell } }
  comparison.restart({ subject: 'planted', names: { a: 'top-n', b: 'threshold' } }, sources)
  for (let n = 0; n < TRIGGERS; n++) {
    const pairId = table.register('ethereum', `P${Math.floor(random() * 2 ** 32)}`)
    const cell = arms.cellOf(pairId)
    const arm = isArmB(cell) ? 'b' : 'a'
    const missRatio = 0.1 + 0.8 * random()
    const own = saves[arm] + 0.3 * (random() - 0.5)
    const ownAccuracy = accuracy[arm] + 0.3 * (random() - 0.5)
    const counts = warmsByCell[cell]
    for (let round = 0; round < ROUNDS; round++) {
      const isControl = random() < CONTROL_SHARE
      let hits = 0
      for (let read = 0; read < READS; read++) if (random() >= missRatio * (isControl ? 1 : 1 - own)) hits++
      comparison[isControl ? 'control' : 'warmed'].settled(pairId, READS, hits)
      if (isControl || counts === undefined) continue
      counts.admitted += 2
      counts[random() < ownAccuracy ? 'used' : 'unused'] += 2
      loadedByCell[cell] = (loadedByCell[cell] ?? 0) + 2
    }
  }
  const figures = comparison.figures(sources)
  if (figures === undefined) throw new Error('nothing is compared')
  return figures
}

function includes(estimate: Estimate | undefined, value: number): boolean {
  return estimate !== undefined && estimate.low <= value && value <= estimate.high
}

describe('two strategies that are compared', () => {
  test('differ by what was planted: intervals hold it and leave 0 out', () => {
    const { a, b, difference } = compared({ saves: { a: 0.8, b: 0.5 }, accuracy: { a: 0.5, b: 0.8 }, seed: 7 })
    expect([a.strategy, b.strategy]).toEqual(['top-n', 'threshold'])
    expect([includes(a.coverage, 0.8), includes(b.coverage, 0.5)]).toEqual([true, true])
    expect([includes(a.accuracy, 0.5), includes(b.accuracy, 0.8)]).toEqual([true, true])
    expect([includes(difference.coverage, -0.3), includes(difference.coverage, 0)]).toEqual([true, false])
    expect([includes(difference.accuracy, 0.3), includes(difference.accuracy, 0)]).toEqual([true, false])
    // Two warms an update, and of the 2.5 reads that would miss, four fifths are saved.
    expect(includes(a.warmsPerUpdate, 2)).toBe(true)
    expect(includes(a.l2ReadsPerSavedMiss, 2 / (0.5 * READS * 0.8))).toBe(true)
    expect(a.l2ReadsPerSavedMiss?.high).toBeLessThan(2)
  })

  test('do not differ where both are the same: 0 lies within, in 95 of 100 cases', () => {
    const runs = Array.from({ length: 200 }, (_, n) => compared({ saves: { a: 0.6, b: 0.6 }, seed: 1_000 + n }))
    const share = (holds: (run: StrategyComparison) => boolean) => runs.filter(holds).length / runs.length
    const shares = [
      share(({ difference }) => includes(difference.coverage, 0)),
      share(({ difference }) => includes(difference.accuracy, 0)),
      share(({ a }) => includes(a.coverage, 0.6)),
      share(({ b }) => includes(b.accuracy, 0.8)),
    ]
    for (const each of shares) expect(each).toBeGreaterThanOrEqual(0.92)
    for (const each of shares) expect(each).toBeLessThanOrEqual(1)
  })

  test('have an unbounded cost where a strategy may save nothing, and none where it saves nothing', () => {
    const { a, b } = compared({ saves: { a: 0.03, b: -0.4 }, seed: 3 })
    expect([a.l2ReadsPerSavedMiss?.high, b.l2ReadsPerSavedMiss]).toEqual([Number.POSITIVE_INFINITY, undefined])
    expect(b.coverage?.high).toBeLessThan(0)
  })

  test('have no figures before there is enough to compare, and there are none with one strategy', () => {
    const table = new PairTable({ maxPairs: 10 })
    const arms = new Arms(table, 0.5)
    const comparison = new Comparison(arms)
    const sources = { usage: { warmsByCell: [] }, promotions: { loadedByCell: [] } }
    comparison.warmed.settled(table.register('ethereum', 'A'), 3, 1)
    const nothing = { accuracy: undefined, coverage: undefined }
    expect(comparison.figures(sources)).toMatchObject({ a: nothing, b: nothing, difference: nothing })
    arms.share = 0
    expect(comparison.figures(sources)).toBeUndefined()
  })

  test('begin anew: what was counted before belongs to other strategies', () => {
    const table = new PairTable({ maxPairs: 10 })
    const comparison = new Comparison(new Arms(table, 1))
    const warmsByCell = Array.from({ length: CELLS }, () => ({ admitted: 9, used: 9, unused: 0, dropped: 0 }))
    const sources = { usage: { warmsByCell }, promotions: { loadedByCell: [] } }
    comparison.warmed.settled(table.register('ethereum', 'A'), 3, 1)
    comparison.restart({ subject: 'others', names: { a: 'top-n', b: 'forewarm' } }, sources)
    expect(comparison.figures(sources)?.b).toMatchObject({
      ...{ strategy: 'forewarm', updates: { control: 0, warmed: 0 }, accuracy: undefined },
    })
  })
})
