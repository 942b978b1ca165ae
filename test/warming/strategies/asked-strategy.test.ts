import { describe, expect, test } from '@jest/globals'
import { indexOfWarmKind, WarmTally } from '../../../src/cache/l1/usage.ts'
import type { OwnStrategy, StrategyContext, StrategySelection } from '../../../src/strategy/own-strategy.ts'
import type { Candidate } from '../../../src/strategy/strategy.ts'
import { askedStrategy, type StrategyRefusal } from '../../../src/warming/strategies/asked-strategy.ts'

const LIMITS = { maxPairs: 3, minScore: 0.3 }
const candidates: readonly Candidate[] = [
  { pairId: 4, score: 0.9, lagMs: 50, kind: 'correlation', movedAgoMs: 7, benefit: 0.5 },
  { pairId: 5, score: 0.6, lagMs: 20, kind: 'prediction', reason: 'updated 20 ms after' },
  { pairId: 6, score: 0.2, lagMs: 10 },
  { pairId: 7, score: 0.4, lagMs: 0 },
]

function asked(select: (context: StrategyContext) => unknown, given: Partial<OwnStrategy> = {}, limits = LIMITS) {
  const tally = new WarmTally()
  for (let warms = 0; warms < 4; warms++) tally.count(indexOfWarmKind('prediction'), warms === 0 ? 'used' : 'unused')
  const refusals: StrategyRefusal[] = []
  const own = { name: 'mine', select, ...given } as OwnStrategy
  const strategy = askedStrategy(own, limits, {
    pairName: (pairId) => `P${pairId}`,
    usage: { resident: 8, limit: 10, warmsByKind: tally.byKind },
    onRefused: (refusal) => refusals.push(refusal),
  })
  return { strategy, refusals }
}

const all = ({ candidates: selected }: StrategyContext): StrategySelection => ({ selected, reason: 'all' })
const idsOf = (selected: readonly Candidate[]) => selected.map(({ pairId }) => pairId)

describe('a strategy of a user', () => {
  test('sees the candidates by their names, and what a node knows of its cache and its warms', () => {
    const seen: StrategyContext[] = []
    const { strategy } = asked((context) => {
      seen.push(context)
      return all(context)
    })
    strategy.select(candidates, { used: 3, unused: 5, hitRatio: 0.25, eventTimeMs: 1_000 })
    expect(seen).toEqual([
      {
        candidates: [
          ...[{ pair: 'P4', correlationScore: 0.9, priority: 'high', estimatedBenefit: 0.5, lagMs: 50 }].map(
            (each) => ({
              ...each,
              ...{ kind: 'correlation', movedAgoMs: 7 },
            }),
          ),
          ...[
            { pair: 'P5', correlationScore: 0.6, priority: 'medium', estimatedBenefit: 0.6, lagMs: 20 },
            { pair: 'P7', correlationScore: 0.4, priority: 'medium', estimatedBenefit: 0.4, lagMs: 0 },
          ].map((each) => ({ ...each, kind: 'prediction', movedAgoMs: undefined })),
        ],
        maxPairs: 3,
        l1: { size: 8, capacity: 10 },
        hitRatio: 0.25,
        accuracyByKind: { correlation: undefined, prediction: 0.25 },
        endedWarms: { used: 3, unused: 5 },
        eventTimeMs: 1_000,
      },
    ])
  })

  test('selects the candidates themselves, with what is known of each inside', () => {
    const { strategy, refusals } = asked(({ candidates: [, second] }) => ({ selected: [{ ...second }], reason: 'one' }))
    expect(strategy.select(candidates)).toEqual({ selected: [candidates[1]], reason: 'one' })
    expect([strategy.name, refusals]).toEqual(['mine', []])
  })

  test('warms no more pairs than the limit, and none that is less likely, whatever it selects', () => {
    expect(idsOf(asked(all, {}, { maxPairs: 2, minScore: 0.1 }).strategy.select(candidates).selected)).toEqual([4, 5])
    expect(idsOf(asked(all, { minScore: 0.5 }).strategy.select(candidates).selected)).toEqual([4, 5])
    expect(idsOf(asked(all, { minScore: 0.1 }).strategy.select(candidates).selected)).toEqual([4, 5, 7])
  })

  test('is not asked about nothing', () => {
    const { strategy, refusals } = asked(() => undefined)
    expect(strategy.select([candidates[2] as Candidate]).selected).toEqual([])
    expect(refusals).toEqual([])
  })

  test('has the reason cut that is too long for requests', () => {
    const { strategy } = asked((context) => ({ ...all(context), reason: 'x'.repeat(5_000) }))
    expect(strategy.select(candidates).reason).toHaveLength(200)
  })

  test('hands on what it has learned in the next strategy', () => {
    const learned = (count: number): ((context: StrategyContext) => StrategySelection) => {
      return ({ candidates: given }) => ({
        selected: given.slice(0, count),
        reason: `${count}`,
        next: { name: 'mine', select: learned(count + 1) },
      })
    }
    let { strategy } = asked(learned(1))
    const reasons = [1, 2, 3].map(() => {
      const { selected, reason, next = strategy } = strategy.select(candidates)
      strategy = next
      return [reason, selected.length]
    })
    expect(reasons).toEqual([
      ['1', 1],
      ['2', 2],
      ['3', 3],
    ])
  })

  test('selects nothing when it throws or answers wrongly, and each time its fault is told', () => {
    const wrong = [
      () => {
        throw new Error('a bug')
      },
      () => ({ selected: [{ pair: 'P9' }], reason: '' }),
      () => new Proxy({}, { get: () => fail() }),
    ]
    const told = wrong.map((select) => {
      const { strategy, refusals } = asked(select)
      expect(strategy.select(candidates)).toEqual({ selected: [], reason: '' })
      return refusals.map(({ strategy: name, fault, detail, error }) => [name, fault, detail, error instanceof Error])
    })
    expect(told).toEqual([
      [['mine', 'threw', 'threw "a bug"', true]],
      [['mine', 'not-a-candidate', 'selected "P9", which is not among the candidates', false]],
      [['mine', 'threw', 'threw "read"', true]],
    ])
  })

  test('is not awaited: a promise is refused, and its rejection goes nowhere', async () => {
    const rejections: unknown[] = []
    const listen = (reason: unknown) => rejections.push(reason)
    process.on('unhandledRejection', listen)
    const { strategy, refusals } = asked(async () => {
      throw new Error('late')
    })
    strategy.select(candidates)
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', listen)
    expect(refusals.map(({ fault }) => fault)).toEqual(['promise'])
    expect(rejections).toEqual([])
  })
})

function fail(): never {
  throw new Error('read')
}
