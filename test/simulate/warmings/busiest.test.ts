import { describe, expect, test } from '@jest/globals'
import { createPolicy } from '../../../src/simulate/policies/policies.ts'
import type { Combination } from '../../../src/simulate/row.ts'
import { accessWorkload, priceWorkload } from '../../../src/simulate/simulate.ts'
import { Tally } from '../../../src/simulate/tally.ts'
import type { PriceTape } from '../../../src/simulate/traffic/price-tape.ts'
import { Busiest } from '../../../src/simulate/warmings/busiest.ts'

function newBusiest(pairs: number, limit: number) {
  const policy = createPolicy('lru', { slots: pairs, pairs })
  const busiest = new Busiest({ pairs, limit, tally: new Tally(policy, pairs) })
  const read = (pairId: number, times: number) => {
    for (let time = 0; time < times; time++) busiest.read(pairId)
  }
  const warmed = () => Array.from({ length: pairs }, (_, pairId) => pairId).filter((pairId) => policy.has(pairId))
  return { read, warmed }
}

describe('the busiest pairs', () => {
  test('are warmed at every thousandth read, up to the given limit', () => {
    const { read, warmed } = newBusiest(8, 2)
    read(5, 400)
    for (const pairId of [4, 3, 7]) read(pairId, 199)
    read(7, 2)
    expect(warmed()).toEqual([])
    read(6, 1)
    expect(warmed()).toEqual([5, 7])
    // Pairs 3 and 4 have been read 500 times each, more than any other.
    for (const pairId of [4, 3]) read(pairId, 301)
    read(6, 397)
    expect(warmed()).toEqual([5, 7])
    read(6, 1)
    expect(warmed()).toEqual([3, 4, 5, 7])
  })

  test('are the lowest pair ids among those read equally often', () => {
    const { read, warmed } = newBusiest(8, 3)
    for (const pairId of [7, 5, 3, 1]) read(pairId, 250)
    expect(warmed()).toEqual([1, 3, 5])
  })

  test('include no pair that was never read', () => {
    const { read, warmed } = newBusiest(8, 3)
    read(4, 1_000)
    expect(warmed()).toEqual([4])
  })

  test('are ranked after as many reads as there are pairs, if these are more than a thousand', () => {
    const { read, warmed } = newBusiest(1_500, 3)
    read(4, 1_499)
    expect(warmed()).toEqual([])
    read(4, 1)
    expect(warmed()).toEqual([4])
  })
})

/** 4,000 reads of 80 pairs in turn. */
const READS = Int32Array.from({ length: 4_000 }, (_, at) => at % 80)
const TAPE: PriceTape = {
  ...{ name: 'here', pairs: 80, updates: READS, unknownUpdates: 0, backwards: 0, unreadable: [] },
  timesUs: Float64Array.from(READS, (_, at) => at * 1_000),
  batches: READS.map((_, at) => at),
  reads: Array.from({ length: 80 }, (_, pairId) => Int32Array.of(pairId)),
}
const COMBINATION: Combination = {
  ...{ policy: 'lru', warming: 'busiest', lookAhead: 'off', attribution: 'off' },
  ...{ capacity: 0.2, slots: 16, delayMs: 0, warmMs: 0 },
}

test.each([
  ['accesses', accessWorkload({ name: 'here', accesses: READS, keys: 80 }, 1)],
  ['updates', priceWorkload(TAPE, 1)],
])('the busiest pairs warmed along %s are as many as warms may hold', (_, workload) => {
  const run = workload.start(COMBINATION)
  run.advance(run.length)
  // A node of 16 slots gives four to warms. Every thousandth read brings in pairs 0 to 3. After read 2,000 they are read
  // next; after 1,000 and 3,000 they are evicted first.
  expect(run.counts).toMatchObject({ reads: 4_000, requests: 16, warms: 16, warmsUsed: 4, hits: 4 })
})
