import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import type { L2 } from '../../../src/cache/l2/l2.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { closeLevels, isUp, loaded, openLevel, startLevel, write, written } from './redis-levels.ts'

/** Enough time for an answer on a busy machine. If none comes, all of it is waited. */
const TIMEOUT_MS = 1_000

let stack: Stack
let url: string

beforeAll(async () => {
  stack = await startStack({ brokers: 0 })
  url = stack.redisUrl ?? ''
})
afterEach(closeLevels)
afterAll(() => stack?.stop())

const table = new PairTable({ maxPairs: 1_000 })

const options = () => ({ url, table, commandTimeoutMs: TIMEOUT_MS })
const freshPair = () => table.register(uniqueName('chain'), 'a')
const writeOne = (l2: L2, pairId: number, version: number) => write(l2, [pairId], version)
const keyOf = (pairId: number) => `fw:default:{${table.chainName(table.chainOf(pairId))}}:a`

async function withRaw<T>(work: (raw: Redis) => Promise<T>): Promise<T> {
  const raw = new Redis(url)
  try {
    return await work(raw)
  } finally {
    raw.disconnect()
  }
}

describe('a level without its Redis', () => {
  it('starts at once while Redis is away, tells so, and serves as soon as Redis is there', async () => {
    await stack.stopRedis()
    const l2 = await startLevel(options())
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
    expect(await writeOne(l2, pairId, 2)).toEqual(written(1))
  })

  it('is unavailable while Redis restarts, and then loads its functions again', async () => {
    const l2 = await openLevel(options())
    const pairId = freshPair()
    await writeOne(l2, pairId, 5)
    await stack.stopRedis()
    await until('the loss is noticed', () => l2.state().status === 'degraded')
    expect(await writeOne(l2, pairId, 6)).toMatchObject({ status: 'unavailable' })
    await stack.startRedis()
    await isUp(l2)
    expect(await l2.load([pairId])).toEqual(loaded(undefined))
    expect(await writeOne(l2, pairId, 4)).toEqual(written(1))
  })

  it('gives a reason to commands that are in flight when Redis dies', async () => {
    const l2 = await openLevel(options())
    await stack.pauseRedis()
    const load = l2.load([freshPair()])
    const writing = writeOne(l2, freshPair(), 1)
    await stack.stopRedis()
    expect(await load).toMatchObject({ status: 'unavailable' })
    expect(await writing).toMatchObject({ status: 'unavailable' })
    await stack.startRedis()
  })
})

describe('a level with a Redis that stands still', () => {
  afterEach(() => stack.resumeRedis())

  it('answers after a time-out, then at once, and comes back by itself', async () => {
    const l2 = await openLevel(options())
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
    expect(await l2.load([pairId])).toEqual(loaded(1))
  })

  it('has no effect by a write or a deletion that was reported as failed', async () => {
    const l2 = await openLevel(options())
    const [kept, refused] = [freshPair(), freshPair()]
    await writeOne(l2, kept, 1)
    await stack.pauseRedis()
    const outcomes = await Promise.all([
      writeOne(l2, refused, 1),
      writeOne(l2, kept, 2),
      l2.delete([{ pairId: kept, version: 0 }]),
    ])
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['unavailable', 'unavailable', 'unavailable'])
    stack.resumeRedis()
    await withRaw(async (raw) => {
      // Redis reads the three calls, which lie in its socket, before it reads from a new connection.
      await until('Redis got to the refused calls', async () => {
        const errors = await raw.info('errorstats')
        return Number(/errorstat_LATE:count=(\d+)/.exec(errors)?.[1] ?? 0) >= 3
      })
      expect(await raw.exists(keyOf(refused))).toBe(0)
    })
    await isUp(l2)
    expect(await l2.load([kept])).toEqual(loaded(1))
    expect(await writeOne(l2, refused, 1)).toEqual(written(1))
  })

  it('loses nothing to a stall of five seconds: a failed write succeeds when it is tried again, and the newest wins', async () => {
    const l2 = await openLevel(options())
    const pairId = freshPair()
    await writeOne(l2, pairId, 1)
    let version = 1
    const attempt = () => writeOne(l2, pairId, ++version)
    await withRaw((raw) => raw.client('PAUSE', 5_000, 'ALL'))
    expect(await attempt()).toMatchObject({ status: 'unavailable' })
    const refused = ++version
    expect(await writeOne(l2, pairId, refused)).toMatchObject({ status: 'unavailable' })
    await until('the stall is over', async () => (await writeOne(l2, pairId, refused)).status === 'written')
    expect(await attempt()).toEqual(written(1))
    expect(await l2.load([pairId])).toEqual(loaded(version))
    expect(l2.state()).toEqual({ status: 'up' })
  })

  it('closes within the time-out while an answer is outstanding', async () => {
    const l2 = await openLevel(options())
    await stack.pauseRedis()
    const load = l2.load([freshPair()])
    await l2.close()
    expect(await load).toMatchObject({ status: 'unavailable' })
  })
})

describe('a level with a Redis that refuses writes', () => {
  const reads = async (l2: L2) => (await l2.load([freshPair()])).status

  it('reads from a full Redis, reports the refused writes, and writes again when there is room', async () => {
    const l2 = await openLevel(options())
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

  it('reads from a replica, and writes again once it is a primary', async () => {
    const l2 = await openLevel(options())
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
