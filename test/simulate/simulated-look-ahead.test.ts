import { expect, test } from '@jest/globals'
import type { Combination } from '../../src/simulate/row.ts'
import { priceWorkload } from '../../src/simulate/simulate.ts'
import type { PriceTape } from '../../src/simulate/traffic/price-tape.ts'

const [C, D, E, F] = [0, 1, 2, 3] as const

/** On updates of C and E, D is read; on one of F, four others, which evict D from four slots. */
function tapeOf(
  updates: readonly number[],
  timesMs: readonly number[],
  batches = updates.map((_, at) => at),
): PriceTape {
  return {
    ...{ name: 'by hand', pairs: 8, unknownUpdates: 0, backwards: 0, unreadable: [] },
    updates: Int32Array.from(updates),
    timesUs: Float64Array.from(timesMs, (ms) => ms * 1000),
    batches: Int32Array.from(batches),
    reads: [[D], [], [D], [4, 5, 6, 7], [], [], [], []].map((reads) => Int32Array.from(reads)),
  }
}

function countsOf(tape: PriceTape, choice: Pick<Combination, 'lookAhead' | 'delayMs' | 'warmMs'>) {
  const slots = { capacity: 0.5, slots: 4 }
  const run = priceWorkload(tape, 1).start({
    ...{ policy: 'lru', warming: 'forewarm', attribution: 'on' },
    ...slots,
    ...choice,
  })
  run.advance(tape.updates.length)
  return run.counts
}

test.each([
  // It is not known that E's update reads D, nor that C's comes: D is missed after E's, and resident after C's.
  ['sees no update that has not come', [0, 1, 2, 3], { hits: 1, requests: 0 }],
  ['fetches at the first update of a batch what the last one reads', [0, 1, 2, 2], { hits: 2, requests: 1 }],
])('the look-ahead %s', (_, batches, counts) => {
  // D is read at 2 ms and evicted at 3. So C's reads are known when E comes, and D is not resident.
  const tape = tapeOf([C, F, E, C], [0, 1, 5, 10], batches)
  expect(countsOf(tape, { lookAhead: 'await', delayMs: 2, warmMs: 1 })).toMatchObject({ reads: 7, ...counts })
})

test.each([
  ['there for handlers that wait', { lookAhead: 'await', delayMs: 0, warmMs: 1 }, 'there'],
  ['there for handlers that wait as long as they may', { lookAhead: 'await', delayMs: 0, warmMs: 2 }, 'there'],
  ['late where it takes longer than handlers wait', { lookAhead: 'await', delayMs: 0, warmMs: 2.5 }, 'late'],
  ['there by default', { lookAhead: 'auto', delayMs: 0, warmMs: 1 }, 'there'],
  ['there by default if its read comes later', { lookAhead: 'auto', delayMs: 1, warmMs: 1 }, 'there'],
  ['late for handlers that do not wait', { lookAhead: 'overlap', delayMs: 0, warmMs: 1 }, 'late'],
  ['there for those that read when it has come', { lookAhead: 'overlap', delayMs: 1, warmMs: 1 }, 'there'],
] as const)('a pair that the look-ahead asks for is %s', (_, choice, then) => {
  const counts = countsOf(tapeOf([C, F, C], [0, 10, 20]), choice)
  const [hits, late] = then === 'there' ? [1, 0] : [0, 1]
  expect(counts).toMatchObject({ reads: 6, requests: 1, hits, late })
})
