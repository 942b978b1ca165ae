import { describe, expect, test } from '@jest/globals'
import { contest, ratioOf } from '../../../bench/harness/contest.ts'
import type { Stage } from '../../../bench/stages/stage.ts'

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

  test('measures once in each round what several cases share, and leaves the first round out', async () => {
    globalThis.gc ??= async () => undefined
    const measured: string[] = []
    const measure =
      (name: string, ...values: number[]) =>
      (): number => {
        measured.push(name)
        return values.shift() ?? Number.NaN
      }
    const ours = measure('ours', 1, 60, 80)
    const ratios = await contest({ runs: 5 } as Stage, {
      ...{ unit: 'updates/s', better: 'higher', rounds: 2 },
      ...{ anchor: 'slow', measureAnchor: measure('slow', 1, 10, 40) },
      ours: { plain: ours },
      others: { 'against fast': { anchor: 'fast', measureAnchor: measure('fast', 1, 60, 160), ours } },
    })
    expect(measured).toEqual(Array.from({ length: 3 }, () => ['slow', 'fast', 'ours']).flat())
    expect(ratios).toMatchObject([
      { case: 'plain', anchor: 'slow', ratio: 4, ratioMin: 2, ratioMax: 6, runs: 2 },
      { case: 'against fast', anchor: 'fast', ours: 70, ratio: 0.75, ratioMin: 0.5, ratioMax: 1, runs: 2 },
    ])
  })
})
