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

test('the pair that moved lately comes first among equally likely ones', () => {
  expect(chosen([0.5, 600_000], [0.5, 1_000])).toEqual([1, 0])
})

test('a much likelier pair comes first, although it did not move', () => {
  expect(chosen([0.95, 600_000], [0.35, 1_000])).toEqual([0, 1])
})

test('a pair that moved is not warmed if it is not likely enough', () => {
  expect(chosen([0.29, 0])).toEqual([])
})

test('likelihood alone counts if the last move is not known', () => {
  expect(chosen([0.4, undefined], [0.6, undefined])).toEqual([1, 0])
})

test('recency has a third of the weight, and halves in a minute', () => {
  // Two thirds of .6 and a third of a half: .5667.
  expect(chosen([0.6, 60_000], [0.56, undefined], [0.57, undefined])).toEqual([2, 0])
})
