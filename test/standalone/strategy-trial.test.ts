import { describe, expect, test } from '@jest/globals'
import type { OwnStrategy, StrategyContext, StrategySelection } from '../../index.ts'
import { expectStrategy, strategyFaults } from '../../testing.ts'

const all = ({ candidates: selected }: StrategyContext): StrategySelection => ({ selected, reason: 'all' })
const sound: OwnStrategy = { name: 'mine', select: all }

/** The kinds of faults of a strategy like `mine`, with one thing wrong. */
const faultsOf = (wrong: object) => strategyFaults({ ...sound, ...wrong }, { seed: 7 })
const selecting = (answer: (context: StrategyContext) => unknown) => faultsOf({ select: answer })

let calls = 0
let last = 0

describe('a trial of a strategy', () => {
  test('finds nothing in one that keeps its word', () => {
    expect(strategyFaults(sound)).toEqual([])
    const learned = (count: number): OwnStrategy => ({
      name: 'mine',
      select: (context) => ({ ...all(context), reason: `${count}`, next: learned(count + 1) }),
    })
    expectStrategy(learned(0))
  })

  test.each<[string, () => readonly string[]]>([
    [
      'mine threw "Cannot read properties of undefined',
      () => selecting(({ candidates }) => candidates[0]?.pair.at(99)?.at(0) ?? ({} as { a: { b: 1 } }).a.b),
    ],
    ['mine returned nothing instead of { selected, reason }', () => selecting(() => undefined)],
    ['mine returned a promise: ', () => selecting(async (context) => all(context))],
    ['mine gave 5 as its reason, which is no text', () => selecting((context) => ({ ...all(context), reason: 5 }))],
    ['mine gave no reason', () => selecting((context) => ({ ...all(context), reason: '' }))],
    [
      'mine selected "P9999", which is not among the candidates',
      () => selecting(({ candidates: [first] }) => ({ selected: [{ ...first, pair: 'P9999' }], reason: 'x' })),
    ],
    [
      'mine selected "P0/USDC" twice',
      () => selecting(({ candidates }) => ({ selected: [...candidates, ...candidates], reason: 'x' })),
    ],
    ['pairs; its own maxPairs is 8', () => faultsOf({ maxPairs: 8 })],
    [
      'mine gave a next with the name "other"',
      () => selecting((context) => ({ ...all(context), next: { ...sound, name: 'other' } })),
    ],
    [
      'mine changes the context that it is given',
      () =>
        selecting((context) => {
          const candidates = context.candidates as StrategyContext['candidates'][number][]
          candidates.sort((a, b) => a.lagMs - b.lagMs)
          return all(context)
        }),
    ],
    [
      'for the same context',
      () => selecting((context) => (++calls % 10 === 0 ? { selected: [], reason: 'a rest' } : all(context))),
    ],
    [
      'mine gives two reasons for the same context',
      () => selecting((context) => ({ ...all(context), reason: `call ${++calls}` })),
    ],
    [
      'for the same context',
      () =>
        selecting((context) => {
          const selected = context.candidates.filter(() => context.eventTimeMs > last)
          last = context.eventTimeMs
          return { selected, reason: 'x' }
        }),
    ],
  ])('says in a sentence: %s', (sentence, tryIt) => {
    const faults = tryIt()
    expect(faults.join('\n')).toContain(sentence)
    for (const fault of faults) expect(fault).toMatch(/^mine .*\(seed 7, context \d+, with \d+ candidates\)$/)
    expect(faults.length).toBeLessThanOrEqual(2)
  })

  test('says what a strategy is, where there is none', () => {
    expect(faultsOf({ name: '' })).toEqual([
      expect.stringContaining('expected { name, select }, with a name of 1 to 64'),
    ])
  })

  test('throws all sentences where one expects a sound strategy', () => {
    expect(() => expectStrategy({ ...sound, maxPairs: 1 }, { seed: 7 })).toThrow(/^mine selected \d+ pairs; its own/)
  })

  test('makes the same contexts from the same seed, and others from another', () => {
    const seen = (seed: number) => {
      const contexts: string[] = []
      const select = (context: StrategyContext) => {
        contexts.push(JSON.stringify(context))
        return all(context)
      }
      strategyFaults({ ...sound, select }, { seed, contexts: 12 })
      return contexts
    }
    expect(seen(1)).toEqual(seen(1))
    expect(seen(1)).toHaveLength(24)
    expect(seen(1)).not.toEqual(seen(2))
  })
})
