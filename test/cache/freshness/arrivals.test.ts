import { expect, test } from '@jest/globals'
import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { emptyPrice, VERSIONS_PER_MS } from '../../../src/cache/cached-price.ts'
import { Arrivals } from '../../../src/cache/freshness/arrivals.ts'
import { L1 } from '../../../src/cache/l1/l1.ts'
import { L1Reader } from '../../../src/cache/l1/reader.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { EVERYTHING, FOLLOWS, MAX_SOURCES, NEVER, Sources, UNKNOWN_SOURCE } from '../../../src/cache/sources/sources.ts'

function stage() {
  const sources = new Sources()
  const table = new PairTable({ maxPairs: 16 })
  const l1 = new L1({ slots: 8, maxPairs: 16, sources })
  const arrivals = new Arrivals({ table, sources, l1 })
  const reader = new L1Reader(l1.buffer, sources.buffer)
  const [first, second] = [sources.idOf('prices', 0), sources.idOf('prices', 1)]
  const numbers = new Float64Array(NUMBER_COUNT).fill(1)
  let version = VERSIONS_PER_MS
  const update = (pair: string, source: number): number => {
    const pairId = table.register('ethereum', pair)
    l1.update(pairId, version++, numbers, 0, arrivals.arrived(pairId, source))
    return pairId
  }
  /** The moment of the pair's value, as this thread and another one see it. */
  const asOf = (pairId: number): number => {
    const price = emptyPrice()
    const seen = emptyPrice()
    expect([l1.peek(pairId, price), reader.get(pairId, seen)]).toEqual([true, true])
    const atMs = price.asOfMs === FOLLOWS ? sources.asOf(price.source) : price.asOfMs
    expect([seen.asOfMs, seen.source]).toEqual([atMs, price.source])
    return atMs
  }
  return { sources, l1, arrivals, first, second, update, asOf }
}

test('a value that arrives is the newest as of its partition’s moment, as that goes on', () => {
  const { sources, arrivals, first, update, asOf } = stage()
  arrivals.assign([first])
  const pairId = update('A', first)
  expect(asOf(pairId)).toBe(NEVER)
  sources.raise(first, 10)
  expect(asOf(pairId)).toBe(10)
  sources.raise(first, 20)
  expect(asOf(pairId)).toBe(20)
})

test('a value of a partition that is lost keeps the moment that was known, whatever another node says later', () => {
  const { sources, arrivals, first, update, asOf } = stage()
  arrivals.assign([first])
  const pairId = update('A', first)
  sources.raise(first, 10)
  arrivals.revoke([first])
  sources.raise(first, 99)
  expect(asOf(pairId)).toBe(10)
})

test('a value from before the node got the partition is not taken for the newest when the partition is read to its end', () => {
  const { sources, l1, arrivals, first, second, update, asOf } = stage()
  arrivals.assign([second])
  const pairId = update('A', first)
  l1.fill(pairId, { ...emptyPrice(), price: 1, version: 2 * VERSIONS_PER_MS, source: first, asOfMs: FOLLOWS })
  sources.raise(first, 5)
  expect(asOf(pairId)).toBe(5)
  arrivals.assign([first])
  sources.raise(first, 50)
  expect(asOf(pairId)).toBe(5)
})

test('a pair that comes from two partitions makes all values of the topic as old as its oldest partition', () => {
  const { sources, arrivals, first, second, update, asOf } = stage()
  arrivals.assign([first, second])
  const [wandering, other] = [update('WANDERING', first), update('OTHER', second)]
  sources.raise(first, 30)
  sources.raise(second, 10)
  expect([asOf(wandering), asOf(other)]).toEqual([30, 10])
  update('WANDERING', second)
  expect([asOf(wandering), asOf(other)]).toEqual([10, 10])
  sources.raise(second, 40)
  expect([asOf(wandering), asOf(other)]).toEqual([30, 30])
})

test.each(['the topic as a whole', 'all topics'] as const)(
  'a value of %s stands still once the node has lost one of the partitions, whatever another node says later',
  (kind) => {
    const { sources, l1, arrivals, first, second, update, asOf } = stage()
    arrivals.assign([first, second])
    const pairId = update('A', first)
    sources.raise(first, 10)
    sources.raise(second, 10)
    const source = kind === 'all topics' ? EVERYTHING : sources.wholeOf('prices')
    l1.fill(pairId, { ...emptyPrice(), price: 1, version: 9 * VERSIONS_PER_MS, source, asOfMs: FOLLOWS })
    arrivals.revoke([second])
    sources.raise(first, 99)
    sources.raise(second, 99)
    expect(asOf(pairId)).toBe(10)
  },
)

test('once updates of some pair arrive at several nodes, no moment is known of values of which L2 would not have told', () => {
  const { sources, l1, arrivals, first, second, update, asOf } = stage()
  arrivals.assign([first])
  sources.raise(first, 30)
  sources.raise(second, 10)
  const [followed, suspended, foreign] = [update('A', first), update('B', second), update('C', second)]
  const at = (source: number, asOfMs: number) => ({
    ...emptyPrice(),
    price: 1,
    version: 9 * VERSIONS_PER_MS,
    source,
    asOfMs,
  })
  l1.fill(suspended, at(second, 8))
  l1.fill(foreign, at(second, FOLLOWS))
  arrivals.scattered(sources.codeOf(first), 12345)
  sources.raise(first, 60)
  sources.raise(second, 50)
  expect([followed, suspended, foreign].map(asOf)).toEqual([NEVER, NEVER, 10])
})

test('what a node follows is learnt from what arrives, by pair, and for a pair without updates by chain', () => {
  const { sources, arrivals, first, second, update } = stage()
  arrivals.assign([first])
  const [here, there] = [update('HERE', first), update('THERE', second)]
  expect([arrivals.follows(here, 0), arrivals.follows(there, 0)]).toEqual([true, false])
  expect([arrivals.follows(-1, 0), arrivals.follows(-1, 1)]).toEqual([false, false])
  update('HERE', first)
  update('HERE TOO', first)
  expect(arrivals.follows(-1, 0)).toBe(true)
  expect(sources.isFollowed(second)).toBe(false)
})

test('a partition that got no number is not followed: values of unknown sources are those of other nodes', () => {
  const { sources, arrivals, update } = stage()
  for (let partition = 2; sources.size < MAX_SOURCES; partition++) sources.idOf('prices', partition)
  arrivals.assign([sources.idOf('beyond', 0)])
  const pairId = update('A', UNKNOWN_SOURCE)
  expect([sources.isFollowed(UNKNOWN_SOURCE), arrivals.hasAll(pairId), arrivals.hasAll(9)]).toEqual([
    false,
    false,
    false,
  ])
})

test('a pair stays with the node if all its updates come from one partition, which the node has and does not lose', () => {
  const { sources, arrivals, first, second, update } = stage()
  arrivals.assign([first, second])
  const [a, b] = [update('A', first), update('B', second)]
  const leaves = (pairId: number) => arrivals.mayComeFrom(new Set([first]), pairId)
  expect([a, b].map(leaves)).toEqual([true, false])
  arrivals.revoke([second])
  expect(leaves(b)).toBe(true)
  arrivals.assign([second])
  expect(leaves(b)).toBe(false)
  sources.mergeTold('prices')
  expect(leaves(b)).toBe(true)
  expect(leaves(update('C', UNKNOWN_SOURCE))).toBe(true)
})
