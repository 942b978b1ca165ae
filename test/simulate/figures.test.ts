import { expect, test } from '@jest/globals'
import { createPolicy } from '../../src/simulate/policies/policies.ts'
import { type Combination, rowOf } from '../../src/simulate/row.ts'
import { Tally } from '../../src/simulate/tally.ts'
import { HeldWarms } from '../../src/simulate/warmings/held-warms.ts'

const [A, B, C, D, E] = [0, 1, 2, 3, 4] as const
const PAIRS = 5

test('every figure of a tally and its row is what counting by hand gives', () => {
  const tally = new Tally(createPolicy('lru', { slots: 2, pairs: PAIRS }), PAIRS)
  const held = new HeldWarms({ tally, warmMs: 1 })
  tally.read(A) // a miss
  tally.warm(B)
  tally.read(B) // a hit by the first warm
  tally.warm(C) // the second pushes A out
  tally.read(A) // a miss caused by a warm; B leaves
  tally.warm(C) // is resident already
  tally.warm(D) // the third pushes out the second, unread
  held.request(E, 0)
  tally.read(E) // a miss, faster than its warm; A leaves
  held.release(1)
  tally.read(D) // a hit by the third warm
  tally.read(C) // a miss caused by a warm; E leaves
  expect(tally.counts).toEqual({
    ...{ reads: 6, hits: 2, requests: 5, redundant: 1, late: 1, fetched: 4 },
    ...{ warms: 3, warmsUsed: 2, warmsUnused: 1, polluted: 2, evictions: 5 },
  })
  // Without warming, the same LRU hits the second read of A, and nothing else.
  const combination: Combination = {
    ...{ policy: 'lru', warming: 'forewarm', capacity: 0.4, slots: 2 },
    ...{ lookAhead: 'off', attribution: 'on', delayMs: 1, warmMs: 1 },
  }
  const of = (missesUnwarmed: number) =>
    rowOf({ input: 'here', combination, counts: tally.counts, missesUnwarmed, seconds: 0 })
  expect(of(5)).toEqual({
    ...{ input: 'here', ...combination, seconds: 0 },
    ...{ reads: 6, hits: 2, hitRatio: 2 / 6, warms: 3, warmsUsed: 2, accuracy: 2 / 3 },
    ...{ coverage: 1 / 5, timeliness: 2 / 3, pollution: 2 / 4, redundancy: 1 / 5, l2ReadsPerSavedMiss: 4 / 1 },
  })
  expect(of(6)).toMatchObject({ coverage: 2 / 6, l2ReadsPerSavedMiss: 4 / 2 })
  // If warming saves nothing, or costs hits, there is no miss that its reads were spent on.
  expect(of(4)).toMatchObject({ coverage: 0, l2ReadsPerSavedMiss: undefined })
  expect(of(3)).toMatchObject({ coverage: -1 / 3, l2ReadsPerSavedMiss: undefined })
})
