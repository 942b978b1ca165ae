import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import { mulberry32 } from '../../../src/simulate/mulberry32.ts'
import { createCache } from '../../../standalone/cache.ts'
import type { JsonCache, JsonCacheOptions } from '../../../standalone/json-cache.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'

const SEED = Number(process.env.FOREWARM_SEED ?? Date.now() % 2 ** 31)
console.log(`seed ${SEED}; FOREWARM_SEED=${SEED} runs the same writes again`)

/** A Redis for these tests alone, because they stop and empty it. */
let redis: Stack
const opened: JsonCache<number>[] = []

beforeAll(async () => {
  redis = await startStack({ brokers: 0 })
})
afterEach(async () => {
  redis.resumeRedis()
  await redis.startRedis()
  await Promise.all(opened.splice(0).map((cache) => cache.close()))
})
afterAll(() => redis?.stop())

async function openedCache(chain: string, env: Record<string, string> = {}, more: JsonCacheOptions = {}) {
  const all = { REDIS_URL: redis.redisUrl, REDIS_COMMAND_TIMEOUT_MS: '5000', ...env }
  const cache = await createCache<number>({ usePriceMatrix: false, chain, ...more, env: all })
  opened.push(cache)
  return cache
}

const written = (cache: JsonCache<number>) => until('all is written', () => cache.stats().writes.waiting === 0)

async function connected<T>(body: (raw: Redis) => Promise<T>): Promise<T> {
  const raw = new Redis(redis.redisUrl ?? '')
  try {
    return await body(raw)
  } finally {
    raw.disconnect()
  }
}

/** What a process reads that has seen none of the keys. */
async function readFresh(chain: string, ...keys: readonly string[]) {
  const cache = await openedCache(chain)
  const readings = await cache.getMany(keys)
  return readings.map((reading) => (typeof reading === 'object' ? reading.value : reading))
}

test('while Redis is away values of any kind are read and set in L1, and Redis gets the newest of each key afterwards', async () => {
  const chain = uniqueName('chain')
  const cache = await openedCache(chain)
  cache.set('A', 1)
  await written(cache)
  await redis.stopRedis()
  await until('the cache knows that Redis is away', () => cache.get('NONE') === 'unavailable')
  expect(await cache.getOrLoad('NONE')).toBe('unavailable')
  for (const value of [2, 3, 4]) expect(cache.set('A', value)).toBe('stored')
  expect(cache.set('B', 1)).toBe('stored')
  expect(await cache.getOrLoad('A')).toMatchObject({ value: 4 })
  expect(cache.stats().writes).toMatchObject({ waiting: 2, skipped: 0 })
  await redis.startRedis()
  await written(cache)
  expect(await readFresh(chain, 'A', 'B', 'NONE')).toEqual([4, 1, 'missing'])
})

test('while Redis stands still values of any kind are read from L1, and what L1 lacks is unavailable', async () => {
  const chain = uniqueName('chain')
  const cache = await openedCache(chain, { REDIS_COMMAND_TIMEOUT_MS: '200' })
  cache.set('A', 1)
  await written(cache)
  expect(await cache.getOrLoad('A')).toMatchObject({ value: 1 })
  redis.pauseRedis()
  expect(await cache.getMany(['A', 'NONE'])).toMatchObject([{ value: 1 }, 'unavailable'])
  expect([cache.set('A', 2), await cache.delete('B')]).toEqual(['stored', 'unavailable'])
  expect(await cache.getOrLoad('A')).toMatchObject({ value: 2 })
  redis.resumeRedis()
  await until('Redis is asked again', async () => (await cache.getOrLoad('NONE')) === 'missing')
  await written(cache)
  expect(await readFresh(chain, 'A', 'B')).toEqual([2, 'missing'])
})

test('what Redis has lost of values of any kind is written again from L1, and a deletion stays one', async () => {
  const chain = uniqueName('chain')
  const cache = await openedCache(chain)
  const other = await openedCache(chain)
  for (const key of ['A', 'B', 'C']) cache.set(key, 1)
  await written(cache)
  expect(await other.getOrLoad('B')).toMatchObject({ value: 1 })
  expect(await cache.delete('B')).toBe('deleted')
  await connected(async (raw) => {
    await raw.flushall()
    await raw.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  })
  await until('A and C are there again', async () => (await readFresh(chain, 'A', 'C')).join() === '1,1')
  expect(await readFresh(chain, 'B')).toEqual(['missing'])
})

test('a cache of values that is closed while Redis is away says how many Redis did not get', async () => {
  const chain = uniqueName('chain')
  const cache = await openedCache(chain, { REDIS_COMMAND_TIMEOUT_MS: '100' })
  await redis.stopRedis()
  cache.set('A', 1)
  await cache.close()
  expect(cache.stats().writes).toEqual({ tooLarge: 0, waiting: 0, skipped: 1 })
})

test('after a pause of its connections a cache does not go on with values that it was not told of', async () => {
  const chain = uniqueName('chain')
  const [a, b] = [await openedCache(chain), await openedCache(chain)]
  a.set('A', 1)
  await written(a)
  expect(await b.getOrLoad('A')).toMatchObject({ value: 1 })
  await until('B is told of changes', async () => {
    await b.getOrLoad('A')
    return connected(async (raw) => /flags=[a-zA-Z]*t/.test(String(await raw.client('LIST'))))
  })
  await connected((raw) => raw.call('CLIENT', 'KILL', 'TYPE', 'pubsub'))
  a.set('A', 2)
  await written(a)
  await until('B reads the second value without waiting for its time', async () => {
    const reading = await b.getOrLoad('A')
    return typeof reading === 'object' && reading.value === 2
  })
})

test('of what several processes set and delete at the same time, in any order, the newest of each key stays for all', async () => {
  const random = mulberry32(SEED)
  const pick = (below: number) => Math.floor(random() * below)
  const chain = uniqueName('chain')
  const keys = ['A', 'B', 'C', 'D']
  const caches = [await openedCache(chain), await openedCache(chain, { L2_FLUSH_MS: '1' })]
  caches.push(await openedCache(chain, { L2_FLUSH_MS: '40' }), await openedCache(chain, {}, { l1Slots: 1 }))
  const newest = new Map<string, { readonly atMs: number; readonly value: number | 'missing' }>()
  const startMs = Date.now() - 20_000
  const times = Array.from({ length: 400 }, (_, at) => startMs + at).sort(() => random() - 0.5)
  const deletions: Promise<unknown>[] = []
  for (const [value, atMs] of times.entries()) {
    const key = keys[pick(keys.length)] as string
    const cache = caches[pick(caches.length)] as JsonCache<number>
    const isDeletion = pick(5) === 0
    if (isDeletion) deletions.push(cache.delete(key, { eventTimeMs: atMs }))
    else cache.set(key, value, { eventTimeMs: atMs })
    if (pick(4) === 0) void cache.getOrLoad(keys[pick(keys.length)] as string)
    if (atMs > (newest.get(key)?.atMs ?? 0)) newest.set(key, { atMs, value: isDeletion ? 'missing' : value })
    if (pick(10) === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all([...deletions, ...caches.map(written)])
  const expected = keys.map((key) => newest.get(key)?.value)
  expect(await readFresh(chain, ...keys)).toEqual(expected)
  for (const cache of caches)
    await until('it reads the same', async () => {
      const readings = await cache.getMany(keys)
      const values = readings.map((reading) => (typeof reading === 'object' ? reading.value : reading))
      return JSON.stringify(values) === JSON.stringify(expected)
    })
})
