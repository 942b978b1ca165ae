import { afterEach, describe, expect, it } from '@jest/globals'
import type { L2 } from '../../../../src/cache/l2/l2.ts'
import { createRedisL2 } from '../../../../src/cache/l2/redis/redis.ts'
import { PairTable } from '../../../../src/cache/names/pair-table.ts'
import { systemClock } from '../../../../src/clock.ts'
import { until } from '../../../harness/until.ts'
import { columnsOf } from '../columns.ts'
import { type Script, ScriptedRedis } from './scripted-redis.ts'

/** Enough time for an answer on a busy machine. */
const ANSWERED_MS = 5_000
/** For a server that does not answer, because all of this time is waited. */
const SILENT_MS = 500
/** Bytes that are no value. What is absent would be looked for under keys of earlier releases, too. */
const [NOTHING, TWO_NOTHINGS] = ['*1\r\n$1\r\nx', '*2\r\n$1\r\nx\r\n$1\r\nx']
const TIME = '*2\r\n$10\r\n1700000000\r\n$1\r\n0'

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})

const table = new PairTable({ maxPairs: 100 })
const pairId = table.register('ethereum', 'a')
const elsewhere = table.register('solana', 'a')
const OPTIONS = { table, clock: systemClock, random: Math.random, ttlMs: 60_000, commandTimeoutMs: ANSWERED_MS }

/** Loads the library like Redis 7; `script` answers the rest. */
function prepared(script: Script): Script {
  return (name, args) => (name === 'TIME' ? TIME : name === 'FUNCTION' ? '$3\r\nlib' : script(name, args))
}

async function against(script: Script, commandTimeoutMs = ANSWERED_MS): Promise<{ redis: ScriptedRedis; l2: L2 }> {
  const redis = new ScriptedRedis(script)
  const url = await redis.listen()
  opened.push(redis)
  const l2 = createRedisL2({ url, ...OPTIONS, commandTimeoutMs })
  opened.push(l2)
  await l2.start()
  await until('Redis is reached', () => l2.state().status === 'up')
  return { redis, l2 }
}

const write = (l2: L2, version = 1) => l2.write(columnsOf([{ pairId, version }]), 0, 1)

/** On each connection, one MGET finds out whether Redis takes keys of several slots together. */
function loadsOf({ received, connections }: ScriptedRedis): number {
  return received.filter((name) => name === 'MGET').length - connections
}

