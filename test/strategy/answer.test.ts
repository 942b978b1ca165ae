import { expect, test } from '@jest/globals'
import { checkedAnswer } from '../../src/strategy/answer.ts'
import { isOwnStrategy, type OwnStrategy } from '../../src/strategy/own-strategy.ts'

const own: OwnStrategy = { name: 'mine', maxPairs: 2, select: () => ({ selected: [], reason: '' }) }
const asked = { own, isCandidate: (pair: string) => ['A', 'B', 'C'].includes(pair) }

test('an answer is taken with its pairs in their order, its reason and the next strategy', () => {
  const next = { ...own }
  const said = { selected: [{ pair: 'B' }, { pair: 'A', more: 1 }], reason: 'both', next }
  expect(checkedAnswer(said, asked)).toEqual({ pairs: ['B', 'A'], reason: 'both', next })
})

const chosen = (...pairs: readonly unknown[]) => ({ selected: pairs.map((pair) => ({ pair })), reason: '' })

test.each([
  [undefined, 'no-selection', 'returned nothing instead of { selected, reason }'],
  ['A', 'no-selection', 'returned "A" instead of { selected, reason }'],
  [['A'], 'no-selection', 'returned a list instead of { selected, reason }'],
  [{ selected: 'A', reason: '' }, 'no-selection', 'returned an object without a list as selected'],
  [{ selected: [], reason: 5 }, 'no-reason', 'gave 5 as its reason, which is no text'],
  [{ selected: ['A'], reason: '' }, 'not-a-candidate', 'selected "A", which is not among the candidates'],
  [chosen('D'), 'not-a-candidate', 'selected "D", which is not among the candidates'],
  [chosen(undefined), 'not-a-candidate', 'selected nothing, which is not among the candidates'],
  [chosen('A', 'A'), 'selected-twice', 'selected "A" twice'],
  [chosen('A', 'B', 'C'), 'too-many-pairs', 'selected 3 pairs; its own maxPairs is 2'],
  [{ ...chosen(), next: 'mine' }, 'bad-next', 'gave "mine" as next; expected { name, select }'],
  [{ ...chosen(), next: { ...own, name: 'other' } }, 'bad-next', 'gave a next with the name "other"'],
  [Promise.resolve(chosen('A')), 'promise', 'returned a promise'],
  // biome-ignore lint/suspicious/noThenProperty: a thenable is what the test is about
  [{ then: () => undefined, ...chosen('A') }, 'promise', 'returned a promise'],
])('the answer %j is refused as %s, in words', (said, fault, detail) => {
  const answer = checkedAnswer(said, asked)
  expect(answer).toMatchObject({ fault, detail: expect.stringContaining(detail) })
})

test('a strategy that says no bound may select all candidates', () => {
  const { maxPairs: _, ...unbounded } = own
  expect(checkedAnswer(chosen('A', 'B', 'C'), { ...asked, own: unbounded })).toMatchObject({ pairs: ['A', 'B', 'C'] })
})

test.each([
  [own, true],
  [{ ...own, minScore: 0 }, true],
  [Object.create(own), true],
  [{ ...own, name: '' }, false],
  [{ ...own, name: 'x'.repeat(65) }, false],
  [{ ...own, name: 'two\nlines' }, false],
  [{ ...own, select: 'all' }, false],
  [{ ...own, maxPairs: 0 }, false],
  [{ ...own, maxPairs: 2.5 }, false],
  [{ ...own, minScore: Number.NaN }, false],
  [() => undefined, false],
  ['mine', false],
  [undefined, false],
])('whether %p is a strategy: %p', (value, is) => expect(isOwnStrategy(value)).toBe(is))
