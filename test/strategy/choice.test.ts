import { describe, expect, test } from '@jest/globals'
import {
  chosenStrategy,
  countingLimits,
  fieldFaults,
  ownLimits,
  type StrategyChoice,
} from '../../src/strategy/choice.ts'
import { STRATEGY_LIMITS, STRATEGY_NAMES } from '../../src/strategy/named.ts'
import { type Candidate, type Strategy, topN } from '../../src/strategy/strategy.ts'

function choice(given: Partial<StrategyChoice>): StrategyChoice {
  const named = { strategy: 'forewarm' as const, strategyConfig: undefined, adaptiveEnabled: true, ...given }
  return { ...named, ...ownLimits(named), ...given }
}

const candidates: readonly Candidate[] = [0.9, 0.7, 0.5, 0.4, 0.35, 0.25].map((score, pairId) => ({
  pairId,
  score,
  lagMs: 9,
}))

/** A strategy of a user's own is asked in `test/warming/strategies`; here its limits are told. */
function chosen(given: Partial<StrategyChoice>): Strategy {
  return chosenStrategy(choice(given), ({ name }, { maxPairs, minScore }) => topN({ maxPairs, minScore }, name))
}

function selected(given: Partial<StrategyChoice>): number {
  return chosen(given).select(candidates).selected.length
}

describe('the chosen strategy', () => {
  test.each(STRATEGY_NAMES)('%s has the limits of its name without fields', (strategy) => {
    expect(countingLimits(choice({ strategy }))).toMatchObject(STRATEGY_LIMITS[strategy])
  })

  test('goes by its own fields', () => {
    expect(selected({ strategy: 'top-n', strategyConfig: { topN: 2 } })).toBe(2)
    expect(selected({ strategy: 'threshold', strategyConfig: { minScore: 0.5 } })).toBe(3)
    expect(selected({ strategy: 'adaptive', strategyConfig: { minPairs: 1, maxPairs: 1 } })).toBe(1)
  })

  test('goes by the stricter of its fields and the limits for all strategies', () => {
    expect(selected({ strategy: 'top-n', strategyConfig: { topN: 4 }, maxPairs: 2 })).toBe(2)
    expect(selected({ strategy: 'top-n', strategyConfig: { topN: 2 }, maxPairs: 4 })).toBe(2)
    expect(selected({ strategy: 'threshold', strategyConfig: { minScore: 0.2 }, minScore: 0.6 })).toBe(2)
  })

  test('of a user’s own has the limits that it says, or stricter ones that are set', () => {
    const own = { name: 'mine', select: () => ({ selected: [], reason: '' }) }
    const limitsOf = (given: Partial<StrategyChoice>) => countingLimits(choice(given))
    expect(limitsOf({ strategy: own })).toMatchObject({ maxPairs: 8, minScore: 0.2 })
    const strategy = { ...own, maxPairs: 4, minScore: 0.5 }
    expect(limitsOf({ strategy })).toMatchObject({ maxPairs: 4, minScore: 0.5 })
    expect(limitsOf({ strategy, maxPairs: 2, minScore: 0.1 })).toMatchObject({ maxPairs: 2, minScore: 0.5 })
    expect(limitsOf({ strategy, maxPairs: 9, minScore: 0.7 })).toMatchObject({ maxPairs: 4, minScore: 0.7 })
    expect([chosen({ strategy }).name, selected({ strategy })]).toEqual(['mine', 3])
  })

  test('is top-n with the limits of top-n where adaptive is switched off', () => {
    const given = {
      strategy: 'adaptive',
      strategyConfig: { minPairs: 1, maxPairs: 1 },
      adaptiveEnabled: false,
    } as const
    expect(chosen(given).name).toBe('top-n')
    expect(selected(given)).toBe(5)
  })
})

describe('the fields of a strategy', () => {
  test.each([
    ['top-n', { topN: 3, minScore: 0.3 }, []],
    ['top-n', { topn: 3 }, ['topn: 3; topN, minScore, for the strategy top-n']],
    [
      'top-n',
      { topN: 0, minScore: 'a' },
      ['topN: 0; topN: a whole number from 1 to 1000', 'minScore: "a"; minScore: a number from 0 to 1'],
    ],
    ['adaptive', { minPairs: 4, maxPairs: 3 }, ['minPairs: 4; minPairs: at most maxPairs, which is 3']],
    ['adaptive', { minPairs: 11 }, ['minPairs: 11; minPairs: at most maxPairs, which is 10']],
    ['conservative', { topN: 3 }, ['topN: 3; no field, for the strategy conservative']],
    ['forewarm', { constructor: 1 }, ['constructor: 1; maxPairs, minScore, for the strategy forewarm']],
  ] as const)('of %s are judged: %j', (strategy, fields, faults) => {
    expect(fieldFaults(strategy, fields).map(({ received, allowed }) => `${received}; ${allowed}`)).toEqual(faults)
  })
})
