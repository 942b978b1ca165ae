import { expect, test } from '@jest/globals'
import { createPolicy } from '../../src/simulate/policies/policies.ts'
import { PriceRun } from '../../src/simulate/price-run.ts'
import { type Combination, rowOf } from '../../src/simulate/row.ts'
import { Tally } from '../../src/simulate/tally.ts'
import type { PriceTape } from '../../src/simulate/traffic/price-tape.ts'
import { HeldWarms } from '../../src/simulate/warmings/held-warms.ts'

const [A, B, C, D] = [0, 1, 2, 3] as const

/** A and B are updated by turns, 10 ms apart; on A's update B and C are read, on B's A. */
const TAPE: PriceTape = {
  ...{ name: 'by hand', pairs: 4, unknownUpdates: 0, backwards: 0, unreadable: [] },
  updates: Int32Array.of(A, B, A, B),
  timesUs: Float64Array.of(0, 10_000, 20_000, 30_000),
  batches: Int32Array.of(0, 1, 2, 3),
  reads: [Int32Array.of(B, C), Int32Array.of(A), new Int32Array(0), new Int32Array(0)],
}

/** Reads 5 ms after each update, two slots of an LRU, and warms that take 2 ms. */
const COMBINATION: Combination = {
  ...{ policy: 'lru', warming: 'forewarm', lookAhead: 'off', attribution: 'on' },
  ...{ capacity: 0.5, slots: 2, delayMs: 5, warmMs: 2 },
}

function countsOf(warm: (held: HeldWarms, nowMs: number) => void) {
  const tally = new Tally(createPolicy('lru', { slots: 2, pairs: 4 }), 4)
  const held = new HeldWarms({ tally, warmMs: 2 })
  const warming = {
    release: (nowMs: number) => held.release(nowMs),
    update: (_: number, __: number, nowMs: number) => warm(held, nowMs),
    beforeRead: () => undefined,
    read: () => undefined,
    afterReads: () => undefined,
  }
  new PriceRun({ tape: TAPE, tally, warming, delayMs: 5 }).advance(4)
  return tally.counts
}

test('the row of a run along a tape has the figures that are counted by hand', () => {
  // After the reads at each time, the last read first: 5 ms CB, 15 AC, 25 CB, 35 AC. Nothing is hit.
  const unwarmed = countsOf(() => undefined)
  expect(unwarmed).toMatchObject({ reads: 6, hits: 0 })
  const counts = countsOf((held, nowMs) => {
    // A comes at 12 ms in B's place, and is read at 15.
    if (nowMs === 10) held.request(A, nowMs)
    // C is resident. B was evicted at 12 and is missed at 25; its warm, asked for at 24, comes at 26.
    if (nowMs === 20) held.request(C, nowMs)
    if (nowMs === 20) held.hold(B, { nowMs, untilMs: 24 })
    // D is not read. A comes at 32, and is read at 35.
    if (nowMs === 30) for (const pairId of [D, A]) held.request(pairId, nowMs)
  })
  const missesUnwarmed = unwarmed.reads - unwarmed.hits
  expect(rowOf({ input: 'by hand', combination: COMBINATION, counts, missesUnwarmed, seconds: 0 })).toEqual({
    ...COMBINATION,
    ...{ input: 'by hand', reads: 6, hits: 2, hitRatio: 2 / 6, warms: 3, warmsUsed: 2, seconds: 0 },
    ...{ accuracy: 2 / 3, coverage: 2 / 6, timeliness: 2 / 3, pollution: 1 / 4, redundancy: 1 / 5 },
    l2ReadsPerSavedMiss: 4 / 2,
  })
})
