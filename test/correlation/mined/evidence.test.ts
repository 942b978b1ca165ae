import { expect, test } from '@jest/globals'
import { Evidence } from '../../../src/correlation/mined/evidence.ts'
import { FAR_HITS, FAR_SUMS, widthsWithin } from '../../../src/correlation/mined/far-bands.ts'
import { chanceOf, zOf } from '../../../src/correlation/mined/lag-bands.ts'
import { finished } from '../../../src/correlation/mined/pieces.ts'
import { NEVER } from '../../../src/correlation/mined/update-log.ts'

const HOUR_SLICES = 720_000
const LEADER = 3
const MARK = 10

interface Stretch {
  readonly slice: number
  readonly trials: number
  /** So many of the trials were looked at for late followers. */
  readonly lateTrials?: number
  readonly rate: number
  /** Hits in the third band, 10 to 20 ms. */
  readonly hits: number
  /** Hits in the last late band. */
  readonly late?: number
  readonly mark?: number
}

function mined(
  evidence: Evidence,
  { slice, trials, lateTrials = 0, rate, hits, late = 0, mark = MARK }: Stretch,
): number {
  evidence.open(LEADER, slice)
  evidence.propose(mark)
  for (let candidate = 0; candidate < evidence.count; candidate++) {
    const isIt = evidence.markAt(candidate) === mark
    const { counts, at, lateAt } = evidence.countsOf(candidate)
    if (isIt) {
      counts[at + 2] = (counts[at + 2] ?? 0) + hits
      const band = lateAt + 2 * FAR_SUMS
      for (const [sum, more] of [late, late, late * 160].entries())
        counts[band + sum] = (counts[band + sum] ?? 0) + more
      expect(counts[band + FAR_HITS]).toBeGreaterThanOrEqual(late)
    }
    const lastSlice = isIt && hits + late > 0 ? slice : NEVER
    evidence.add(candidate, { trials, lateTrials, rate, hits: isIt ? hits : 0, lastSlice })
  }
  return evidence.close(LEADER, trials, slice)
}

function newEvidence(): Evidence {
  return new Evidence(10, widthsWithin(1_000))
}

test('evidence of two stretches, an hour apart, is that of the later one plus half of the other', () => {
  const evidence = newEvidence()
  mined(evidence, { slice: 0, trials: 40, rate: 0.02, hits: 30 })
  expect(mined(evidence, { slice: HOUR_SLICES, trials: 60, rate: 0.01, hits: 40 })).toBe(1)
  // A quarter of the 80 trials had twice the rate.
  const rate = 0.0125
  const chance = (20 * chanceOf(0.02) + 60 * chanceOf(0.01)) / 80
  const z = zOf({ trials: 80, rate, counts: Float32Array.from([0, 0, 55, 0, 0, 0]), at: 0 })
  const [edge] = evidence.row
  expect(edge).toMatchObject({ mark: MARK, hits: 55, trials: 80, lastSlice: HOUR_SLICES })
  expect(edge?.z).toBeCloseTo(z, 4)
  expect(edge?.lift).toBeCloseTo(55 / 80 / chance, 4)
  expect(edge?.lagMs).toBeCloseTo(15, 6)
})

test('a follower that does not come again keeps the slice in which it last came', () => {
  const evidence = newEvidence()
  mined(evidence, { slice: 100, trials: 40, rate: 0.001, hits: 30 })
  mined(evidence, { slice: 200, trials: 5, rate: 0.001, hits: 0 })
  expect(evidence.row[0]).toMatchObject({ hits: expect.closeTo(30, 1), lastSlice: 100 })
})

test('a follower counts as late if that is sure, and that it comes soon is not', () => {
  const late = (count: number, hits = 0) => {
    const evidence = newEvidence()
    mined(evidence, { slice: 0, trials: 80, lateTrials: 40, rate: 0.0005, hits, late: count })
    return evidence.row[0]
  }
  expect(late(30)).toMatchObject({ hits: 30, trials: 40, lagMs: expect.closeTo(800, 6) })
  expect(late(30)?.lift).toBeCloseTo(30 / (40 * (1 - 0.9995 ** 80)), 3)
  expect(late(30, 40)).toMatchObject({ hits: 40, trials: 80, lagMs: expect.closeTo(15, 6) })
  // The eleven late hits prove more than the four soon ones, but are not sure.
  expect(late(11, 4)).toMatchObject({ hits: 4, trials: 80, z: expect.closeTo(3.13, 2) })
})

test('a forgotten follower is no candidate, and a forgotten leader has no evidence', () => {
  const evidence = newEvidence()
  mined(evidence, { slice: 0, trials: 40, rate: 0.001, hits: 30 })
  mined(evidence, { slice: 0, trials: 40, rate: 0.001, hits: 30, mark: 12 })
  finished(evidence.forget((pairId) => pairId === MARK >> 1))
  evidence.open(LEADER, 0)
  expect([evidence.count, evidence.markAt(0)]).toEqual([1, 12])
  evidence.close(LEADER, 0, 0)
  finished(evidence.forget((pairId) => pairId === LEADER))
  evidence.open(LEADER, 0)
  expect(evidence.count).toBe(0)
})
