import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { ScriptedRedis } from '../../cache/l2/redis/scripted-redis.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { closeLevels, isUp, loaded, openLevel, startLevel, write, written } from './redis-levels.ts'

/** A Redis for these tests alone, because they change its users. */
let redis: Stack
let raw: Redis

beforeAll(async () => {
  redis = await startStack({ brokers: 0 })
  raw = new Redis(redis.redisUrl ?? '')
})
afterEach(closeLevels)
afterAll(async () => {
  raw?.disconnect()
  await redis?.stop()
})

function pairs(count: number) {
  const table = new PairTable({ maxPairs: 100 })
  const chain = uniqueName('chain')
  return { table, ids: Array.from({ length: count }, (_, at) => table.register(chain, `p${at}`)) }
}

async function asUser(...rules: string[]): Promise<string> {
  const name = uniqueName('user')
  await raw.call('ACL', 'SETUSER', name, 'on', '>secret', '~*', '+@all', ...rules)
  const url = new URL(redis.redisUrl ?? '')
  url.username = name
  url.password = 'secret'
  return url.href
}

it('a level whose user may load functions and not call them writes by scripts', async () => {
  const { table, ids } = pairs(2)
  const l2 = await openLevel({ url: await asUser('-fcall'), table })
  expect(await write(l2, ids, 5)).toEqual(written(2))
  expect(await l2.load(ids)).toEqual(loaded(5, 5))
  expect(l2.state()).toEqual({ status: 'up' })
})

it('a level whose user loses the right to call functions goes on by scripts', async () => {
  const { table, ids } = pairs(2)
  const url = await asUser()
  const l2 = await openLevel({ url, table })
  expect(await write(l2, ids, 5)).toEqual(written(2))
  await raw.call('ACL', 'SETUSER', new URL(url).username, '-fcall', '-function')
  expect(await write(l2, ids, 6)).toEqual(written(2))
  expect(await write(l2, ids, 7)).toEqual(written(2))
  expect(await l2.load(ids)).toEqual(loaded(7, 7))
})

it('a level is up at a Redis that does not let it ask for INFO, or has renamed that', async () => {
  const { table, ids } = pairs(1)
  const forbidden = await openLevel({ url: await asUser('-info'), table })
  expect(await write(forbidden, ids, 5)).toEqual(written(1))
  const renamed = new ScriptedRedis((name) => (name === 'MGET' ? '*1\r\n$-1' : '+OK'))
  renamed.info = "-ERR unknown command 'INFO'"
  const l2 = await startLevel({ url: await renamed.listen(), table })
  await isUp(l2)
  expect(await l2.load(ids)).toEqual(loaded(undefined))
  await l2.close()
  await renamed.close()
})

it.each(['16', '99999'])('a database that the server does not have is a failed connection: /%s', async (database) => {
  const { table, ids } = pairs(1)
  const url = new URL(redis.redisUrl ?? '')
  url.pathname = `/${database}`
  const l2 = await startLevel({ url: url.href, table })
  await until('the reason is told', () => {
    const state = l2.state()
    return state.status === 'degraded' && /DB index is out of range/.test(state.reason)
  })
  const keys = await raw.dbsize()
  expect(await write(l2, ids, 5)).toMatchObject({
    status: 'unavailable',
    reason: expect.stringContaining('out of range'),
  })
  expect(await raw.dbsize()).toBe(keys)
})

it('a level writes to the database that its URL names', async () => {
  const { table, ids } = pairs(1)
  const url = new URL(redis.redisUrl ?? '')
  url.pathname = '/5'
  const l2 = await openLevel({ url: url.href, table })
  const before = await raw.dbsize()
  expect(await write(l2, ids, 5)).toEqual(written(1))
  expect(await raw.dbsize()).toBe(before)
})
