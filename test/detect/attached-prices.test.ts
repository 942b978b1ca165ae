import { expect, test } from '@jest/globals'
import { attachPrices } from '../../src/detect/attached-prices.ts'
import { threadReadsMemory } from '../../src/detect/thread-reads.ts'
import { T0, TestCaches } from '../cache/caches.ts'

function newNode() {
  const caches = new TestCaches({ slots: 4, maxPairs: 8 })
  const shared = {
    l1: caches.l1.buffer,
    names: caches.table.log.buffer,
    sources: caches.origins.buffer,
    reads: threadReadsMemory(),
  }
  const update = (pair: string, price: number, eventTimeMs: number): void => {
    const pairId = caches.table.register('ethereum', pair)
    caches.l1.update(pairId, eventTimeMs * 4096, Float64Array.of(price, NaN, NaN, NaN, NaN, NaN), 0)
  }
  return { shared, update }
}

test('attached prices have names, age and version like those of a detector', () => {
  const { shared, update } = newNode()
  const prices = attachPrices(shared, { clock: { now: () => T0 + 40 } })
  expect(prices.get('ethereum', 'A')).toBe('unknown')
  update('A', 3, T0)
  expect(prices.get('ethereum', 'A')).toEqual({
    ...{ pair: 'A', chain: 'ethereum', price: 3, bid: undefined, ask: undefined },
    ...{ reserve0: undefined, reserve1: undefined, liquidity: undefined },
    ...{ eventTimeMs: T0, ageMs: 40, behindMs: Infinity, version: T0 * 4096 },
  })
  expect(prices.get('ethereum', 'A', { maxAgeMs: 39 })).toBe('stale')
  expect(prices.get('base', 'A')).toBe('unknown')
  expect(prices.stats()).toEqual({ hits: 2, misses: 2 })
})

test('memory that is not a node’s is refused when it is attached', () => {
  const { shared } = newNode()
  const refused = expect.objectContaining({ code: 'bad-shared-memory' })
  expect(() => attachPrices({ ...shared, l1: new SharedArrayBuffer(64) })).toThrow(refused)
  expect(() => attachPrices({ ...shared, names: shared.l1 })).toThrow(refused)
})
