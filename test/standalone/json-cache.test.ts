import { afterEach, describe, expect, test } from '@jest/globals'
import { virtualClock } from '../../src/clock.ts'
import { createCache } from '../../standalone/cache.ts'
import type { JsonCache, JsonCacheOptions } from '../../standalone/json-cache.ts'
import { createWarming } from '../../standalone/warming/warming.ts'
import { until } from '../harness/until.ts'

const clock = virtualClock(1_780_000_000_000)
const opened: { close(): Promise<void> }[] = []

afterEach(async () => {
  for (const cache of opened.splice(0)) {
    await cache.close()
    await cache.close()
  }
})

async function openedValues<V>(options: JsonCacheOptions = {}) {
  const ttlSeconds = { l1: 10 }
  const cache = await createCache<V>({
    usePriceMatrix: false,
    l2Enabled: false,
    ttlSeconds,
    env: {},
    clock,
    ...options,
  })
  opened.push(cache)
  return cache
}

const nothingWaits = (cache: JsonCache<number>) => until('nothing waits', () => cache.stats().writes.waiting === 0)

describe('a standalone cache of values of any kind', () => {
  test('returns the newest value, with its age', async () => {
    const cache = await openedValues<{ readonly depth: number }>()
    cache.set('book', { depth: 5 }, { eventTimeMs: clock.now() - 40 })
    expect(cache.set('book', { depth: 4 }, { eventTimeMs: clock.now() - 50 })).toBe('older')
    expect(cache.get('book')).toMatchObject({ key: 'book', value: { depth: 5 }, ageMs: 40 })
    expect(cache.get('book', { maxAgeMs: 10 })).toBe('stale')
    expect(await cache.getMany(['book', 'none'])).toMatchObject([{ value: { depth: 5 } }, 'missing'])
  })

  test('keeps to its slots and its TTL, and remembers versions beyond both', async () => {
    const cache = await openedValues<number>({ l1Slots: 2 })
    for (const [at, key] of ['a', 'b', 'c'].entries()) cache.set(key, at)
    expect([cache.get('a'), cache.stats().levels.L1.entries]).toEqual(['unknown', 2])
    await nothingWaits(cache)
    clock.advanceTo(clock.now() + 10_000)
    expect(await cache.getOrLoad('c')).toBe('missing')
    expect(cache.set('c', 9, { eventTimeMs: clock.now() - 10_001 })).toBe('older')
  })

  test('keeps to its megabytes, whatever the values take', async () => {
    const cache = await openedValues<string>({ l1SizeMb: 1 })
    const large = 'x'.repeat(100_000)
    for (const key of ['a', 'b', 'c']) expect(cache.set(key, large)).toBe('stored')
    const { entries, bytes = 0 } = cache.stats().levels.L1
    expect([entries, bytes <= 1024 * 1024]).toEqual([2, true])
    expect([cache.get('b'), cache.get('c')]).toMatchObject([{ value: large }, { value: large }])
  })

  test('refuses a value whose JSON is too large, counts it, and goes on with the one before', async () => {
    const cache = await openedValues<string>({ maxValueBytes: 1024 })
    cache.set('a', 'small')
    expect(cache.set('a', 'é'.repeat(512))).toBe('too-large')
    expect(cache.set('b', 'x'.repeat(1022))).toBe('stored')
    expect(cache.get('a')).toMatchObject({ value: 'small' })
    expect(cache.stats().writes).toEqual({ tooLarge: 1, waiting: expect.any(Number), skipped: 0 })
  })

  test('gives what JSON gives back, and no object that a caller still has', async () => {
    const cache = await openedValues<{ list: number[]; readonly missing?: number | undefined }>()
    const value = { list: [1], missing: undefined }
    cache.set('a', value)
    value.list.push(2)
    const reading = cache.get('a')
    expect(reading).toMatchObject({ value: { list: [1] } })
    expect(typeof reading === 'object' && 'missing' in reading.value).toBe(false)
  })

  test.each([
    [10n, 'a: value is the bigint 10, which JSON does not hold as it is'],
    [undefined, 'a: value is undefined'],
    [[1, undefined], 'a: value[1] is undefined'],
    [{ at: new Date(0) }, 'a: value.at is an object of the class Date'],
    [{ levels: [{ bid: Number.NaN }] }, 'a: value.levels[0].bid is NaN'],
    [new Map(), 'a: value is an object of the class Map'],
    [{ f: () => 1 }, 'a: value.f is a function'],
  ])('throws for what JSON does not hold: %p', async (value, message) => {
    const cache = await openedValues<unknown>()
    expect(() => cache.set('a', value as never)).toThrow(message)
    expect(await cache.getOrLoad('a')).toBe('missing')
  })

  test.each([
    ['', 'key is missing'],
    ['a\0b', 'key: must not contain NUL'],
    ['k'.repeat(257), 'key: at most 256 bytes, got 257'],
    ['half \ud800', 'key: must not contain half of a surrogate pair'],
  ])('throws for an impossible key, and has nothing under it: %j', async (key, message) => {
    const cache = await openedValues<number>()
    expect(() => cache.set(key, 1)).toThrow(message)
    await expect(cache.delete(key)).rejects.toThrow(message)
    expect(await cache.getOrLoad(key)).toBe('missing')
  })

  test('has options that caches of prices do not have', async () => {
    const asked = createCache({ maxValueBytes: 2_000, env: {} } as never)
    await expect(asked).rejects.toThrow('createCache: there is no option maxValueBytes')
    await expect(openedValues({ maxValueBytes: 10 })).rejects.toThrow('a whole number from 1024 to 1048576')
  })

  test('does not return the last value of a deleted key', async () => {
    const cache = await openedValues<number>()
    cache.set('a', 1)
    expect(await cache.delete('a')).toBe('deleted')
    expect(await cache.getOrLoad('a')).toBe('missing')
  })

  test('says so when it is closed instead of taking a value that it would drop', async () => {
    const cache = await openedValues<number>()
    await cache.close()
    expect(cache.set('a', 1)).toBe('closed')
    expect(await cache.delete('a')).toBe('closed')
  })

  test('throws for an invalid time, and for one further ahead of the clock than a node accepts', async () => {
    const cache = await openedValues<number>()
    expect(() => cache.set('a', 1, { eventTimeMs: Number.NaN })).toThrow('eventTimeMs is NaN')
    expect(() => cache.set('a', 1, { eventTimeMs: clock.now() + 60_001 })).toThrow(/at most 60000 ms ahead/)
    expect(cache.set('a', 2)).toBe('stored')
  })

  test('has a warming beside it, which learns from its reads', async () => {
    const cache = await openedValues<number>()
    cache.set('a', 1)
    const warming = createWarming(cache)
    opened.push(warming)
    expect(await warming.warmer.warmPairs(['a', 'b'])).toMatchObject({ pairsAlreadyInL1: 1, pairsNotFound: 1 })
  })
})

describe('the ids of keys in a full cache of values', () => {
  const full = () => openedValues<number>({ l1Slots: 10, env: { MAX_PAIRS: '2' } })

  test('go from deleted keys to new ones, and an older value of the deleted key does not come back', async () => {
    const cache = await full()
    const old = { eventTimeMs: clock.now() - 1_000 }
    for (let i = 0; i < 1_000; i++) {
      expect(cache.set(`key ${i}`, i)).toBe('stored')
      expect(cache.get(`key ${i}`)).toMatchObject({ value: i })
      await cache.delete(`key ${i}`)
    }
    expect([cache.set('key 0', 1, old), await cache.getOrLoad('key 0')]).toEqual(['older', 'missing'])
  })

  test('go from keys whose values have expired to new ones', async () => {
    const cache = await full()
    for (const key of ['a', 'b']) cache.set(key, 1)
    await nothingWaits(cache)
    clock.advanceTo(clock.now() + 20_000)
    cache.set('a', 2)
    expect([cache.set('c', 3), cache.set('d', 4)]).toEqual(['stored', 'too-many-pairs'])
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toMatchObject([{ value: 2 }, 'unavailable', { value: 3 }])
  })
})
