import { describe, expect, test } from '@jest/globals'
import type { Comparison } from '../../src/warming/arms/comparison.ts'
import { ControlGroup } from '../../src/warming/control-group.ts'
import { Measurement, type MeasurementSources } from '../../src/warming/measurement.ts'
import { mulberry32 } from '../harness/mulberry32.ts'

const T0 = 1_783_715_268_000

describe('the control group', () => {
  test.each([0, 0.02, 0.5])('holds a share of %d of the updates, whatever their pairs and times', (share) => {
    const control = new ControlGroup(share)
    let included = 0
    for (let pairId = 0; pairId < 200; pairId++)
      for (let i = 0; i < 500; i++) if (control.includes(pairId, T0 + i * 100)) included++
    expect(Math.abs(included / 100_000 - share)).toBeLessThan(0.003)
  })

  test('holds neither all updates of a pair nor all of a moment', () => {
    const control = new ControlGroup(0.5)
    const byPair = Array.from({ length: 200 }, (_, i) => control.includes(7, T0 + i)).filter(Boolean).length
    const byTime = Array.from({ length: 200 }, (_, i) => control.includes(i, T0)).filter(Boolean).length
    for (const included of [byPair, byTime]) expect(Math.abs(included - 100)).toBeLessThan(35)
  })

  test('gives the same answer each time', () => {
    const control = new ControlGroup(0.3)
    for (let i = 0; i < 100; i++) expect(control.includes(i, T0)).toBe(control.includes(i, T0))
  })
})

const IDLE: MeasurementSources = {
  usage: { warmCounts: { admitted: 0, used: 0, unused: 0, dropped: 0 }, pushedOut: { missed: 0, missedSoon: 0 } },
  promotions: { asked: 0, alreadyInL1: 0, late: 0, loaded: 0 },
}

/** Updates with eight reads each. Each group has its own hit probability; reads hit together or one by one. */
function measured(options: { updates: number; warmed: number; unwarmed: number; together?: boolean; seed?: number }) {
  const control = new ControlGroup(0.2)
  const measurement = new Measurement({ control })
  const random = mulberry32(options.seed ?? 1)
  for (let i = 0; i < options.updates; i++) {
    const update = { pairId: i % 50, eventTimeMs: T0 + i }
    const chance = control.includes(update.pairId, update.eventTimeMs) ? options.unwarmed : options.warmed
    const hits = options.together
      ? random() < chance
        ? 8
        : 0
      : Array.from({ length: 8 }, () => random() < chance).filter(Boolean).length
    measurement.settled(update, 8, hits)
  }
  return measurement
}

