import { expect, test } from '@jest/globals'
import { PushedOut } from '../../../src/cache/l1/pushed-out.ts'

const [PAIR, OTHER] = [3, 4]
const HORIZON = 10

function counted(told: (pushedOut: PushedOut) => void): { readonly missed: number; readonly missedSoon: number } {
  const pushedOut = new PushedOut(5)
  told(pushedOut)
  return { missed: pushedOut.missed, missedSoon: pushedOut.missedSoon }
}

test('a miss on a pushed-out pair counts as soon within the horizon, and not after it', () => {
  const missedAt = (reads: number) =>
    counted((pushedOut) => {
      pushedOut.left(PAIR, 100)
      pushedOut.miss(PAIR, reads, HORIZON)
    })
  expect([missedAt(110), missedAt(111)]).toEqual([
    { missed: 1, missedSoon: 1 },
    { missed: 1, missedSoon: 0 },
  ])
})

test('only a pushed-out pair counts as missed, once, and not after it has come back', () => {
  const missed = counted((pushedOut) => {
    pushedOut.left(PAIR, 0)
    pushedOut.miss(OTHER, 1, HORIZON)
    pushedOut.miss(PAIR, 2, HORIZON)
    pushedOut.miss(PAIR, 3, HORIZON)
    pushedOut.left(OTHER, 4)
    pushedOut.back(OTHER)
    pushedOut.miss(OTHER, 5, HORIZON)
  })
  expect(missed).toEqual({ missed: 1, missedSoon: 1 })
})

test('the misses on pushed-out pairs are counted right beyond 2³² reads', () => {
  const missed = counted((pushedOut) => {
    pushedOut.left(PAIR, 2 ** 32 - 2)
    pushedOut.miss(PAIR, 2 ** 32 + 3, HORIZON)
    pushedOut.left(PAIR, 2 ** 32)
    pushedOut.miss(PAIR, 2 ** 32 + 30, HORIZON)
  })
  expect(missed).toEqual({ missed: 2, missedSoon: 1 })
})
