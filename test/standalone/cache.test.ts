import { afterEach, describe, expect, test } from '@jest/globals'
import type { JsonCacheOptions } from '../../src/cache/json-cache.ts'
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

async function openedValues<V>(l1Slots: number) {
  const cache = await createCache<V>({ usePriceMatrix: false, l1Slots, ttlSeconds: { l1: 10 }, clock })
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

describe('a standalone cache of other values', () => {
  test('returns the newest value, with its age', async () => {
    const cache = await openedValues<{ readonly depth: number }>(10)
    cache.set('book', { depth: 5 }, { eventTimeMs: clock.now() - 40 })
    expect(cache.set('book', { depth: 4 }, { eventTimeMs: clock.now() - 50 })).toBe('older')
    expect(cache.get('book')).toMatchObject({ value: { depth: 5 }, ageMs: 40 })
    expect(cache.get('book', { maxAgeMs: 10 })).toBe('stale')
  })

  test('keeps to its slots and its TTL, and remembers versions beyond both', async () => {
    const cache = await openedValues<number>(2)
    for (const [at, key] of ['a', 'b', 'c'].entries()) cache.set(key, at)
    expect([cache.get('a'), cache.stats().entries]).toEqual(['missing', 2])
    clock.advanceTo(clock.now() + 10_000)
    expect(cache.get('c')).toBe('missing')
    expect(cache.set('c', 9, { eventTimeMs: clock.now() - 10_001 })).toBe('older')
  })

  test('does not return the last value of a deleted key', async () => {
    const cache = await openedValues<number>(2)
    const eventTimeMs = clock.now()
    cache.set('a', 1, { eventTimeMs })
    cache.delete('a')
    expect(cache.get('a')).toBe('missing')
  })

  test('refuses to have a second level', async () => {
    const asked = createCache({ usePriceMatrix: false, l2Enabled: true as false, clock })
    await expect(asked).rejects.toThrow(/l2Enabled: expected false/)
  })

  test('throws for an invalid time', async () => {
    const cache = await openedValues<number>(2)
    expect(() => cache.set('a', 1, { eventTimeMs: Number.NaN })).toThrow('eventTimeMs is NaN')
  })

  test('throws for a time further ahead of the clock than a node accepts, so that no key is frozen', async () => {
    const cache = await openedValues<number>(2)
    expect(() => cache.set('a', 1, { eventTimeMs: clock.now() + 60_001 })).toThrow(/at most 60000 ms ahead/)
    expect(cache.set('a', 2)).toBe('stored')
  })
})

describe('the ids of keys in a full cache of values', () => {
  const full = async () => {
    const cache = await createCache<number>({
      ...{ usePriceMatrix: false, l1Slots: 10, ttlSeconds: { l1: 10 }, clock },
      env: { MAX_PAIRS: '2' },
    } as JsonCacheOptions & { usePriceMatrix: false })
    opened.push(cache)
    return cache
  }

  test('go from deleted keys to new ones, and an older value of the deleted key does not come back', async () => {
    const cache = await full()
    const old = { eventTimeMs: clock.now() - 1_000 }
    for (let i = 0; i < 1_000; i++) {
      expect(cache.set(`key ${i}`, i)).toBe('stored')
      expect(cache.get(`key ${i}`)).toMatchObject({ value: i })
      cache.delete(`key ${i}`)
    }
    expect([cache.set('key 0', 1, old), cache.get('key 0')]).toEqual(['older', 'missing'])
    expect([cache.set('a', 1), cache.set('b', 2), cache.set('c', 3)]).toEqual(['stored', 'stored', 'too-many-pairs'])
  })

  test('go from keys whose values have expired to new ones', async () => {
    const cache = await full()
    for (const key of ['a', 'b']) cache.set(key, 1)
    clock.advanceTo(clock.now() + 20_000)
    cache.set('a', 2)
    expect([cache.set('c', 3), cache.set('d', 4)]).toEqual(['stored', 'too-many-pairs'])
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toMatchObject([{ value: 2 }, 'missing', { value: 3 }])
  })
})
