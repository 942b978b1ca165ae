import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import { type Cache, createCache } from '../../../standalone/cache.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'

/** A Redis for these tests alone, because they cut its connections. */
let redis: Stack
let raw: Redis
const opened: Cache[] = []

beforeAll(async () => {
  redis = await startStack({ brokers: 0 })
  raw = new Redis(redis.redisUrl ?? '')
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((cache) => cache.close()))
})
afterAll(async () => {
  raw?.disconnect()
  await redis?.stop()
})

async function caches(chain: string, count: number, env: Record<string, string> = {}): Promise<Cache[]> {
  const made: Cache[] = []
  for (let at = 0; at < count; at++)
    made.push(
      await createCache({ chain, env: { REDIS_URL: redis.redisUrl, REDIS_COMMAND_TIMEOUT_MS: '10000', ...env } }),
    )
  opened.push(...made)
  return made
}

/** Waits until the value can be read by a cache that has not seen it. */
async function inRedis(chain: string, pair: string): Promise<void> {
  await until(`${pair} is in Redis`, async () => {
    const [fresh] = await caches(chain, 1)
    return (await fresh?.getOrLoad(pair)) !== 'missing'
  })
}

async function readFresh(chain: string, pair: string) {
  const [fresh] = await caches(chain, 1)
  return fresh?.getOrLoad(pair)
}

test('a deleted pair does not come back by what another process pushes back to Redis', async () => {
  const chain = uniqueName('chain')
  const [a, b] = (await caches(chain, 2)) as [Cache, Cache]
  a.set('X', { price: 1 })
  await inRedis(chain, 'X')
  expect(await b.getOrLoad('X')).toMatchObject({ price: 1 })
  b.set('MARK', { price: 1 })
  await inRedis(chain, 'MARK')
  await a.delete('X')
  await raw.unlink((await raw.keys('*MARK')).at(-1) ?? '')
  await raw.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  // The mark shows that B has pushed back all that it had.
  await until('B pushed back', async () => (await raw.keys(`*${chain}*MARK`)).length === 1)
  expect(await readFresh(chain, 'X')).toBe('missing')
})

test('a deleted pair does not come back by a row that another process wrote late, nor by one that did not know it', async () => {
  const chain = uniqueName('chain')
  const [late] = (await caches(chain, 1, { L2_FLUSH_MS: '60000' })) as [Cache]
  const [a] = (await caches(chain, 1)) as [Cache]
  late.set('X', { price: 1 })
  await a.delete('X')
  await late.close()
  expect(await readFresh(chain, 'X')).toBe('missing')
  a.set('X', { price: 2 })
  await inRedis(chain, 'X')
  expect(await readFresh(chain, 'X')).toMatchObject({ price: 2 })
})

test('a process that reads a deleted pair from Redis drops its own value', async () => {
  const chain = uniqueName('chain')
  const [a, b] = (await caches(chain, 2)) as [Cache, Cache]
  a.set('X', { price: 1, eventTimeMs: Date.now() - 1_000 })
  await inRedis(chain, 'X')
  expect(await b.getOrLoad('X')).toMatchObject({ price: 1 })
  await a.delete('X')
  expect(b.get('X')).toMatchObject({ price: 1 })
  expect(await b.getOrLoad('X', { maxAgeMs: 500 })).toBe('missing')
  expect(await b.getOrLoad('X')).toBe('missing')
  expect(b.set('X', { price: 1, eventTimeMs: Date.now() - 1_000 })).toBe('older')
})

test('a value that Redis refuses because it has a newer one does not stay in L1', async () => {
  const chain = uniqueName('chain')
  const now = Date.now()
  const [before] = (await caches(chain, 1)) as [Cache]
  before.set('X', { price: 2, eventTimeMs: now })
  await before.close()
  const [after] = (await caches(chain, 1)) as [Cache]
  after.set('X', { price: 1, eventTimeMs: now - 5_000 })
  await until('the refusal has come', async () => {
    const reading = await after.getOrLoad('X')
    return typeof reading === 'object' && reading.price === 2
  })
  expect(after.set('X', { price: 1, eventTimeMs: now - 4_000 })).toBe('older')
})

