import { describe, expect, test } from '@jest/globals'
import {
  type BenchPair,
  bare,
  type Comparison,
  comparisonsOf,
  comparisonTable,
  intervalOf,
  type Sample,
  verdictOf,
} from '../../../bench/harness/comparison.ts'

/** Whose logarithms are these. */
function ratios(...logs: readonly number[]): readonly number[] {
  return logs.map(Math.exp)
}

function logsOf({ ratio, low, high }: ReturnType<typeof intervalOf>): readonly number[] {
  return [ratio, low, high].map((value) => Number(Math.log(value).toFixed(9)))
}

/** As many pairs of one case as there are values. */
function pairsOf(work: readonly Sample[], ref: readonly Sample[]): readonly BenchPair[] {
  return work.map((sample, at) => ({ work: new Map([['case', sample]]), ref: new Map([['case', ref[at] ?? {}]]) }))
}

function comparisonOf(work: readonly Sample[], ref: readonly Sample[], limit?: number): Comparison | undefined {
  return comparisonsOf('bench', pairsOf(work, ref), limit === undefined ? {} : { case: { limit } })[0]
}

function samples(values: readonly number[], rest: Sample = {}): readonly Sample[] {
  return values.map((value) => ({ unit: 'ops/s', value, ...rest }))
}

const SLOWER = [50, 51, 49, 50, 52, 48]
const FASTER = [100, 101, 99, 100, 102, 98]

describe('an interval of 95 %', () => {
  // Wilcoxon's critical values for 2.5 % at either end: 0 of 6 ranks, 2 of 7, 52 of 20.
  test.each([
    [6, 2.5, 0, 5],
    [7, 3, 1, 5],
    [20, 9.5, 6.5, 12.5],
  ])('of %i evenly spread ratios has the ends that the tables of signed ranks give', (count, middle, low, high) => {
    expect(logsOf(intervalOf(ratios(...Array(count).keys())))).toEqual([middle, low, high])
  })

  test('is turned around when the sides change places', () => {
    const logs = [0.3, -0.1, 0.2, 0.7, 0.1, -0.4, 0.5]
    const [middle = 0, low = 0, high = 0] = logsOf(intervalOf(ratios(...logs)))
    expect(logsOf(intervalOf(ratios(...logs.map((log) => -log))))).toEqual([-middle, -high, -low])
  })

  test('of equal ratios is this ratio', () => {
    expect(intervalOf(Array(8).fill(1))).toEqual({ ratio: 1, low: 1, high: 1 })
  })

  test('holds against two of twenty pairs that were disturbed', () => {
    const quiet = Array.from({ length: 18 }, (_, at) => 0.01 * (at % 5))
    const [middle = 0, low = 0, high = 0] = logsOf(intervalOf(ratios(...quiet, 3, 3)))
    expect([low, high].every((end) => end >= 0 && end <= 0.04)).toBe(true)
    expect(middle).toBeCloseTo(0.02, 2)
  })

  test('takes 0 and infinity, which cancel out', () => {
    expect(intervalOf([0, Number.POSITIVE_INFINITY, 1, 1, 1, 1])).toEqual({
      ratio: 1,
      low: 0,
      high: Number.POSITIVE_INFINITY,
    })
  })

  test('is refused for fewer than six ratios', () => {
    expect(() => intervalOf([1, 1, 1, 1, 1])).toThrow('expected 6 ratios or more, got 5')
  })
})

describe('a verdict', () => {
  test.each([
    [{ low: 0.8, high: 0.99 }, 'worse'],
    [{ low: 0.8, high: 1 }, 'same'],
    [{ low: 1, high: 1.2 }, 'same'],
    [{ low: 1.01, high: 1.2 }, 'better'],
    [{ low: null, high: null }, null],
  ] as const)('on %j is %s', (interval, verdict) => {
    expect(verdictOf(interval)).toBe(verdict)
  })
})

