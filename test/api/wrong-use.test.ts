import { expect, test } from '@jest/globals'
import {
  adaptive,
  type Cache,
  createCache,
  createNode,
  createWarming,
  type JsonCache,
  type OwnStrategy,
  type StrategyContext,
  type StrategySelection,
  topN,
} from '../../index.ts'
import { strategyFaults } from '../../testing.ts'

const all = ({ candidates: selected }: StrategyContext): StrategySelection => ({ selected, reason: 'all' })

/** Each line is refused by `npm run types`, which also refuses a remark without an error below it. Never called. */
function wrongStrategies(cache: Cache): void {
  // @ts-expect-error a strategy is not awaited
  createWarming(cache, { strategy: { name: 'mine', select: async (context) => all(context) } })
  // @ts-expect-error a selection has its reason
  createWarming(cache, { strategy: { name: 'mine', select: ({ candidates: selected }) => ({ selected }) } })
  // @ts-expect-error pairs are selected as candidates, not by their names
  createWarming(cache, { strategy: { name: 'mine', select: () => ({ selected: ['A'], reason: '' }) } })
  // @ts-expect-error a strategy has a name
  createWarming(cache, { strategy: { select: all } })
  // @ts-expect-error no strategy is called so
  createWarming(cache, { strategy: 'best' })
  // @ts-expect-error a node takes strategies of the same form
  void createNode({ strategy: { name: 'mine', select: () => undefined } })
  // @ts-expect-error a setting does so, too
  void createNode({ config: { warming: { strategyB: { name: 'mine', select: () => 'A' } } } })
  // @ts-expect-error the best so many, and not at most so many
  topN({ maxPairs: 3 })
  // @ts-expect-error a misspelt field
  adaptive({ targetHitrate: 0.9 })
  // @ts-expect-error a trial makes its own contexts
  strategyFaults(topN(), { contexts: [] })
  const sorting: OwnStrategy = {
    name: 'sorting',
    select: ({ candidates }) => ({
      // @ts-expect-error the context is not to be changed: toSorted
      selected: candidates.sort((a, b) => a.lagMs - b.lagMs),
      reason: 'the soonest',
    }),
  }
  createWarming(cache, { strategy: sorting })
}

interface Book {
  readonly levels: readonly { readonly bid: number; readonly note?: string | undefined }[]
}

/** As above. */
async function wrongValues(books: JsonCache<Book>, dates: JsonCache<{ readonly at: Date }>): Promise<void> {
  books.set('X', { levels: [{ bid: 1 }] })
  // @ts-expect-error a value of another type
  books.set('X', { levels: [{ bid: '1' }] })
  // @ts-expect-error JSON gives back a text for a Date
  dates.set('X', { at: new Date(0) })
  const bigints = await createCache<bigint>({ usePriceMatrix: false })
  // @ts-expect-error JSON has no bigint
  bigints.set('X', 1n)
  const maps = await createCache<Map<string, number>>({ usePriceMatrix: false })
  // @ts-expect-error a map would be an empty object
  maps.set('X', new Map())
  const functions = await createCache<{ f(): void }>({ usePriceMatrix: false })
  // @ts-expect-error functions are left out
  functions.set('X', { f: () => undefined })
  const anything = await createCache({ usePriceMatrix: false })
  // @ts-expect-error undefined in a list would be null
  anything.set('X', [undefined])
  // @ts-expect-error prices have no such bound
  await createCache({ maxValueBytes: 1_024 })
  // @ts-expect-error a value has no source, and no bound of how far it is behind
  books.get('X', { maxBehindMs: 1 })
  createWarming(books)
}

test('a value that JSON does not give back is a compile error', () => expect(wrongValues).toBeInstanceOf(Function))

test('what is no strategy is a compile error', () => expect(wrongStrategies).toBeInstanceOf(Function))

test('the functions that take a strategy take one by name, as a value and of a user’s own', () => {
  const accepted: Parameters<typeof createWarming>[1][] = [
    { strategy: 'top-n' },
    { strategy: topN({ topN: 3 }) },
    { strategy: { name: 'mine', maxPairs: 2, select: all } },
  ]
  expect(accepted).toHaveLength(3)
})
