import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import type { L2 } from '../../../src/cache/l2/l2.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { closeLevels, loaded, startLevel, write, written } from './redis-levels.ts'

/** Users with the rights that docs/cache.md lists and no others, and with one of them less. */
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

const KEYS = '~fw:rights:*'
const INSIDE = ['+get', '+set']
const NEEDED = ['+mget', '+time', '+ping']
const OPTIONAL = ['+client|setname', '+info', '+dbsize']
const WAYS = [
  ['functions', ['+function|load', '+fcall']],
  ['scripts', ['+script|load', '+evalsha']],
] as const

async function levelWith(rights: readonly string[], database = '') {
  const url = new URL(redis.redisUrl ?? '')
  url.pathname = database
  url.username = uniqueName('user')
  url.password = 'secret'
  await raw.call('ACL', 'SETUSER', url.username, 'on', '>secret', ...rights)
  const table = new PairTable({ maxPairs: 10 })
  const ids = [table.register(uniqueName('chain'), 'a')]
  const l2 = await startLevel({ url: url.href, table, service: 'rights' })
  return { l2, ids, user: url.username }
}

/** Why a level cannot be used as it is meant to; undefined if it can. */
async function failureOf(l2: L2, ids: readonly number[]): Promise<string | undefined> {
  for (const reply of [await write(l2, ids, 5), await l2.load(ids), await write(l2, ids, 3)])
    if (reply.status === 'unavailable') return reply.reason
  expect(await l2.load(ids)).toEqual(loaded(5))
  return undefined
}

test.each(WAYS)('a user who may use %s needs the listed rights and no others', async (_, way) => {
  const { l2, ids } = await levelWith([KEYS, ...INSIDE, ...NEEDED, ...way])
  expect(await write(l2, ids, 5)).toEqual(written(1))
  expect(await failureOf(l2, ids)).toBeUndefined()
  expect(l2.state()).toEqual({ status: 'up' })
})

test.each(WAYS)('a user who may use %s, with the optional rights, is told what Redis holds', async (_, way) => {
  const { l2 } = await levelWith([KEYS, ...INSIDE, ...NEEDED, ...OPTIONAL, ...way])
  l2.measure?.()
  await until('it is measured', () => l2.usage !== undefined)
})

test.each(
  WAYS.flatMap(([name, way]) =>
    [...INSIDE, '+mget', '+time', ...way].map((missing) => [name, missing, [...INSIDE, ...NEEDED, ...way]] as const),
  ),
)(
  'a user who may use %s without the right %s is told what is missing, and writes nothing older',
  async (_, missing, rights) => {
    const { l2, ids } = await levelWith([KEYS, ...rights.filter((right) => right !== missing)])
    // Without functions, scripts are tried. What is missing then is what they need.
    const command = missing === '+function|load' ? 'script|load' : missing.slice(1)
    expect(await failureOf(l2, ids)).toMatch(new RegExp(`\\b${command.replace('|', '\\|')}\\b`, 'i'))
  },
)

test('a user who may not use the keys of the service is told so', async () => {
  const { l2, ids } = await levelWith(['~fw:other:*', ...INSIDE, ...NEEDED, ...WAYS[0][1]])
  expect(await failureOf(l2, ids)).toMatch(/NOPERM.*keys/)
})

test('a user who may PING is served again when reads have failed, and without that right is told so', async () => {
  const { l2, ids, user } = await levelWith([KEYS, ...INSIDE, ...NEEDED, ...WAYS[0][1]])
  await raw.call('ACL', 'SETUSER', user, '-mget', '-ping')
  for (let failure = 0; failure < 5; failure++) expect(await l2.load(ids)).toMatchObject({ status: 'unavailable' })
  await raw.call('ACL', 'SETUSER', user, '+mget')
  await until('the reason is told', () => {
    const state = l2.state()
    return state.status === 'degraded' && /\bping\b/i.test(state.reason)
  })
  await raw.call('ACL', 'SETUSER', user, '+ping')
  await until('it is served again', () => l2.state().status === 'up')
  expect(await failureOf(l2, ids)).toBeUndefined()
})

test('a user needs the right to SELECT for a database of its own, and without it nothing is written anywhere', async () => {
  const rights = [KEYS, ...INSIDE, ...NEEDED, ...WAYS[0][1]]
  const allowed = await levelWith([...rights, '+select'], '/7')
  const before = await raw.dbsize()
  expect(await failureOf(allowed.l2, allowed.ids)).toBeUndefined()
  expect(await raw.dbsize()).toBe(before)
  const refused = await levelWith(rights, '/7')
  await until('the reason is told', async () => {
    expect(await write(refused.l2, refused.ids, 5)).toMatchObject({ status: 'unavailable' })
    const state = refused.l2.state()
    return state.status === 'degraded' && /\bselect\b/i.test(state.reason)
  })
  expect(await raw.dbsize()).toBe(before)
})
