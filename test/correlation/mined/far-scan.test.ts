import { describe, expect, test } from '@jest/globals'
import { FAR_BANDS, FAR_SUMS, widthsWithin } from '../../../src/correlation/mined/far-bands.ts'
import { FAR_SHORTLIST, FarScan } from '../../../src/correlation/mined/far-scan.ts'
import { WEIGHT_ONE } from '../../../src/correlation/mined/lag-bands.ts'
import { LogWindow } from '../../../src/correlation/mined/log-window.ts'
import { finished } from '../../../src/correlation/mined/pieces.ts'
import { entryOf, NEVER } from '../../../src/correlation/mined/update-log.ts'
import { mulberry32 } from '../../harness/mulberry32.ts'

const SEED = 17
const WIDTHS = widthsWithin(1_000)
/** The late bands in slices, from inclusive to exclusive. */
const BANDS = [
  [30, 60],
  [60, 120],
  [120, 200],
] as const

function windowOf(entries: readonly (readonly [pairId: number, slice: number])[]): LogWindow {
  const sorted = entries.toSorted(([, a], [, b]) => a - b)
  const columns = {
    marks: Int32Array.from(sorted, ([pairId]) => entryOf(pairId * 2, 0)),
    slices: Int32Array.from(sorted, ([, slice]) => slice),
  }
  return finished(LogWindow.of({ chainId: 0, count: sorted.length, ...columns }, () => true))
}

/** Pairs come at random, some of them seldom, and all at once in two bursts. */
function randomWindow(slices: number, perSlice: number): LogWindow {
  const random = mulberry32(SEED)
  const entries = Array.from(
    { length: slices * perSlice },
    () => [Math.floor(random() ** 2 * 40), Math.floor(random() * slices)] as const,
  )
  const bursts = [300, 1_100].flatMap((slice) => Array.from({ length: 40 }, (_, pair) => [pair, slice] as const))
  return windowOf([...new Map([...entries, ...bursts].map((entry) => [String(entry), entry])).values()])
}

/** The sums of a member after the trials, straight from their definition. */
function counted(window: LogWindow, member: number, trials: readonly number[]): readonly number[] {
  const sums = new Array<number>(FAR_BANDS * FAR_SUMS).fill(0)
  const own = [...window.occurrences.subarray(window.firsts[member], window.firsts[member + 1])]
  for (const trial of trials)
    for (const [band, [start, end]] of BANDS.entries()) {
      const lags = own
        .map((s) => ({
          lag: (window.slices[s] ?? 0) - (window.slices[trial] ?? 0),
          weight: (window.weights[s] ?? 0) / WEIGHT_ONE,
        }))
        .filter(({ lag }) => lag >= start && lag < end)
      const more = [
        lags.reduce((sum, { weight }) => sum + weight, 0),
        Number(lags.length > 0),
        lags.reduce((sum, { lag, weight }) => sum + lag * weight, 0),
      ]
      for (const [at, each] of more.entries()) sums[band * FAR_SUMS + at] = (sums[band * FAR_SUMS + at] ?? 0) + each
    }
  return sums
}

describe(`a late follower (seed ${SEED})`, () => {
  test('is counted as by hand, and counts less in bursts', () => {
    const window = randomWindow(2_000, 2)
    const scan = new FarScan(WIDTHS)
    scan.use(window)
    const leader = 5
    const slices = window.occurrences.slice(window.firsts[leader], window.firsts[leader + 1])
    // Sums that one leader leaves behind would count for the next one.
    scan.scan(7, { slices: Int32Array.from({ length: 50 }, (_, s) => s), count: 50 })
    scan.scan(leader, { slices, count: slices.length })
    expect(scan.trialCount).toBe(slices.length)
    const scores = Array.from(window.members, (_, member) => {
      const sums = new Float32Array(FAR_BANDS * FAR_SUMS)
      const last = scan.count(member, { slices, count: slices.length }, { sums, at: 0 })
      const lastOfAll = [...slices].findLast((trial) => counted(window, member, [trial]).some((sum) => sum > 0))
      expect(last).toBe(lastOfAll === undefined ? NEVER : window.slices[lastOfAll])
      const byHand = counted(window, member, [...slices])
      for (const [at, sum] of byHand.entries()) expect(sums[at]).toBeCloseTo(sum, 1)
      const excesses = WIDTHS.map((width, band) => {
        const expected = slices.length * width * (window.rates[member] ?? 0)
        const excess = Math.max(0, (byHand[band * FAR_SUMS] ?? 0) - expected)
        return excess ** 2 / (expected + 1)
      })
      return { member, score: member === leader ? 0 : Math.max(...excesses) }
    })
    const best = scores.toSorted((a, b) => b.score - a.score).slice(0, FAR_SHORTLIST)
    expect([...scan.shortlist.members]).toEqual(best.map(({ member }) => member))
  })

  test.each([
    // Each trial takes 170 slices of so many entries: 65,536 entries are enough for 8 trials, or are not.
    [40, true],
    [60, false],
  ])('is looked for if each slice has %d entries: %s', (perSlice, isLookedFor) => {
    const window = windowOf(
      Array.from({ length: 400 }, (_, slice) =>
        Array.from({ length: perSlice }, (_, pair) => [pair, slice] as const),
      ).flat(),
    )
    const scan = new FarScan(WIDTHS)
    scan.use(window)
    scan.scan(0, { slices: Int32Array.from({ length: 200 }, (_, s) => s), count: 200 })
    expect(scan.trialCount >= 8).toBe(isLookedFor)
    expect(scan.trialCount > 0).toBe(isLookedFor)
  })
})