describe('the measured gain of warming', () => {
  test('is the difference between the groups, with its confidence interval', () => {
    const { hitRateImprovement, coverage, control, warmed } = measured({
      updates: 5_000,
      warmed: 0.9,
      unwarmed: 0.6,
    }).figures(IDLE)
    expect(hitRateImprovement?.points).toBeCloseTo(30, -0.5)
    expect([hitRateImprovement?.low, hitRateImprovement?.high].map((points) => Math.sign((points ?? 0) - 30))).toEqual([
      -1, 1,
    ])
    expect(coverage).toBeCloseTo(0.75, 1)
    expect(control.updates + warmed.updates).toBe(5_000)
  })

  test('lies in its interval in nineteen of twenty runs, even if the reads of an update hit or miss together', () => {
    for (const together of [true, false]) {
      const inside = Array.from({ length: 400 }, (_, seed) => {
        const run = measured({ updates: 600, warmed: 0.8, unwarmed: 0.6, together, seed }).figures(IDLE)
        const { low = 0, high = 0 } = run.hitRateImprovement ?? {}
        return low <= 20 && 20 <= high
      }).filter(Boolean).length
      expect(inside).toBeGreaterThan(364)
      expect(inside).toBeLessThan(396)
    }
  })

  test('lies in its interval even if there is hardly a miss', () => {
    const inside = Array.from({ length: 400 }, (_, seed) => {
      const run = measured({ updates: 300, warmed: 0.995, unwarmed: 0.98, together: true, seed }).figures(IDLE)
      const { low = 0, high = 0, points = 0 } = run.hitRateImprovement ?? {}
      expect([low <= points, points <= high, low >= -100, high <= 100]).toEqual([true, true, true, true])
      return low <= 1.5 && 1.5 <= high
    }).filter(Boolean).length
    expect(inside).toBeGreaterThan(370)
  })

  test('is undefined before both groups have thirty updates', () => {
    const { hitRateImprovement, coverage, l2ReadsPerSavedMiss } = measured({
      updates: 100,
      warmed: 1,
      unwarmed: 0,
    }).figures(IDLE)
    expect([hitRateImprovement, coverage, l2ReadsPerSavedMiss]).toEqual([undefined, undefined, undefined])
  })

  test('begins anew when the share of the control group changes, so that it does not tell of the times', () => {
    const control = new ControlGroup(0.02)
    let times = 0
    const comparison = { control: { settled() {} }, warmed: { settled() {} }, again: () => void times++ }
    const measurement = new Measurement({ control, comparison: comparison as unknown as Comparison })
    const random = mulberry32(1)
    const settle = (updates: number, chance: number) => {
      for (let i = 0; i < updates; i++)
        measurement.settled({ pairId: i % 50, eventTimeMs: T0 + i }, 1, random() < chance ? 1 : 0)
    }
    // Warming brings nothing, but the market is calm at first and lively later.
    settle(20_000, 0.9)
    control.share = 0.5
    settle(20_000, 0.5)
    const { hitRateImprovement, pollution } = measurement.figures({
      ...IDLE,
      usage: { ...IDLE.usage, pushedOut: { missed: 12_000, missedSoon: 0 } },
    })
    const { low = 1, high = -1 } = hitRateImprovement ?? {}
    expect([low < 0, high > 0]).toEqual([true, true])
    // All misses count since the start, as those of pairs that warms have evicted do.
    expect(pollution).toBeCloseTo(1, 1)
    expect(times).toBe(1)
  })

  test('comes with what warming cost', () => {
    const sources: MeasurementSources = {
      usage: {
        warmCounts: { admitted: 100, used: 60, unused: 20, dropped: 0 },
        pushedOut: { missed: 16, missedSoon: 0 },
      },
      promotions: { asked: 200, alreadyInL1: 50, late: 20, loaded: 120 },
    }
    const figures = measured({ updates: 1_000, warmed: 0.5, unwarmed: 0.5 }).figures(sources)
    expect(figures).toMatchObject({ accuracy: 0.75, timeliness: 0.75, redundancy: 0.25 })
    const misses = [figures.control, figures.warmed].map(({ reads, hitRatio = 0 }) => reads * (1 - hitRatio))
    expect(figures.pollution).toBeCloseTo(16 / misses.reduce((sum, each) => sum + each), 12)
  })

  test('has its cost in reads of L2 for each saved miss, which is undefined if none was saved', () => {
    const sources = (loaded: number): MeasurementSources => ({
      usage: { warmCounts: { admitted: 0, used: 0, unused: 0, dropped: 0 }, pushedOut: { missed: 0, missedSoon: 0 } },
      promotions: { asked: 2_000, alreadyInL1: 0, late: 0, loaded },
    })
    const { control, warmed, coverage, l2ReadsPerSavedMiss } = measured({
      ...{ updates: 1_000, warmed: 0.9, unwarmed: 0.5 },
    }).figures(sources(1_500))
    const missesUnwarmed = (1 - (control.hitRatio ?? 0)) * warmed.reads
    const saved = missesUnwarmed - (1 - (warmed.hitRatio ?? 0)) * warmed.reads
    expect(coverage).toBeCloseTo(saved / missesUnwarmed, 12)
    expect(l2ReadsPerSavedMiss).toBeCloseTo(1_500 / saved, 12)
    const worse = measured({ updates: 1_000, warmed: 0.5, unwarmed: 0.9 }).figures(sources(1_500))
    expect(worse.coverage).toBeLessThan(0)
    expect(worse.l2ReadsPerSavedMiss).toBeUndefined()
  })

  test('does not count updates whose detectors read nothing', () => {
    const measurement = new Measurement({ control: new ControlGroup(0.2) })
    measurement.settled({ pairId: 1, eventTimeMs: T0 }, 0, 0)
    expect(measurement.figures(IDLE)).toMatchObject({
      accuracy: undefined,
      warmed: { updates: 0, reads: 0, hitRatio: undefined },
    })
  })
})
