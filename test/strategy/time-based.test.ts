import { expect, test } from '@jest/globals'
import { timeBased } from '../../src/strategy/time-based.ts'

const strategy = timeBased({ maxPairs: 2, minScore: 0.3 })
const chosen = (...candidates: readonly (readonly [score: number, movedAgoMs: number | undefined])[]) =>
  strategy
    .select(
      candidates.map(([score, movedAgoMs], pairId) => ({
        pairId,
        score,
        lagMs: 50,
        ...(movedAgoMs !== undefined && { movedAgoMs }),
      })),
    )
    .selected.map(({ pairId }) => pairId)

test('of pairs as likely the one that moved lately comes first', () => {
  expect(chosen([0.5, 600_000], [0.5, 1_000])).toEqual([1, 0])
})

test('what is much likelier comes first although it did not move', () => {
  expect(chosen([0.95, 600_000], [0.35, 1_000])).toEqual([0, 1])
})

test('what moved is not warmed where it is not likely enough', () => {
  expect(chosen([0.29, 0])).toEqual([])
})

test('where nothing is known of the last move, likelihood alone counts', () => {
  expect(chosen([0.4, undefined], [0.6, undefined])).toEqual([1, 0])
})

test('a third of the weight is of how lately it moved, half as much after a minute', () => {
  // Two thirds of .6 and a third of a half: .5667.
  expect(chosen([0.6, 60_000], [0.56, undefined], [0.57, undefined])).toEqual([2, 0])
})
