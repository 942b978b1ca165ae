import { describe, expect, test } from '@jest/globals'
import { ratioOf } from '../../../bench/harness/contest.ts'

const rounds = { case: 'case', unit: 'updates/s', anchor: 'anchor' } as const

describe('a contest', () => {
  test('compares each round with the anchor of the same round, and takes the median of the ratios', () => {
    const ratio = ratioOf({ ...rounds, better: 'higher', anchorValues: [100, 10, 50], values: [200, 30, 50] })
    expect(ratio).toEqual({
      kind: 'ratio',
      case: 'case',
      unit: 'updates/s',
      ours: 50,
      anchor: 'anchor',
      anchorValue: 50,
      ratio: 2,
      ratioMin: 1,
      ratioMax: 3,
      runs: 3,
    })
  })

  test('gives a ratio above 1 where ours is lower and lower is better', () => {
    expect(ratioOf({ ...rounds, better: 'lower', anchorValues: [30], values: [10] }).ratio).toBe(3)
  })

  test('takes the mean of the middle two of an even number of rounds', () => {
    expect(ratioOf({ ...rounds, better: 'higher', anchorValues: [1, 1], values: [1, 2] }).ratio).toBe(1.5)
  })
})
