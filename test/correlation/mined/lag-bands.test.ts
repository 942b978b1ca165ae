import { describe, expect, test } from '@jest/globals'
import { BANDS, chanceOf, lagMsOf, SLICE_WEIGHTS, zOf } from '../../../src/correlation/mined/lag-bands.ts'

/** The widths of the bands, in slices of 5 ms. */
const WIDTHS = [1, 1, 2, 4, 8, 14]

function answers(trials: number, rate: number, counts: readonly number[]) {
  return { trials, rate, counts: Float32Array.from([0, ...counts]), at: 1 }
}

describe('the lag bands', () => {
  test('give the likelihood ratio of a late band, chosen among four hypotheses, that is computed by hand', () => {
    const rate = 0.001
    const ratioAt = (answered: number) =>
      9 * Math.log1p(((answered / 14) * (1 - rate)) / rate) + (20 * 14 - 9) * Math.log1p(-answered / 14)
    const best = Math.max(...[0.02, 0.05, 0.1, 0.2, 0.4, 0.7].map(ratioAt)) - Math.log(4)
    expect(zOf(answers(20, rate, [0, 0, 0, 0, 0, 9]))).toBeCloseTo(Math.sqrt(2 * best), 6)
  })

  test('go by a late band only if it is sure: otherwise it takes no place from soon followers', () => {
    const zLate = (count: number) => zOf(answers(20, 0.001, [0, 0, 0, 0, 0, count]))
    const zSoon = (count: number) => zOf(answers(20, 0.001, [0, count, 0, 0, 0, 0]))
    expect(zLate(5)).toBeGreaterThan(4)
    expect([zLate(3) < zSoon(2), zLate(4) < zSoon(2)]).toEqual([true, true])
  })

  test('give the likelihood ratio of exponential lags, with a mean of 50 ms, that is computed by hand', () => {
    const rate = 0.001
    const counts = [6, 4, 3, 2, 1, 0]
    // The leader is put at a thousand places in its slice.
    const within = (slices: number): number => {
      let sum = 0
      for (let place = 0.0005; place < 1; place += 0.001) sum += slices === 0 ? 0 : 1 - Math.exp((place - slices) / 10)
      return sum / 1_000
    }
    const shares = WIDTHS.map((width, band) => {
      const start = WIDTHS.slice(0, band).reduce((sum, each) => sum + each, 0)
      return (within(start + width) - within(start)) / within(30) / width
    })
    const ratioAt = (answered: number) =>
      shares.reduce((sum, share, band) => {
        const count = counts[band] ?? 0
        const quiet = 20 * (WIDTHS[band] ?? 0) - count
        const answer = answered * share
        return sum + count * Math.log1p((answer * (1 - rate)) / rate) + quiet * Math.log1p(-answer)
      }, 0)
    const best = Math.max(...[0.02, 0.05, 0.1, 0.2, 0.4, 0.7].map(ratioAt))
    expect(zOf(answers(20, rate, counts))).toBeCloseTo(Math.sqrt(2 * best), 5)
  })

  test('give marks in the leader’s own slice half the weight: half of them came before the leader', () => {
    const [own = 0, next = 0, third = 0] = SLICE_WEIGHTS
    expect(own / next).toBeCloseTo(0.5, 1)
    expect(third / next).toBeCloseTo(Math.exp(-0.1), 2)
  })

  test('give 0 for a follower that comes as often by chance, or after no trials', () => {
    expect(
      zOf(
        answers(
          100,
          0.05,
          WIDTHS.map((width) => width * 5),
        ),
      ),
    ).toBe(0)
    expect(zOf(answers(0, 0, new Array<number>(BANDS).fill(0)))).toBe(0)
  })

  test('give the mean lag of the marks beyond chance', () => {
    // Beyond chance are 8 of 10 in the band of 20 to 40 ms, 4 of 8 in that of 40 to 80 ms, and none in the others.
    expect(lagMsOf(answers(10, 0.05, [0, 0, 0, 10, 8, 0]))).toBeCloseTo((8 * 30 + 4 * 60) / 12, 6)
    expect(lagMsOf(answers(10, 0.05, [0, 0, 0, 0, 0, 0]))).toBe(0)
  })

  test('give the chance of a mark in any of thirty slices', () => {
    expect(chanceOf(0.01)).toBeCloseTo(1 - 0.99 ** 30, 12)
    expect([chanceOf(0), chanceOf(1.2)]).toEqual([0, 1])
  })
})
