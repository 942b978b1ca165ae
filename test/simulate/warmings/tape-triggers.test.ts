import { expect, test } from '@jest/globals'
import { indexOfWarmKind, type WarmKind } from '../../../src/cache/l1/usage.ts'
import { Tracker } from '../../../src/correlation/tracker.ts'
import { createPolicy } from '../../../src/simulate/policies/policies.ts'
import { Tally } from '../../../src/simulate/tally.ts'
import { TapeTriggers } from '../../../src/simulate/warmings/tape-triggers.ts'

const PAIRS = 300
const UPDATES = 20
const LAG_MS = 20
const [TRIGGER, READ, OTHER] = [0, 1, 2] as const

/** Requests after UPDATES updates with a known read, when nearly PAIRS warms of the kind have left unread before. */
function requestsAfterUnread(kind: WarmKind): number {
  const tally = new Tally(createPolicy('lru', { slots: 1, pairs: PAIRS }), PAIRS)
  for (let pairId = 3; pairId < PAIRS; pairId++) tally.warm(pairId, indexOfWarmKind(kind))
  const none = new Int32Array(0)
  const tape = {
    ...{ name: 'here', pairs: PAIRS, updates: none, timesUs: new Float64Array(0), batches: none, reads: [] },
    ...{ unknownUpdates: 0, backwards: 0, unreadable: [] },
  }
  const tracker = new Tracker({ maxPairs: PAIRS })
  const options = { tape, tally, seed: 1, warmMs: 1, lookAhead: 'off', attribution: 'on' } as const
  const triggers = new TapeTriggers('forewarm', tracker, options)
  const before = tally.counts.requests
  for (let update = 1; update <= UPDATES; update++) {
    const nowMs = update * 1_000
    triggers.release(nowMs)
    // Takes the only slot, so that the pair is worth asking for again.
    tally.read(OTHER)
    tracker.observe(TRIGGER)
    tracker.read(TRIGGER, READ, LAG_MS)
    tracker.settle(TRIGGER, 1)
    triggers.update(TRIGGER, nowMs)
  }
  triggers.release((UPDATES + 1) * 1_000)
  return tally.counts.requests - before
}

test('warms of a kind that left unread throttle what the triggers ask for of that kind', () => {
  expect(requestsAfterUnread('correlation')).toBe(1)
})

test.each(['look-ahead', 'prediction'] as const)(
  'warms of the kind %s that left unread throttle nothing that follows from attributed reads',
  (kind) => {
    expect(requestsAfterUnread(kind)).toBe(UPDATES)
  },
)