describe('a comparison', () => {
  test('of a rate is above 1 where the work tree has the higher one', () => {
    const row = comparisonOf(samples(FASTER, { better: 'higher' }), samples(SLOWER, { better: 'higher' }))
    expect(row).toMatchObject({ unit: 'ops/s', work: 100, ref: 50, ratio: 2, verdict: 'better', pairs: 6 })
  })

  test('of a time is below 1 where the work tree takes longer', () => {
    const row = comparisonOf(samples(FASTER, { better: 'lower' }), samples(SLOWER, { better: 'lower' }))
    expect(row).toMatchObject({ ratio: 0.5, verdict: 'worse' })
  })

  test('holds a value that has a limit to be better when low', () => {
    expect(comparisonOf(samples(SLOWER), samples(FASTER), 200)).toMatchObject({ ratio: 2, verdict: 'better' })
  })

  test('of a value that nothing limits is work tree ÷ REF, without a verdict', () => {
    expect(comparisonOf(samples(SLOWER), samples(FASTER))).toMatchObject({ ratio: 0.5, verdict: null })
  })

  test.each([
    [9_999_996, 'worse'],
    [10_000_003, 'better'],
  ])('of %i and 10,000,000 is told by ends that are not rounded', (value, verdict) => {
    const row = comparisonOf(
      samples(Array(6).fill(value), { better: 'higher' }),
      samples(Array(6).fill(10_000_000), { better: 'higher' }),
    )
    expect(row).toMatchObject({ low: 1, high: 1, verdict })
  })

  test('of equal values is 1, also where they are 0', () => {
    const none = samples(Array(6).fill(0))
    expect(comparisonOf(none, none, 0)).toMatchObject({ ratio: 1, low: 1, high: 1, verdict: 'same' })
  })

  test('of what REF does not have has no ratio', () => {
    const row = comparisonOf(samples(FASTER, { better: 'higher' }), [])
    expect(row).toMatchObject({ work: 100, ref: null, ratio: null, verdict: null })
  })

  test('gives the CPU seconds a ratio of their own, above 1 where the work tree takes less', () => {
    const row = comparisonOf(samples(FASTER, { cpuSeconds: 1 }), samples(FASTER, { cpuSeconds: 3 }))
    expect(row?.cpuSeconds).toEqual({ work: 1, ref: 3, ratio: 3, low: 3, high: 3 })
  })

  test('has the keys that the documentation names', () => {
    const keys = 'bench case unit work ref ratio low high cpuSeconds pairs verdict'.split(' ')
    expect(Object.keys(comparisonOf(samples(FASTER), samples(FASTER)) ?? {})).toEqual(keys)
  })
})

test('a table shows both sides, the interval, the verdict and the CPU seconds', () => {
  const work = samples(FASTER, { better: 'higher', cpuSeconds: 1.5 })
  const rows = comparisonsOf('bench', pairsOf(work, samples(SLOWER, { better: 'higher', cpuSeconds: 3 })), {})
  expect(comparisonTable('bench, 6 pairs', rows).split('\n')).toEqual([
    'bench, 6 pairs',
    '  case  unit   work tree  REF   ratio (95 %)          CPU s  REF  ratio (95 %)',
    '  case  ops/s        100   50  2 (1.96–2.04)  better    1.5    3       2 (2–2)',
    '',
  ])
})

describe('a file of a bench is as good as another', () => {
  test('after a move, a new comment and other white space', () => {
    const before = "import { a } from './a.ts'\n/** Old\n * words. */\nconst n = 5\nnew URL('./stage.ts')\n"
    const after =
      "import {\n  a,\n} from '../harness/a.ts'\n// New words.\nconst n =\n  5\nnew URL('../stages/stage.ts')\n"
    expect(bare(after)).toBe(bare(before))
  })

  test('but not where a number changes', () => {
    expect(bare('const n = 5')).not.toBe(bare('const n = 6'))
  })
})
