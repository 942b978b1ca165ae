import { afterEach, expect, it } from '@jest/globals'
import { PairKeys } from '../../../src/cache/l2/redis/keys.ts'
import { TrackedReads } from '../../../src/cache/l2/redis/tracked-reads.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { Sources } from '../../../src/cache/sources/sources.ts'
import { systemTimer } from '../../../src/timer.ts'
import { until } from '../../harness/until.ts'
import { ScriptedRedis } from '../l2/redis/scripted-redis.ts'

const NOPERM = "-NOPERM this user has no permissions to run the 'x' command"
const close: (() => unknown)[] = []
afterEach(async () => {
  for (const each of close.splice(0).reverse()) await each()
})

/** A Redis that refuses to track reads, and another command, with a reader of it. */
async function reader({ isCluster = false, refused = '', refusal = NOPERM } = {}) {
  const redis = new ScriptedRedis((name) => {
    if (name === refused) return refusal
    if (name === 'TIME') return '*2\r\n$10\r\n1700000000\r\n$1\r\n0'
    if (name === 'HGETALL' || name === 'MGET') return '*0'
    return name === 'SUBSCRIBE' ? NOPERM : '+OK'
  })
  const url = await redis.listen()
  const address = new URL(url).host
  const table = new PairTable({ maxPairs: 16 })
  const servers = { masters: [address], masterOf: () => servers.masters[0], mixesChains: true, learn() {}, edition: 0 }
  const told: string[] = []
  const state = { nowMs: 0, inUse: new Set<number>() as ReadonlySet<number> }
  const reads = new TrackedReads({
    now: () => state.nowMs,
    servers,
    isCluster,
    url,
    keys: new PairKeys(table, 's'),
    table,
    sources: new Sources(),
    connectionName: 'x',
    commandTimeoutMs: 250,
    timer: systemTimer,
    random: () => 0,
  })
  close.push(
    () => redis.close(),
    () => reads.close(),
  )
  reads.open({
    armed: (way) => told.push(way),
    lost: () => told.push('lost'),
    changed: () => undefined,
    dropIdle: () => state.inUse,
    refused: () => told.push('refused'),
    limited: (reason) => told.push(reason),
  })
  await until('it is armed', () => told.includes('poll'))
  return { redis, reads, told, servers, table, state }
}

it.each(['HGETALL', 'TIME'])(
  'a Redis that refuses %s is polled without stamps, and this is said once',
  async (name) => {
    const { redis, reads, told } = await reader({ refused: name })
    const { connections } = redis
    for (let fence = 0; fence < 20; fence++) expect(await reads.stamps()).toEqual(new Map())
    expect(told).toEqual(['refused', 'poll', expect.stringMatching(/cannot be read: NOPERM/)])
    expect(redis.received.filter((each) => each === name).length).toBeLessThan(20)
    expect(redis.connections).toBe(connections)
  },
)

it('a Redis that refuses the key of the readers of stamps still gives them, and this is said once', async () => {
  const { reads, told } = await reader({ refused: 'SET' })
  for (let fence = 0; fence < 20; fence++) expect(await reads.stamps()).toEqual(new Map())
  expect(told).toEqual(['refused', 'poll', expect.stringMatching(/cannot be set: NOPERM/)])
})

it.each([
  ['a Redis that is full is asked to take the key of the readers at each reading until it does', '-OOM full', 20],
  ['a Redis that refuses the key of the readers to this user is not asked again at once', NOPERM, 1],
])('%s', async (_, refusal, times) => {
  const { redis, reads } = await reader({ refused: 'SET', refusal })
  const count = () => redis.received.filter((each) => each === 'SET').length
  const before = count()
  for (let fence = 0; fence < 20; fence++) await reads.stamps()
  expect(count() - before).toBe(times)
})

it('masters that L2 learns of are connected to, after what was read of the others has come into doubt', async () => {
  const one = await reader({ isCluster: true })
  const other = await reader({ isCluster: true })
  one.servers.masters = other.servers.masters
  one.servers.edition++
  expect(await one.reads.stamps()).toBeUndefined()
  expect(one.told.slice(2)).toEqual(['lost'])
  await until('it is armed', () => one.told.at(-1) === 'poll')
})

it('pairs are read again when slots have moved between masters, without new connections', async () => {
  const { redis, reads, told, servers } = await reader({ isCluster: true })
  const { connections } = redis
  servers.edition++
  expect(await reads.stamps()).toBeUndefined()
  expect(told.slice(2)).toEqual(['lost', 'poll'])
  expect(await reads.stamps()).toEqual(new Map())
  expect(redis.connections).toBe(connections)
})

it('the stamps beside a chain are read while one of its pairs is in use, though no value of it was found', async () => {
  const { redis, reads, table, state } = await reader({ isCluster: true })
  const pairId = table.register('ethereum', 'A')
  expect(await reads.stamps()).toEqual(new Map())
  await reads.read([pairId])
  const stampsRead = () => redis.received.filter((name) => name === 'HGETALL').length
  state.inUse = new Set([table.chainOf(pairId)])
  for (let fence = 0; fence < 3; fence++) {
    state.nowMs += 2_000
    await reads.stamps()
  }
  expect(stampsRead()).toBe(3)
  state.inUse = new Set()
  for (let fence = 0; fence < 3; fence++) {
    state.nowMs += 2_000
    await reads.stamps()
  }
  expect(stampsRead()).toBe(4)
})
