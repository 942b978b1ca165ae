import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import { createCache } from '../../../standalone/cache.ts'

const PAIRS = 1_000_000
/** For names, rows that wait, and what is on its way to Redis. */
const MOST_MB = 768

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

test('all of a million values that a cache has stored in one loop are in Redis when it is closed, in bounded memory', async () => {
  // Few slots in L1: what waits for Redis is nowhere else.
  const env = { REDIS_URL: redis.redisUrl, CACHE_L1_SLOTS: '1000' }
  const cache = await createCache({ env })
  const beforeKb = process.resourceUsage().maxRSS
  const outcomes = new Set<string>()
  for (let pair = 0; pair < PAIRS; pair++) outcomes.add(cache.set(`P${pair}`, { price: pair }))
  await cache.close()
  const grownMb = (process.resourceUsage().maxRSS - beforeKb) / 1024
  const keys = await raw.keys('*:P*')
  expect([[...outcomes], keys.length]).toEqual([['stored'], PAIRS])
  expect(grownMb).toBeLessThan(MOST_MB)
}, 120_000)
