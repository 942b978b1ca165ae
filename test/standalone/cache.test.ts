import { afterEach, describe, expect, test } from '@jest/globals'
import { virtualClock } from '../../src/clock.ts'
import { createCache } from '../../standalone/cache.ts'

const START_MS = 1_780_000_000_000
const clock = virtualClock(START_MS)
const opened: { close(): unknown }[] = []

afterEach(async () => {
  for (const cache of opened.splice(0)) {
    await cache.close()
    await cache.close()
  }
})

async function openedPrices(options: { readonly l1Slots?: number } = {}) {
  const cache = await createCache({ ...options, l2Enabled: false, env: {}, clock })
  opened.push(cache)
  return cache
}

describe('a standalone cache of prices', () => {
  test('returns what was set, with its age and version', async () => {
    const cache = await openedPrices()
    expect(cache.set('WETH/USDC', { price: 3120.5, bid: 3120 })).toBe('stored')
    clock.advanceTo(clock.now() + 250)
    const reading = cache.get('WETH/USDC')
    expect(reading).toMatchObject({ pair: 'WETH/USDC', price: 3120.5, bid: 3120, ask: undefined, ageMs: 250 })
    expect(cache.get('WETH/USDC', { maxAgeMs: 100 })).toBe('stale')
    expect(cache.get('NONE')).toBe('unknown')
  })

  test('refuses a value older than the last one of the pair, even after that was evicted', async () => {
    const cache = await openedPrices({ l1Slots: 1 })
    const eventTimeMs = clock.now()
    cache.set('A', { price: 1, eventTimeMs })
    cache.set('B', { price: 1, eventTimeMs })
    expect(cache.set('A', { price: 2, eventTimeMs: eventTimeMs - 1 })).toBe('older')
  })

  test('loads from L2 what L1 has no room for, many pairs in one trip', async () => {
    const cache = await openedPrices({ l1Slots: 1 })
    const pairs = ['A', 'B', 'C']
    for (const [at, pair] of pairs.entries()) cache.set(pair, { price: at + 1 })
    const readings = await cache.getMany([...pairs, 'NONE'])
    expect(readings.map((each) => (typeof each === 'object' ? each.price : each))).toEqual([1, 2, 3, 'missing'])
    expect(await cache.getOrLoad('B')).toMatchObject({ price: 2 })
    const { L1, L2 } = cache.stats().levels
    expect([L1.hits + L1.misses, (L2.misses ?? 0) >= 1]).toEqual([5, true])
  })

  test('forgets a deleted pair until a newer price comes', async () => {
    const cache = await openedPrices()
    cache.set('A', { price: 1 })
    await cache.delete('A')
    expect([cache.get('A'), await cache.getOrLoad('A'), cache.get('A')]).toEqual(['unknown', 'missing', 'missing'])
    clock.advanceTo(clock.now() + 1)
    cache.set('A', { price: 2 })
    expect(cache.get('A')).toMatchObject({ price: 2 })
  })

  test.each([
    [{ price: Number.NaN }, /price is NaN/],
    [{ price: -1 }, /price: at least 0/],
    [{ price: 1, eventTimeMs: 1_700_000_000 }, /expected milliseconds/],
    [{ price: 1, eventTimeMs: 2 ** 41 }, /eventTimeMs: below/],
  ])('throws for an invalid price: %j', async (value, message) => {
    const cache = await openedPrices()
    expect(() => cache.set('A', value)).toThrow(message)
  })

  test('throws for a time further ahead of the clock than a node accepts, so that no pair is frozen', async () => {
    const cache = await openedPrices()
    const ahead = { price: 1, eventTimeMs: clock.now() + 60_001 }
    expect(() => cache.set('A', ahead)).toThrow(/at most 60000 ms ahead of the clock, got \d+, 60001 ms ahead/)
    expect(cache.set('A', { price: 2, eventTimeMs: clock.now() + 60_000 })).toBe('stored')
  })

  test('orders values of one millisecond by their sequence', async () => {
    const cache = await openedPrices()
    const eventTimeMs = clock.now()
    expect(cache.set('A', { price: 8, eventTimeMs, sequence: 8 })).toBe('stored')
    expect(cache.set('A', { price: 7, eventTimeMs, sequence: 7 })).toBe('older')
    expect(cache.get('A')).toMatchObject({ price: 8 })
  })

  test('says so when it is closed instead of taking a value that it would drop', async () => {
    const cache = await openedPrices()
    await cache.close()
    expect(cache.set('A', { price: 1 })).toBe('closed')
  })

  test('refuses to delete at an impossible time, or one far ahead', async () => {
    const cache = await openedPrices()
    for (const eventTimeMs of [Number.NaN, 1_700_000_000, clock.now() + 61_000])
      await expect(cache.delete('A', { eventTimeMs })).rejects.toMatchObject({ code: 'bad-value' })
  })

  test('reports what optimize() did', async () => {
    const cache = await openedPrices()
    expect(await cache.optimize()).toMatchObject({ promoted: 0, demoted: 0 })
  })
})
