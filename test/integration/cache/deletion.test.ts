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
