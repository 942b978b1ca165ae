import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { STRATEGY_NAMES, strategyNamed } from '../../src/strategy/named.ts'
import { type Candidate, threshold, topN } from '../../src/strategy/strategy.ts'

const candidates: readonly Candidate[] = [0.25, 0.9, 0.3, 0.1, 0.6].map((score, pairId) => ({
  pairId,
  score,
  lagMs: 50,
}))

function scores(selected: readonly Candidate[]): number[] {
  return selected.map(({ score }) => score)
}

describe('top-n', () => {
  test('takes the best few of the candidates that are likely enough, best first', () => {
    const strategy = topN({ maxPairs: 2, minScore: 0.3 })
    expect(strategy.name).toBe('top-n')
    expect(scores(strategy.select(candidates).selected)).toEqual([0.9, 0.6])
    expect(scores(topN({ maxPairs: 5, minScore: 0.3 }).select(candidates).selected)).toEqual([0.9, 0.6, 0.3])
  })

  test('gives a reason with its limits', () => {
    expect(topN({ maxPairs: 2, minScore: 0.3 }).select([]).reason).toBe(
      'the 2 likeliest of those read after at least 30 % of updates',
    )
  })
})

describe('threshold', () => {
  test('takes all candidates that are likely enough, up to its limit, best first', () => {
    expect(scores(threshold({ minScore: 0.25, maxPairs: 10 }).select(candidates).selected)).toEqual([
      ...[0.9, 0.6, 0.3, 0.25],
    ])
    expect(scores(threshold({ minScore: 0.25, maxPairs: 3 }).select(candidates).selected)).toEqual([0.9, 0.6, 0.3])
  })

  test('gives a reason with its limits', () => {
    expect(threshold({ minScore: 0.2, maxPairs: 8 }).select([]).reason).toBe('read after at least 20 % of updates')
  })
})

describe('the strategy', () => {
  test.each(STRATEGY_NAMES)('%s has its name and chooses among the given candidates, best first', (name) => {
    const strategy = strategyNamed(name, { maxPairs: 2, minScore: 0.5 })
    expect(strategy.name).toBe(name)
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (given) => {
        const from = given.map((score, pairId) => ({ pairId, score, lagMs: 1 }))
        const before = [...from]
        const { selected } = strategy.select(from)
        expect(from).toEqual(before)
        expect(selected.every((candidate) => from.includes(candidate))).toBe(true)
        expect(scores(selected)).toEqual(scores(selected).toSorted((a, b) => b - a))
        expect(new Set(selected).size).toBe(selected.length)
      }),
    )
  })

  test.each(STRATEGY_NAMES)('%s is pure: earlier choices change nothing', (name) => {
    const strategy = strategyNamed(name, { maxPairs: 4, minScore: 0.07 })
    const evidence = fc.record({
      used: fc.nat(500),
      unused: fc.nat(500),
      hitRatio: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    const first = strategy.select(candidates)
    expect(first.reason).toMatch(/ 7 %/)
    fc.assert(
      fc.property(evidence, evidence, (some, other) => {
        const { selected, reason } = strategy.select(candidates, some)
        strategy.select(candidates, other)
        expect(strategy.select(candidates, some)).toMatchObject({ selected, reason })
        expect(strategy.select(candidates)).toEqual(first)
      }),
    )
  })

  test('has the configured limits', () => {
    const limits = { maxPairs: 1, minScore: 0.28 }
    const chosen = STRATEGY_NAMES.map((name) => [name, scores(strategyNamed(name, limits).select(candidates).selected)])
    expect(Object.fromEntries(chosen)).toMatchObject({
      forewarm: [0.9],
      'top-n': [0.9],
      threshold: [0.9],
      conservative: [0.9],
      aggressive: [0.9],
    })
  })
})
