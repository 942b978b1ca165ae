import { expect, test } from '@jest/globals'
import { createPolicy } from '../../../src/simulate/policies/policies.ts'
import { Tally } from '../../../src/simulate/tally.ts'
import { MinedWarming } from '../../../src/simulate/warmings/mined.ts'
import { mulberry32 } from '../../harness/mulberry32.ts'

const PAIRS = 12
const SECONDS = 120

/** Each second one of six pairs is updated, at a random time; 60 ms later another is read, with the given outcome. */
function requestsAfter(outcome: 'hit' | 'warmed' | 'missed'): number {
  const tally = new Tally(createPolicy('lru', { slots: 4, pairs: PAIRS }), PAIRS)
  const none = new Int32Array(0)
  const tape = {
    ...{ name: 'here', pairs: PAIRS, updates: none, timesUs: new Float64Array(0), batches: none, reads: [] },
    ...{ unknownUpdates: 0, backwards: 0, unreadable: [] },
  }
  const options = { tape, tally, seed: 1, warmMs: 1, lookAhead: 'off', attribution: 'off' } as const
  const warming = new MinedWarming('forewarm', options)
  const random = mulberry32(1)
  for (let second = 0; second < SECONDS; second++) {
    const nowMs = second * 1_000 + Math.ceil(random() * 900)
    warming.release(nowMs)
    warming.update(second % 6, second, nowMs)
    warming.release(nowMs + 60)
    warming.read((second % 6) + 6, outcome)
  }
  return tally.counts.requests
}

test.each(['missed', 'warmed'] as const)(
  'a read with the outcome %s is mined, and then asked for (seed 1)',
  (outcome) => {
    expect(requestsAfter(outcome)).toBeGreaterThan(0)
  },
)

test('a read that hits without a warm is not mined (seed 1)', () => {
  expect(requestsAfter('hit')).toBe(0)
})
