import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import type { L2 } from '../../../src/cache/l2/l2.ts'
import { createRedisL2 } from '../../../src/cache/l2/redis/redis.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { systemClock } from '../../../src/clock.ts'
import { cachedPrice, columnsOf } from '../../cache/l2/columns.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'

/** Time enough for an answer on a busy machine; where none comes, all of it is waited for. */
const TIMEOUT_MS = 1_000

let stack: Stack
let url: string
const opened: L2[] = []

beforeAll(async () => {
  stack = await startStack({ brokers: 0 })
  url = stack.redisUrl ?? ''
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((l2) => l2.close()))
})
afterAll(() => stack?.stop())

const table = new PairTable({ maxPairs: 1_000 })

async function openL2(): Promise<L2> {
  const l2 = createRedisL2({
    url,
    table,
    clock: systemClock,
    random: Math.random,
    ttlMs: 3_600_000,
    commandTimeoutMs: TIMEOUT_MS,
  })
  opened.push(l2)
  await l2.start()
  return l2
}

async function openedL2(): Promise<L2> {
  const l2 = await openL2()
  await isUp(l2)
  return l2
}

const isUp = (l2: L2) => until('the level is up', () => l2.state().status === 'up')
const freshPair = () => table.register(uniqueName('chain'), 'a')
const writeOne = (l2: L2, pairId: number, version: number) => l2.write(columnsOf([{ pairId, version }]), 0, 1)
const keyOf = (pairId: number) => `fw:{${table.chainName(table.chainOf(pairId))}}:a`

async function withRaw<T>(work: (raw: Redis) => Promise<T>): Promise<T> {
  const raw = new Redis(url)
  try {
    return await work(raw)
  } finally {
    raw.disconnect()
  }
}

describe('Redis level without Redis', () => {
  it('starts at once while Redis is away, says so, and serves as soon as it is there', async () => {
    await stack.stopRedis()
    const l2 = await openL2()
    const pairId = freshPair()
    expect(await l2.load([pairId])).toMatchObject({
      status: 'unavailable',
      reason: expect.stringMatching(/^not connected/),
    })
    await until('the reason is known', () => JSON.stringify(l2.state()).includes('ECONNREFUSED'))
    expect(l2.state()).toMatchObject({ status: 'degraded', sinceMs: expect.any(Number) })
    expect(await writeOne(l2, pairId, 1)).toMatchObject({ status: 'unavailable' })
    await stack.startRedis()
    await isUp(l2)
    expect(await writeOne(l2, pairId, 2)).toEqual({ status: 'written', written: 1, older: 0 })
  })

  it('survives a restart: unavailable meanwhile, and its functions are loaded again', async () => {
    const l2 = await openedL2()
    const pairId = freshPair()
    await writeOne(l2, pairId, 5)
    await stack.stopRedis()
    await until('the loss is noticed', () => l2.state().status === 'degraded')
    expect(await writeOne(l2, pairId, 6)).toMatchObject({ status: 'unavailable' })
    await stack.startRedis()
    await isUp(l2)
    expect(await l2.load([pairId])).toEqual({ status: 'loaded', rows: [undefined] })
    expect(await writeOne(l2, pairId, 4)).toEqual({ status: 'written', written: 1, older: 0 })
  })

  it('gives a reason to what is under way when Redis dies', async () => {
    const l2 = await openedL2()
    await stack.pauseRedis()
    const load = l2.load([freshPair()])
    const write = writeOne(l2, freshPair(), 1)
    await stack.stopRedis()
    expect(await load).toMatchObject({ status: 'unavailable' })
    expect(await write).toMatchObject({ status: 'unavailable' })
    await stack.startRedis()
  })
})

