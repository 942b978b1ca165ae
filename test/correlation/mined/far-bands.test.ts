import { describe, expect, test } from '@jest/globals'
import { FAR_BANDS, FAR_SUMS, lateOf, widthsWithin } from '../../../src/correlation/mined/far-bands.ts'

const WIDTHS = widthsWithin(1_000)

/** The late follower after `trials`; each band has its marks, trials with a mark, and the sum of the lags. */
function late(trials: number, rate: number, bands: readonly (readonly [count: number, hits: number, lags: number])[]) {
  const sums = new Float32Array(1 + FAR_BANDS * FAR_SUMS)
  for (const [band, each] of bands.entries()) sums.set(each, 1 + band * FAR_SUMS)
  return lateOf({ trials, rate, widths: WIDTHS, sums, at: 1 })
}

/** Sixty answers at 90 slices, in the band of 300 to 600 ms, and ten bystanders in each band. */
const ANSWERED = [
  [10, 10, 10 * 45],
  [70, 60, 60 * 90 + 10 * 90],
  [10, 10, 10 * 160],
] as const

describe('the late bands', () => {
  test('are as wide as the longest lag allows', () => {
    expect([150, 200, 300, 450, 1_000].map(widthsWithin)).toEqual([
      ...[
        [0, 0, 0],
        [10, 0, 0],
        [30, 0, 0],
        [30, 30, 0],
      ],
      [30, 60, 80],
    ])
  })

  test('give the likelihood ratio that is computed by hand', () => {
    // Twenty marks in 110 other slices after 100 trials are a base of 20 ÷ 11,000, more than the rate.
    const base = 20 / 11_000
    const ratioAt = (answered: number) =>
      70 * Math.log1p(((answered / 60) * (1 - base)) / base) + (6_000 - 70) * Math.log1p(-answered / 60)
    const best = Math.max(...[0.05, 0.1, 0.2, 0.4, 0.7].map(ratioAt)) - Math.log(300)
    const found = late(100, base / 2, ANSWERED)
    expect(found?.z).toBeCloseTo(Math.sqrt(2 * best), 6)
    expect(found).toMatchObject({ hits: 60, chance: 1 - (1 - base) ** 60 })
    // The lags of 10.9 bystanders, in the middle of the band, are left out.
    expect(found?.lagMs).toBeCloseTo(90 * 5, 6)
  })

  test('give the lag of the answers, not of bystanders', () => {
    const early = ANSWERED.map((band, at) => (at === 1 ? ([70, 60, 60 * 65 + 10 * 90] as const) : band))
    const bystanders = (6_000 * 20) / 11_000
    expect(late(100, 0.0001, early)?.lagMs).toBeCloseTo(
      (5 * (60 * 65 + 10 * 90 - bystanders * 90)) / (70 - bystanders),
      6,
    )
  })

  test.each([
    [60, 300],
    [119.9, 600],
  ])('give no lag beyond the band if all marks come at %d slices: %d ms', (slice, lagMs) => {
    const atEdge = ANSWERED.map((band, at) => (at === 1 ? ([70, 60, 70 * slice] as const) : band))
    expect(late(100, 0.0001, atEdge)?.lagMs).toBe(lagMs)
  })

  test('find no follower that comes as often in other bands, or as often by chance', () => {
    const inAll = WIDTHS.map((width) => [width * 2, 90, 0] as const)
    expect(late(100, 0.0001, inAll)).toBeUndefined()
    expect(late(100, 70 / 6_000, ANSWERED)).toBeUndefined()
  })

  test('find no follower with evidence that one of a hundred has by chance', () => {
    const once = (hits: number) =>
      late(20, 0.002, [
        [0, 0, 0],
        [hits, hits, hits * 90],
        [0, 0, 0],
      ])
    expect([once(8), once(12)].map((found) => found !== undefined)).toEqual([false, true])
  })
})