describe('a Redis level', () => {
  it.each([
    ['LOADING Redis is loading the dataset in memory'],
    ['MOVED 3999 127.0.0.1:6381'],
    ['MASTERDOWN Link with MASTER is down'],
    ['BUSY Redis is busy running a script'],
    ['NOPERM this user has no permissions'],
  ])('gives as a reason: %s', async (error) => {
    const { l2 } = await against(prepared(() => `-${error}`))
    expect(await l2.load([pairId])).toEqual({ status: 'unavailable', reason: error })
    expect(await write(l2)).toEqual({ status: 'unavailable', reason: error })
    expect(await l2.delete([{ pairId, version: 0 }])).toEqual({ status: 'unavailable', reason: error })
  })

  it('is connected, or has a reason why not, when its start has ended', async () => {
    const redis = new ScriptedRedis(prepared(() => '*1\r\n$-1'))
    opened.push(redis)
    const states = []
    for (const url of [await redis.listen(), 'redis://127.0.0.1:1']) {
      const l2 = createRedisL2({ url, ...OPTIONS })
      opened.push(l2)
      await l2.start()
      states.push(l2.state())
    }
    expect(states).toMatchObject([{ status: 'up' }, { reason: expect.stringContaining('ECONNREFUSED') }])
  })

  it('gives a reason for an impossible answer, and asks again', async () => {
    const { redis, l2 } = await against(prepared(() => '*-1'))
    for (let load = 0; load < 2; load++)
      expect(await l2.load([pairId])).toEqual({ status: 'unavailable', reason: expect.stringContaining('null') })
    expect(loadsOf(redis)).toBe(2)
  })

  it.each([
    ['takes pairs of several chains in one command', TWO_NOTHINGS, ['FCALL', 'MGET']],
    [
      'takes a command for each chain if Redis refuses keys of several slots',
      "-CROSSSLOT Keys in request don't hash to the same slot",
      ['FCALL', 'FCALL', 'MGET', 'MGET'],
    ],
  ])('%s', async (_, answer, commands) => {
    let mget = answer
    const { redis, l2 } = await against(prepared((name) => (name === 'MGET' ? mget : ':1')))
    // Its answer comes after those to the commands of the new connection.
    await l2.delete([{ pairId, version: 0 }])
    mget = TWO_NOTHINGS
    const before = redis.received.length
    const rows = [pairId, elsewhere].map((id) => ({ pairId: id, version: 1 }))
    await l2.write(columnsOf(rows), 0, rows.length)
    await l2.load([pairId, elsewhere])
    expect(redis.received.slice(before)).toEqual(commands)
  })

  it('keeps what it found when it cannot look under the keys of earlier releases for the rest', async () => {
    const { l2 } = await against(
      prepared((name, keys) => {
        if (name !== 'MGET') return ':1'
        return keys.some((key) => key.startsWith('fw:{')) ? '-LOADING' : '*2\r\n$1\r\nx\r\n$-1'
      }),
    )
    expect(await l2.load([pairId, table.register('ethereum', 'b')])).toEqual({
      status: 'loaded',
      rows: [undefined, undefined],
      unknown: new Set([1]),
    })
  })

  it('falls back to scripts if Redis has no functions', async () => {
    const { redis, l2 } = await against((name) => {
      if (name === 'TIME') return TIME
      if (name === 'FUNCTION') return "-ERR unknown command 'FUNCTION', with args beginning with: 'LOAD'"
      if (name === 'SCRIPT') return '$3\r\nsha'
      return name === 'EVALSHA' ? ':1' : '-ERR unexpected'
    })
    expect(await write(l2)).toEqual({ status: 'written', written: 1, older: 0 })
    expect(redis.received).not.toContain('FCALL')
  })

  it('stops asking after five failures, probes, and asks again when a probe succeeds', async () => {
    let loading = true
    const { redis, l2 } = await against(
      prepared((name) => (loading ? '-LOADING' : name === 'PING' ? '+PONG' : '*1\r\n$-1')),
    )
    for (let failure = 0; failure < 5; failure++) await l2.load([pairId])
    expect(l2.state()).toMatchObject({ status: 'degraded', reason: 'LOADING' })
    expect(await l2.load([pairId])).toEqual({ status: 'unavailable', reason: 'LOADING' })
    expect(loadsOf(redis)).toBe(5)
    await until('it was probed', () => redis.received.filter((name) => name === 'PING').length >= 2)
    expect(l2.state().status).toBe('degraded')
    loading = false
    await until('the breaker is closed', () => l2.state().status === 'up')
    expect(await l2.load([pairId])).toEqual({ status: 'loaded', rows: [undefined] })
  })

  it('gives up a connection whose other end has vanished, and makes a new one', async () => {
    const { redis, l2 } = await against(
      prepared(() => undefined),
      SILENT_MS,
    )
    expect(await l2.load([pairId])).toEqual({
      status: 'unavailable',
      reason: `timeout: no answer within ${SILENT_MS} ms`,
    })
    redis.script = prepared(() => '*1\r\n$-1')
    await until('there is a new connection', () => redis.connections >= 2 && l2.state().status === 'up')
    expect(await l2.load([pairId])).toEqual({ status: 'loaded', rows: [undefined] })
  })

  it('gives up a server that accepts connections and never answers, and serves as soon as it answers', async () => {
    const redis = new ScriptedRedis(prepared(() => '*1\r\n$-1'))
    redis.isMute = true
    const l2 = createRedisL2({ ...OPTIONS, commandTimeoutMs: SILENT_MS, url: await redis.listen() })
    opened.push(redis, l2)
    await l2.start()
    await until('it was tried twice', () => redis.connections >= 2)
    expect(l2.state()).toMatchObject({ status: 'degraded', reason: expect.stringMatching(/^not connected/) })
    expect(await l2.load([pairId])).toMatchObject({ status: 'unavailable' })
    expect(await write(l2)).toMatchObject({ status: 'unavailable' })
    redis.isMute = false
    await until('it is reached', () => l2.state().status === 'up')
    expect(await l2.load([pairId])).toEqual({ status: 'loaded', rows: [undefined] })
  })

  it('does not send a failed write again on a new connection', async () => {
    const { redis, l2 } = await against(
      prepared(() => undefined),
      SILENT_MS,
    )
    expect(await write(l2)).toMatchObject({ status: 'unavailable' })
    redis.script = prepared(() => ':1')
    await until('there is a new connection', () => redis.connections >= 2 && l2.state().status === 'up')
    expect(await write(l2, 2)).toMatchObject({ status: 'written' })
    expect(redis.received.filter((name) => name === 'FCALL')).toHaveLength(2)
  })

  it('reads the clock of Redis again after Redis has refused a call as late', async () => {
    let late = true
    const { redis, l2 } = await against(prepared(() => (late ? '-LATE the caller has given up on this call' : ':1')))
    expect(await write(l2)).toMatchObject({ status: 'unavailable', reason: expect.stringMatching(/^LATE/) })
    late = false
    const clocks = redis.received.filter((name) => name === 'TIME').length
    expect(await write(l2)).toEqual({ status: 'written', written: 1, older: 0 })
    expect(redis.received.filter((name) => name === 'TIME').length).toBeGreaterThan(clocks)
  })

  it('joins a load that is in flight', async () => {
    const { redis, l2 } = await against(prepared(() => NOTHING))
    const [first, second] = await Promise.all([l2.load([pairId]), l2.load([pairId, pairId])])
    expect([first, second]).toMatchObject([{ rows: [undefined] }, { rows: [undefined, undefined] }])
    expect(loadsOf(redis)).toBe(1)
  })
})