test('a deletion outlives a flush of Redis: what another process pushes back does not revive the pair', async () => {
  const chain = uniqueName('chain')
  const [a, b] = (await caches(chain, 2)) as [Cache, Cache]
  a.set('X', { price: 1 })
  a.set('MARK-A', { price: 1 })
  await inRedis(chain, 'X')
  expect(await b.getOrLoad('X')).toMatchObject({ price: 1 })
  b.set('MARK-B', { price: 1 })
  await inRedis(chain, 'MARK-B')
  expect(await a.delete('X')).toBe('deleted')
  await raw.flushall()
  await raw.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  await until('both have pushed back', async () => (await raw.keys(`*${chain}*MARK-*`)).length === 2)
  // B pushes X back in the slice of its mark, and A its deletions before its mark.
  expect(await readFresh(chain, 'X')).toBe('missing')
})

test('a deletion outlives the process that made it, and a flush, if another process has read it', async () => {
  const chain = uniqueName('chain')
  const [a, b, c] = (await caches(chain, 3)) as [Cache, Cache, Cache]
  a.set('X', { price: 1 })
  await inRedis(chain, 'X')
  expect(await b.getOrLoad('X')).toMatchObject({ price: 1 })
  for (const [cache, mark] of [
    [b, 'MARK-B'],
    [c, 'MARK-C'],
  ] as const) {
    cache.set(mark, { price: 1 })
    await inRedis(chain, mark)
  }
  await a.delete('X')
  await a.close()
  expect(await c.getOrLoad('X')).toBe('missing')
  await raw.flushall()
  await raw.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  await until('both have pushed back', async () => (await raw.keys(`*${chain}*MARK-*`)).length === 2)
  expect(await readFresh(chain, 'X')).toBe('missing')
})

test('a deletion up to a time leaves a newer value of another process, in both orders', async () => {
  const chain = uniqueName('chain')
  const [a, b] = (await caches(chain, 2)) as [Cache, Cache]
  const atMs = Date.now() - 5_000
  b.set('X', { price: 2, eventTimeMs: atMs + 1 })
  await inRedis(chain, 'X')
  expect(await a.delete('X', { eventTimeMs: atMs })).toBe('older')
  expect(await a.delete('Y', { eventTimeMs: atMs })).toBe('deleted')
  b.set('Y', { price: 2, eventTimeMs: atMs + 1 })
  await inRedis(chain, 'Y')
  for (const pair of ['X', 'Y']) expect(await readFresh(chain, pair)).toMatchObject({ price: 2 })
  expect(await a.delete('X')).toBe('deleted')
  expect(await readFresh(chain, 'X')).toBe('missing')
})

test('a deletion while Redis is away reaches it later, and does not undo what another process set after it', async () => {
  const chain = uniqueName('chain')
  const [a] = (await caches(chain, 1, { REDIS_COMMAND_TIMEOUT_MS: '200' })) as [Cache]
  for (const pair of ['X', 'Y']) a.set(pair, { price: 1 })
  await inRedis(chain, 'X')
  await inRedis(chain, 'Y')
  await raw.call('CLIENT', 'PAUSE', '1500', 'WRITE')
  expect(await Promise.all(['X', 'Y'].map((pair) => a.delete(pair)))).toEqual(['unavailable', 'unavailable'])
  const [b] = (await caches(chain, 1)) as [Cache]
  b.set('Y', { price: 2, eventTimeMs: Date.now() + 1_000 })
  await until('X is deleted', async () => (await readFresh(chain, 'X')) === 'missing')
  await inRedis(chain, 'Y')
  expect(await readFresh(chain, 'Y')).toMatchObject({ price: 2 })
})

test('a deletion says what became of it when the cache is closed or full, or the name is impossible', async () => {
  const chain = uniqueName('chain')
  const [a] = (await caches(chain, 1, { MAX_PAIRS: '2' })) as [Cache]
  a.set('X', { price: 1 })
  a.set('Y', { price: 1 })
  expect(await a.delete('Z')).toBe('too-many-pairs')
  await expect(a.delete('a\0b')).rejects.toMatchObject({ code: 'bad-value' })
  await a.close()
  expect(await a.delete('X')).toBe('closed')
})
