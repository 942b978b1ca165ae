import { expect, test } from '@jest/globals'
import { Freshness } from '../../../src/cache/freshness/freshness.ts'
import { FOLLOWS, NEVER, Sources } from '../../../src/cache/sources/sources.ts'

function stage(now = () => 100) {
  const sources = new Sources()
  const [here, elsewhere] = [sources.idOf('prices', 0), sources.idOf('prices', 1)]
  sources.follow(here)
  sources.raise(here, 60)
  sources.raise(elsewhere, 70)
  const asked: number[] = []
  const missed: number[] = []
  const foreign = {
    read: (pairId: number) => void asked.push(pairId),
    missed: (pairId: number) => void missed.push(pairId),
  }
  return { freshness: new Freshness({ sources, foreign, now }), here, elsewhere, asked, missed }
}

const origin = (source: number, asOfMs: number) => ({ source, asOfMs, epoch: Number.POSITIVE_INFINITY })

test('a value that follows its source is as far behind as that, and another one as it was when it was last the newest', () => {
  const { freshness, here, elsewhere } = stage()
  expect(freshness.read(1, origin(here, FOLLOWS))).toBe(40)
  expect(freshness.read(1, origin(elsewhere, FOLLOWS))).toBe(30)
  expect(freshness.read(1, origin(elsewhere, 25))).toBe(75)
  expect(freshness.read(1, origin(here, NEVER))).toBe(Infinity)
})

test('a read of a pair that is not followed here keeps the pair fresh, and that of a followed pair costs nothing', () => {
  const { freshness, here, elsewhere, asked } = stage()
  freshness.read(1, origin(here, FOLLOWS))
  freshness.read(2, origin(elsewhere, FOLLOWS))
  freshness.read(3, origin(here, 25))
  expect(asked).toEqual([2, 3])
})

test('a read of a value without a source counts as one that met none, so that a node of one follows no other', () => {
  const { freshness, asked, missed } = stage()
  freshness.read(4, origin(0, NEVER))
  expect([asked, missed]).toEqual([[], [4]])
})

test('a moment that lies ahead, by rounding, is no negative distance', () => {
  const { freshness, here } = stage()
  expect(freshness.read(1, origin(here, 100.001))).toBe(0)
})

test('reads are counted by who gets the updates, with the largest bound of the last ten to twenty seconds', () => {
  let nowMs = 100
  const { freshness, here, elsewhere } = stage(() => nowMs)
  freshness.read(1, origin(here, FOLLOWS))
  freshness.read(1, origin(here, 0))
  freshness.read(2, origin(elsewhere, FOLLOWS))
  freshness.read(2, origin(0, NEVER))
  expect([freshness.followed.reads, freshness.foreign.reads]).toEqual([2, 2])
  expect([freshness.largestMs('followed'), freshness.largestMs('foreign')]).toEqual([100, Infinity])
  nowMs += 10_000
  freshness.read(1, origin(here, nowMs - 7))
  expect(freshness.largestMs('followed')).toBe(100)
  nowMs += 10_000
  expect([freshness.largestMs('followed'), freshness.largestMs('foreign')]).toEqual([7, 0])
})
