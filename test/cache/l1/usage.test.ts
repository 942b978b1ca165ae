import { expect, test } from '@jest/globals'
import {
  CELLS,
  cellOfCode,
  GROUPS,
  indexOfWarmKind,
  kindOfCode,
  WARM_KINDS,
  WarmTally,
  warmCode,
} from '../../../src/cache/l1/usage.ts'

test('a warm counts in the total and in its kind', () => {
  const tally = new WarmTally()
  tally.count(1, 'admitted')
  tally.count(1, 'used')
  tally.count(2, 'admitted')
  expect(tally.all).toEqual({ admitted: 2, used: 1, unused: 0, dropped: 0 })
  expect(tally.byKind[1]).toEqual({ admitted: 1, used: 1, unused: 0, dropped: 0 })
  expect(tally.byKind[0]).toEqual({ admitted: 0, used: 0, unused: 0, dropped: 0 })
})

test('a warm that a strategy chose also counts in the cell of its trigger, and others in none', () => {
  const tally = new WarmTally()
  tally.count(warmCode(indexOfWarmKind('correlation'), GROUPS + 3), 'used')
  tally.count(warmCode(indexOfWarmKind('manual'), GROUPS + 3), 'used')
  tally.count(indexOfWarmKind('schedule'), 'used')
  expect(tally.byCell.flatMap(({ used }, cell) => (used > 0 ? [[cell, used]] : []))).toEqual([[GROUPS + 3, 1]])
  const used = (kind: 'correlation' | 'manual') => tally.byKind[indexOfWarmKind(kind)]?.used
  expect([used('correlation'), used('manual')]).toEqual([1, 1])
})

test('the code of a warm holds kind and cell, and fits a byte', () => {
  for (const kind of WARM_KINDS.keys())
    for (let cell = 0; cell < CELLS; cell++) {
      const code = warmCode(kind, cell)
      expect(code).toBeLessThan(256)
      expect([kindOfCode(code), [undefined, cell].includes(cellOfCode(code))]).toEqual([kind, true])
    }
})
