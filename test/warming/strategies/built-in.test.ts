import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { adaptive, aggressive, conservative, type OwnStrategy, threshold, timeBased, topN } from '../../../index.ts'
import { WarmTally } from '../../../src/cache/l1/usage.ts'
import { STRATEGY_LIMITS, type StrategyName, strategyNamed } from '../../../src/strategy/named.ts'
import { limitsOfOwn } from '../../../src/strategy/own-strategy.ts'
import type { Candidate, Strategy } from '../../../src/strategy/strategy.ts'
import { askedStrategy } from '../../../src/warming/strategies/asked-strategy.ts'
import { strategyFaults } from '../../../testing.ts'

const VALUES: readonly (readonly [StrategyName, OwnStrategy])[] = [
  ['top-n', topN()],
  ['threshold', threshold()],
  ['adaptive', adaptive()],
  ['time-based', timeBased()],
  ['conservative', conservative],
  ['aggressive', aggressive],
]
const sight = {
  pairName: (pairId: number) => `P${pairId}`,
  usage: { resident: 0, limit: 1, warmsByKind: new WarmTally().byKind },
  onRefused: ({ detail }: { readonly detail: string }) => expect(detail).toBe(''),
}
const candidates = fc.uniqueArray(
  fc.record({
    pairId: fc.nat(1_000),
    score: fc.double({ min: 0, max: 1, noNaN: true }),
    lagMs: fc.nat(1_000),
    movedAgoMs: fc.nat(100_000),
    kind: fc.constant('correlation' as const),
  }),
  { selector: ({ pairId }) => pairId },
)

/** The ids that the strategy and those after it select, with more and more warms that were read. */
function selections(strategy: Strategy, given: readonly (readonly Candidate[])[]): readonly (readonly number[])[] {
  let asked = strategy
  return given.map((each, at) => {
    const { selected, next = asked } = asked.select(each, { used: at * 60, unused: 0, hitRatio: 0.5 })
    asked = next
    return selected.map(({ pairId }) => pairId)
  })
}

describe.each(VALUES)('the strategy %s as a value', (name, value) => {
  test('has the name and the limits of the setting', () => {
    expect([value.name, limitsOfOwn(value)]).toEqual([name, STRATEGY_LIMITS[name]])
  })

  test('selects what it selects by its name, also where a strategy of a user passes the question on to it', () => {
    const passedOn = (to: OwnStrategy): OwnStrategy => ({
      ...{ name: 'mine', maxPairs: to.maxPairs, minScore: to.minScore },
      select: (context) => {
        const { next, ...rest } = to.select(context)
        return { ...rest, next: next && passedOn(next) }
      },
    })
    fc.assert(
      fc.property(fc.array(candidates), (given) => {
        const limits = { maxPairs: 1_000, minScore: 0 }
        const byName = selections(strategyNamed(name, STRATEGY_LIMITS[name]), given)
        expect(selections(askedStrategy(value, limits, sight), given)).toEqual(byName)
        expect(selections(askedStrategy(passedOn(value), limits, sight), given)).toEqual(byName)
      }),
    )
  })

  test('keeps within limits that are stricter than its own', () => {
    const given = [0.9, 0.8, 0.7].map((score, pairId) => ({ pairId, score, lagMs: 1 }))
    const [selected = []] = selections(askedStrategy(value, { maxPairs: 1, minScore: 0.8 }, sight), [given])
    expect(selected).toEqual([0])
  })

  test('has none of the faults that a strategy may have', () => expect(strategyFaults(value)).toEqual([]))
})

test('the values take the numbers that they are given', () => {
  expect(limitsOfOwn(topN({ topN: 3, minScore: 0.5 }))).toEqual({ maxPairs: 3, minScore: 0.5 })
  expect(limitsOfOwn(threshold({ maxPairs: 7 }))).toEqual({ maxPairs: 7, minScore: 0.3 })
  expect(limitsOfOwn(timeBased({ minScore: 0 }))).toEqual({ maxPairs: 5, minScore: 0 })
  expect(limitsOfOwn(adaptive({ maxPairs: 4, minPairs: 4 }))).toEqual({ maxPairs: 4, minScore: 0.3 })
})

test.each<[string, () => unknown]>([
  ['topN: expected topN: a whole number from 1 to 1000, got topN: 0', () => topN({ topN: 0 })],
  ['threshold: expected minScore: a number from 0 to 1, got minScore: 1.5', () => threshold({ minScore: 1.5 })],
  ['timeBased: there is no option minScor; did you mean minScore?', () => timeBased({ minScor: 1 } as never)],
  [
    'adaptive: expected minPairs: at most maxPairs, which is 2, got minPairs: 3',
    () => adaptive({ minPairs: 3, maxPairs: 2 }),
  ],
  ['topN: expected an object of options, got 3', () => topN(3 as never)],
])('%s', (message, make) => expect(make).toThrow(expect.objectContaining({ code: 'bad-value', message })))
