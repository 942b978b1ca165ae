import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import { createCache } from '../../../standalone/cache.ts'
import type { JsonCache, JsonCacheOptions } from '../../../standalone/json-cache.ts'
import { createWarming } from '../../../standalone/warming/warming.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { addScriptUser, asScriptUser } from './redis-levels.ts'

interface Book {
  readonly venue: string
  readonly levels: readonly number[]
}

/** A Redis for these tests alone, because they cut its connections. */
let redis: Stack
let raw: Redis
const opened: { close(): Promise<void> }[] = []
const book = (venue: string, ...levels: number[]): Book => ({ venue, levels })

beforeAll(async () => {
  redis = await startStack({ brokers: 0 })
  raw = new Redis(redis.redisUrl ?? '')
  await addScriptUser(raw)
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((cache) => cache.close()))
})
afterAll(async () => {
  raw?.disconnect()
  await redis?.stop()
})

const WAYS = [
  ['functions', () => redis.redisUrl ?? ''],
  ['scripts', () => asScriptUser(redis.redisUrl ?? '')],
] as const

describe.each(WAYS)('values of any kind in Redis, by %s', (way, urlOf) => {
  type More = Omit<JsonCacheOptions, 'env'> & { readonly env?: Record<string, string> }

  async function caches(chain: string, count: number, { env = {}, ...more }: More = {}): Promise<JsonCache<Book>[]> {
    const made: JsonCache<Book>[] = []
    const base = { REDIS_URL: urlOf(), REDIS_COMMAND_TIMEOUT_MS: '10000' }
    for (let at = 0; at < count; at++)
      made.push(await createCache<Book>({ usePriceMatrix: false, chain, ...more, env: { ...base, ...env } }))
    opened.push(...made)
    return made
  }

  /** What a process reads that has not seen the key. */
  async function readFresh(chain: string, key: string) {
    const [fresh] = await caches(chain, 1)
    return fresh?.getOrLoad(key)
  }

  const inRedis = (chain: string, key: string) =>
    until(`${key} is in Redis`, async () => (await raw.exists(`fw:default:{${chain}}:${key}`)) === 1)

  test('are read by another process, and after a restart', async () => {
    const chain = uniqueName('chain')
    const [a] = (await caches(chain, 1)) as [JsonCache<Book>]
    expect(a.set('X', book('één', 1.5, -2))).toBe('stored')
    await a.close()
    expect(await readFresh(chain, 'X')).toMatchObject({ key: 'X', value: book('één', 1.5, -2) })
    expect(await readFresh(chain, 'Y')).toBe('missing')
  })

  test('never give way to an older one, whichever process writes last', async () => {
    const chain = uniqueName('chain')
    const now = Date.now()
    const [late] = (await caches(chain, 1, { env: { L2_FLUSH_MS: '60000' } })) as [JsonCache<Book>]
    const [a] = (await caches(chain, 1)) as [JsonCache<Book>]
    late.set('X', book('old'), { eventTimeMs: now - 1_000 })
    a.set('X', book('new'), { eventTimeMs: now })
    await inRedis(chain, 'X')
    await late.close()
    expect(await readFresh(chain, 'X')).toMatchObject({ value: book('new') })
  })

  test('leave L1 when Redis turns out to have a newer one', async () => {
    const chain = uniqueName('chain')
    const now = Date.now()
    const [before] = (await caches(chain, 1)) as [JsonCache<Book>]
    before.set('X', book('new'), { eventTimeMs: now })
    await before.close()
    const [after] = (await caches(chain, 1)) as [JsonCache<Book>]
    after.set('X', book('old'), { eventTimeMs: now - 5_000 })
    await until('the refusal has come', async () => {
      const reading = await after.getOrLoad('X')
      return typeof reading === 'object' && reading.value.venue === 'new'
    })
    expect(after.set('X', book('old'), { eventTimeMs: now - 4_000 })).toBe('older')
  })

  test('are the same for all processes in the end that have set a key in the same millisecond', async () => {
    const chain = uniqueName('chain')
    const eventTimeMs = Date.now()
    const all = await caches(chain, 3)
    for (const [at, cache] of all.entries()) cache.set('X', book(`process ${at}`), { eventTimeMs })
    await inRedis(chain, 'X')
    await until('all read the same', async () => {
      const readings = await Promise.all([...all.map((cache) => cache.getOrLoad('X')), readFresh(chain, 'X')])
      return (
        new Set(readings.map((reading) => (typeof reading === 'object' ? reading.value.venue : reading))).size === 1
      )
    })
  })

  test('do not come back after a deletion by what another process writes late', async () => {
    const chain = uniqueName('chain')
    const [late] = (await caches(chain, 1, { env: { L2_FLUSH_MS: '60000' } })) as [JsonCache<Book>]
    const [a] = (await caches(chain, 1)) as [JsonCache<Book>]
    late.set('X', book('late'))
    expect(await a.delete('X')).toBe('deleted')
    await late.close()
    expect(await readFresh(chain, 'X')).toBe('missing')
    a.set('X', book('again'))
    await inRedis(chain, 'X')
    expect(await readFresh(chain, 'X')).toMatchObject({ value: book('again') })
  })

  test('that another process sets or deletes are read by one that has read the key before', async () => {
    const chain = uniqueName('chain')
    const [a, b] = (await caches(chain, 2)) as [JsonCache<Book>, JsonCache<Book>]
    a.set('X', book('first'))
    await inRedis(chain, 'X')
    expect(await b.getOrLoad('X')).toMatchObject({ value: book('first') })
    a.set('X', book('second'))
    await until('B reads the second at once', () => {
      const reading = b.get('X')
      return typeof reading === 'object' && reading.value.venue === 'second'
    })
    expect(await a.delete('X')).toBe('deleted')
    await until('B has heard of the deletion', () => b.get('X') === 'missing')
  })

  test('are bounded in L1, and the others are read from Redis', async () => {
    const chain = uniqueName('chain')
    const [a] = (await caches(chain, 1, { l1SizeMb: 1 })) as [JsonCache<Book>]
    const large = book('x'.repeat(100_000))
    const keys = Array.from({ length: 40 }, (_, at) => `K${at}`)
    for (const key of keys) expect(a.set(key, large)).toBe('stored')
    await until('all are written', () => a.stats().writes.waiting === 0)
    const { bytes = 0 } = a.stats().levels.L1
    expect(bytes).toBeLessThanOrEqual(1024 * 1024)
    const readings = await a.getMany(keys)
    expect(readings.filter((reading) => typeof reading !== 'object')).toEqual([])
  })

  test('are gone after their TTL', async () => {
    const chain = uniqueName('chain')
    const [a] = (await caches(chain, 1, { ttlSeconds: { l1: 1, l2: 1 } })) as [JsonCache<Book>]
    a.set('X', book('short'))
    await inRedis(chain, 'X')
    const leftMs = await raw.pttl(`fw:default:{${chain}}:X`)
    expect([leftMs > 0, leftMs <= 1_100]).toEqual([true, true])
    await until('it has left both levels', async () => (await a.getOrLoad('X')) === 'missing')
  })

  test('stay apart under keys that look like those of Redis, and like each other', async () => {
    const chain = uniqueName('chain}:{%7D')
    const keys = ['a', 'a ', '}:a', '{x}:a', '__proto__', 'constructor', '*', 'ключ', '\n', '\u202e', 'k'.repeat(256)]
    const [a] = (await caches(chain, 1)) as [JsonCache<Book>]
    for (const key of keys) expect(a.set(key, book(key))).toBe('stored')
    await a.close()
    const [b] = (await caches(chain, 1)) as [JsonCache<Book>]
    expect((await b.getMany(keys)).map((reading) => typeof reading === 'object' && reading.value.venue)).toEqual(keys)
  })

  test('and prices under the same key are not there for each other', async () => {
    const chain = uniqueName('chain')
    const [values] = (await caches(chain, 1)) as [JsonCache<Book>]
    const prices = await createCache({ chain, env: { REDIS_URL: urlOf(), REDIS_COMMAND_TIMEOUT_MS: '10000' } })
    opened.push(prices)
    values.set('V', book('value'))
    prices.set('P', { price: 1 })
    await inRedis(chain, 'V')
    await inRedis(chain, 'P')
    expect([await prices.getOrLoad('V'), await values.getOrLoad('P')]).toEqual(['missing', 'missing'])
  })

  test('that are no JSON in Redis are missing, and the next value replaces them', async () => {
    const chain = uniqueName('chain')
    const [a] = (await caches(chain, 1)) as [JsonCache<Book>]
    a.set('X', book('ok'), { eventTimeMs: Date.now() - 1_000 })
    await inRedis(chain, 'X')
    const key = `fw:default:{${chain}}:X`
    const bytes = await raw.getBuffer(key)
    await raw.set(key, Buffer.concat([bytes?.subarray(0, 18) ?? Buffer.alloc(0), Buffer.from('{"venue"')]))
    const [b] = (await caches(chain, 1)) as [JsonCache<Book>]
    expect(await b.getOrLoad('X')).toBe('missing')
    b.set('X', book('mended'))
    await b.close()
    expect(await readFresh(chain, 'X')).toMatchObject({ value: book('mended') })
  })

  test('are read without a trip once they were read or warmed, as Redis tells of their changes', async () => {
    if (way === 'scripts') return
    const chain = uniqueName('chain')
    const [a, b] = (await caches(chain, 2)) as [JsonCache<Book>, JsonCache<Book>]
    for (const key of ['X', 'Y']) a.set(key, book(key))
    await inRedis(chain, 'Y')
    const tripsFor = async (key: string) => {
      const before = b.stats().levels.L2.hits
      expect(await b.getOrLoad(key)).toMatchObject({ value: book(key) })
      return b.stats().levels.L2.hits - before
    }
    await until('Redis tells of X', async () => (await tripsFor('X')) === 0)
    const warming = createWarming(b, { warmerConfig: { timeoutMs: 5_000 } })
    opened.unshift(warming)
    await warming.warmer.warmPairs(['Y'])
    expect([await tripsFor('Y'), await tripsFor('X')]).toEqual([0, 0])
  })

  test('that are read after each other are warmed by what was learned of the reads', async () => {
    const chain = uniqueName('chain')
    const [cache] = (await caches(chain, 1, { l1Slots: 20 })) as [JsonCache<Book>]
    const groups = Array.from({ length: 10 }, (_, group) => [0, 1, 2, 3].map((at) => `G${group}-${at}`))
    for (const key of groups.flat()) cache.set(key, book(key))
    await inRedis(chain, 'G9-3')
    const warming = createWarming(cache, { strategy: 'top-n', warmerConfig: { asyncWarming: false, timeoutMs: 5_000 } })
    opened.unshift(warming)
    const hits = async (times: number) => {
      const before = cache.stats().levels.L1.hits
      for (let round = 0; round < times; round++)
        for (const key of groups[(round * 7) % groups.length] ?? []) await cache.getOrLoad(key)
      return cache.stats().levels.L1.hits - before
    }
    // Without warming, no value would be left when its group is read again.
    await hits(60)
    expect(await hits(20)).toBeGreaterThan(20)
  })

  test('are warmed into L1 by a warming beside the cache', async () => {
    const chain = uniqueName('chain')
    const [a, b] = (await caches(chain, 2)) as [JsonCache<Book>, JsonCache<Book>]
    for (const key of ['X', 'Y']) a.set(key, book(key))
    await inRedis(chain, 'Y')
    const warming = createWarming(b, { warmerConfig: { timeoutMs: 5_000 } })
    opened.unshift(warming)
    expect(await warming.warmer.warmPairs(['X', 'Y', 'Z'])).toMatchObject({
      pairsWarmed: 2,
      pairsNotFound: 1,
      success: true,
    })
    expect(b.get('X')).toMatchObject({ value: book('X') })
  })
})
