import { expect, test } from '@jest/globals'
import { Freshness } from '../../../src/cache/freshness/freshness.ts'
import { FOLLOWS, NEVER, Sources } from '../../../src/cache/sources/sources.ts'

function stage() {
  const sources = new Sources()
  const [here, elsewhere] = [sources.idOf('prices', 0), sources.idOf('prices', 1)]
  sources.follow(here)
  sources.raise(here, 60)
  sources.raise(elsewhere, 70)
  const asked: number[] = []
  const foreign = { read: (pairId: number) => void asked.push(pairId) }
  return { freshness: new Freshness({ sources, foreign, now: () => 100 }), here, elsewhere, asked }
}

test('a value that follows its source is as far behind as that, and another one as it was when it was last the newest', () => {
  const { freshness, here, elsewhere } = stage()
  expect(freshness.read(1, { source: here, asOfMs: FOLLOWS })).toBe(40)
  expect(freshness.read(1, { source: elsewhere, asOfMs: FOLLOWS })).toBe(30)
  expect(freshness.read(1, { source: elsewhere, asOfMs: 25 })).toBe(75)
  expect(freshness.read(1, { source: here, asOfMs: NEVER })).toBe(Infinity)
})

test('a read of a pair that is not followed here keeps the pair fresh, and that of a followed pair costs nothing', () => {
  const { freshness, here, elsewhere, asked } = stage()
  freshness.read(1, { source: here, asOfMs: FOLLOWS })
  freshness.read(2, { source: elsewhere, asOfMs: FOLLOWS })
  freshness.read(3, { source: here, asOfMs: 25 })
  freshness.read(4, { source: 0, asOfMs: NEVER })
  expect(asked).toEqual([2, 3, 4])
})

test('a moment that lies ahead, by rounding, is no negative distance', () => {
  const { freshness, here } = stage()
  expect(freshness.read(1, { source: here, asOfMs: 100.001 })).toBe(0)
})
