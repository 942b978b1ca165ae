import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import { createCache } from '../../../standalone/cache.ts'

const PAIRS = 300_000

/** A Redis for this test alone, because it counts the keys. */
let redis: Stack
let raw: Redis

beforeAll(async () => {
  redis = await startStack({ brokers: 0 })
  raw = new Redis(redis.redisUrl ?? '')
})
afterAll(async () => {
  raw?.disconnect()
  await redis?.stop()
})

test('all values that a cache has stored in one loop are in Redis when it is closed', async () => {
  // Few slots in L1: what waits for Redis is nowhere else.
  const env = { REDIS_URL: redis.redisUrl, CACHE_L1_SLOTS: '1000', REDIS_COMMAND_TIMEOUT_MS: '10000' }
  const cache = await createCache({ env })
  const outcomes = new Set<string>()
  for (let pair = 0; pair < PAIRS; pair++) outcomes.add(cache.set(`P${pair}`, { price: pair }))
  await cache.close()
  const keys = await raw.keys('*:P*')
  expect([[...outcomes], keys.length]).toEqual([['stored'], PAIRS])
})
