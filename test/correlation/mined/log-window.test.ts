import { expect, test } from '@jest/globals'
import { SCAN_SLICES, SLICE_WEIGHTS } from '../../../src/correlation/mined/lag-bands.ts'
import { LogWindow } from '../../../src/correlation/mined/log-window.ts'
import { finished } from '../../../src/correlation/mined/pieces.ts'
import { entryOf } from '../../../src/correlation/mined/update-log.ts'

test('a pair’s reads count once a slice', () => {
  const marks = Int32Array.of(entryOf(3, 1), entryOf(4, 1), entryOf(3, 2), entryOf(3, 1))
  const entries = { chainId: 0, marks, slices: Int32Array.of(0, 0, 0, 1), count: 4 }
  const window = finished(LogWindow.of(entries, () => true))
  expect([...window.members]).toEqual([3, 4])
  expect([...window.firsts]).toEqual([0, 2, 3])
  expect([...window.slices.subarray(0, window.sliceCount)]).toEqual([0, 1])
})

test('mean and variance of a member are those of trials at all places', () => {
  const at = [0, 3, 50]
  const pairs = [...at.map((slice) => [2, slice] as const), [4, 20] as const].toSorted(([, a], [, b]) => a - b)
  const entries = {
    ...{ chainId: 0, count: pairs.length },
    marks: Int32Array.from(pairs, ([mark]) => entryOf(mark, 0)),
    slices: Int32Array.from(pairs, ([, slice]) => slice),
  }
  const window = finished(LogWindow.of(entries, () => true))
  const places = Array.from({ length: 51 + SCAN_SLICES }, (_, place) => place - SCAN_SLICES + 1)
  const sums = places.map((place) => at.reduce((sum, slice) => sum + (SLICE_WEIGHTS[slice - place] ?? 0), 0))
  const mean = sums.reduce((total, sum) => total + sum, 0) / 51
  const square = sums.reduce((total, sum) => total + sum * sum, 0) / 51
  expect([window.members[0], window.rates[0]]).toEqual([2, 3 / 51])
  expect(window.means[0]).toBeCloseTo(mean, 6)
  expect(window.variances[0]).toBeCloseTo(square - mean * mean, 4)
})
