import { afterAll, beforeAll, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import { createRedisL2 } from '../../../src/cache/l2/redis/redis.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { systemClock } from '../../../src/clock.ts'
import { newestWins, writes } from '../../cache/l2/properties.ts'
import { type Mutant, mutantOf } from '../../harness/mutant.ts'
import { until } from '../../harness/until.ts'

const SEED = Number(process.env.FOREWARM_SEED ?? Date.now() % 2 ** 31)
console.log(`seed ${SEED}; FOREWARM_SEED=${SEED} runs the same writes again`)

/** A Redis for this test alone, because the mutated library takes the place and the name of ours. */
let redis: Stack
const mutants: Mutant[] = []

beforeAll(async () => {
  redis = await startStack({ brokers: 0 })
})
afterAll(async () => {
  for (const mutant of mutants) mutant.remove()
  await redis?.stop()
})

function mutated(name: string, from: string, to: string): string {
  const mutant = mutantOf(new URL(`../../../src/cache/l2/redis/${name}`, import.meta.url), from, to)
  mutants.push(mutant)
  return mutant.url
}

/** Whether Redis holds the newest of several writes, in each of 300 orders. */
async function newestIsStored(create: typeof createRedisL2): Promise<boolean> {
  const table = new PairTable({ maxPairs: 10_000 })
  const url = redis.redisUrl ?? ''
  const l2 = create({ url, table, clock: systemClock, random: Math.random, ttlMs: 3_600_000, commandTimeoutMs: 5_000 })
  try {
    await l2.start()
    await until('Redis is reached', () => l2.state().status === 'up')
    const pairs = () => [0, 1, 2].map((pair) => table.register('ethereum', `${table.size}-${pair}`))
    const property = fc.asyncProperty(writes, (writes) => newestWins(l2, pairs(), writes))
    const details = await fc.check(property, { numRuns: 300, endOnFailure: true, seed: SEED })
    return !details.failed
  } finally {
    await l2.close()
  }
}

test('Redis holds the newest write with the version compare inside it, and an older one without', async () => {
  const library = mutated('library.ts', 'if version < lowest then', 'if false then')
  const calls = mutated('calls.ts', './library.ts', library)
  const server = mutated('server.ts', './calls.ts', calls)
  const blind = await import(mutated('redis.ts', './server.ts', server))
  expect(await newestIsStored(blind.createRedisL2)).toBe(false)
  await redis.stopRedis()
  await redis.startRedis()
  expect(await newestIsStored(createRedisL2)).toBe(true)
})