describe('Redis level with a Redis that stands still', () => {
  afterEach(() => stack.resumeRedis())

  it('answers with a timeout, then at once, and comes back by itself', async () => {
    const l2 = await openedL2()
    const pairId = freshPair()
    await writeOne(l2, pairId, 1)
    await stack.pauseRedis()
    const reason = `timeout: no answer within ${TIMEOUT_MS} ms`
    expect(await l2.load([freshPair()])).toEqual({ status: 'unavailable', reason })
    await until('the level knows', async () => {
      expect(await l2.load([freshPair()])).toMatchObject({ status: 'unavailable' })
      return l2.state().status === 'degraded'
    })
    stack.resumeRedis()
    await isUp(l2)
    expect(await l2.load([pairId])).toEqual({ status: 'loaded', rows: [cachedPrice({ version: 1 })] })
  })

  it('leaves no effect of a write or a deletion that was reported as failed', async () => {
    const l2 = await openedL2()
    const [kept, refused] = [freshPair(), freshPair()]
    await writeOne(l2, kept, 1)
    await stack.pauseRedis()
    const outcomes = await Promise.all([writeOne(l2, refused, 1), writeOne(l2, kept, 2), l2.delete([kept])])
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['unavailable', 'unavailable', 'unavailable'])
    stack.resumeRedis()
    await withRaw(async (raw) => {
      // Redis has read the three calls, which lay in its socket, before it reads anything of a new connection.
      await until('Redis got to the refused calls', async () => {
        const errors = await raw.info('errorstats')
        return Number(/errorstat_LATE:count=(\d+)/.exec(errors)?.[1] ?? 0) >= 3
      })
      expect(await raw.exists(keyOf(refused))).toBe(0)
    })
    await isUp(l2)
    expect(await l2.load([kept])).toEqual({ status: 'loaded', rows: [cachedPrice({ version: 1 })] })
    expect(await writeOne(l2, refused, 1)).toEqual({ status: 'written', written: 1, older: 0 })
  })

  it('loses nothing to a stall of five seconds: what was refused is written by the next to try, the newest last', async () => {
    const l2 = await openedL2()
    const pairId = freshPair()
    await writeOne(l2, pairId, 1)
    let version = 1
    const attempt = () => writeOne(l2, pairId, ++version)
    await withRaw((raw) => raw.client('PAUSE', 5_000, 'ALL'))
    expect(await attempt()).toMatchObject({ status: 'unavailable' })
    const refused = ++version
    expect(await writeOne(l2, pairId, refused)).toMatchObject({ status: 'unavailable' })
    await until('the stall is over', async () => (await writeOne(l2, pairId, refused)).status === 'written')
    expect(await attempt()).toEqual({ status: 'written', written: 1, older: 0 })
    expect(await l2.load([pairId])).toEqual({ status: 'loaded', rows: [cachedPrice({ version })] })
    expect(l2.state()).toEqual({ status: 'up' })
  })

  it('closes within the time-out while an answer is outstanding', async () => {
    const l2 = await openedL2()
    await stack.pauseRedis()
    const load = l2.load([freshPair()])
    await l2.close()
    expect(await load).toMatchObject({ status: 'unavailable' })
  })
})

describe('Redis level with a Redis that refuses', () => {
  const reads = async (l2: L2) => (await l2.load([freshPair()])).status

  it('goes on reading from a full Redis, reports the refused writes, and writes again when there is room', async () => {
    const l2 = await openedL2()
    await withRaw((raw) => raw.config('SET', 'maxmemory', '1'))
    try {
      await until('the writes are given up', async () => {
        expect(await writeOne(l2, freshPair(), 1)).toMatchObject({
          status: 'unavailable',
          reason: expect.stringMatching(/^OOM/),
        })
        return l2.state().status === 'degraded'
      })
      expect(await reads(l2)).toBe('loaded')
      expect(l2.state()).toMatchObject({ status: 'degraded', reason: expect.stringMatching(/^OOM/) })
    } finally {
      await withRaw((raw) => raw.config('SET', 'maxmemory', '0'))
    }
    await isUp(l2)
    expect(await writeOne(l2, freshPair(), 1)).toMatchObject({ status: 'written' })
  })

  it('goes on reading from a replica, and writes again once it is a primary', async () => {
    const l2 = await openedL2()
    await withRaw((raw) => raw.replicaof('127.0.0.1', '1'))
    try {
      await until('the writes are given up', async () => {
        expect(await writeOne(l2, freshPair(), 1)).toMatchObject({ reason: expect.stringMatching(/^READONLY/) })
        return l2.state().status === 'degraded'
      })
      expect(await reads(l2)).toBe('loaded')
    } finally {
      await withRaw((raw) => raw.replicaof('NO', 'ONE'))
    }
    await isUp(l2)
    expect(await writeOne(l2, freshPair(), 1)).toMatchObject({ status: 'written' })
  })
})
