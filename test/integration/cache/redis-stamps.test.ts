import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { addScriptUser, asScriptUser, closeLevels, openLevel, TTL_MS } from './redis-levels.ts'

let redis: Stack
let raw: Redis

beforeAll(async () => {
  redis = await startStack({ brokers: 0 })
  raw = new Redis(redis.redisUrl ?? '')
  await addScriptUser(raw)
})
afterEach(closeLevels)
afterAll(async () => {
  raw?.disconnect()
  await redis?.stop()
})

async function levelWithStamps(url: string) {
  const service = uniqueName('s')
  const l2 = await openLevel({ url, table: new PairTable({ maxPairs: 10 }), service })
  const stamp = (...ages: number[]) =>
    l2.stamp?.(ages.map((ageMs, partition) => ({ name: `prices/${partition}`, ageMs: () => ageMs })))
  const stored = () => raw.hgetall(`fw:${service}:{stamps}`)
  const redisMs = async () => {
    const [seconds, micros] = await raw.time()
    return Number(seconds) * 1000 + Number(micros) / 1000
  }
  return { l2, service, stamp, stored, redisMs }
}

const WAYS: [way: string, url: () => string][] = [
  ['function', () => redis.redisUrl ?? ''],
  ['script', () => asScriptUser(redis.redisUrl ?? '')],
]

describe.each(WAYS)('the stamps in Redis, by %s,', (_, url) => {
  it('are on the clock of Redis, and never later than their moments', async () => {
    const { stamp, stored, redisMs } = await levelWithStamps(url())
    const before = await redisMs()
    expect(await stamp(1_000, 5_000)).toEqual({ status: 'stamped', isRead: false })
    const after = await redisMs()
    const stamps = await stored()
    for (const [name, ageMs] of Object.entries({ 'prices/0': 1_000, 'prices/1': 5_000 })) {
      expect(Number(stamps[name])).toBeLessThanOrEqual(after - ageMs)
      expect(Number(stamps[name])).toBeGreaterThan(before - ageMs - 1_000)
    }
  })

  it('tell whether somebody reads them', async () => {
    const { service, stamp } = await levelWithStamps(url())
    await raw.set(`fw:${service}:{stamps}readers`, '')
    expect(await stamp(1)).toEqual({ status: 'stamped', isRead: true })
  })

  it('are not set again after Redis has lost them, until the caller knows', async () => {
    const { stamp, stored } = await levelWithStamps(url())
    await stamp(1, 1)
    await raw.flushall()
    expect(await stamp(1, 1)).toEqual({ status: 'lost' })
    expect(await stored()).toEqual({})
    expect(await stamp(1, 1)).toEqual({ status: 'stamped', isRead: false })
  })

  it('are set for a partition that comes later, and none is missed for one that has left', async () => {
    const { stamp } = await levelWithStamps(url())
    expect(await stamp(1)).toEqual({ status: 'stamped', isRead: false })
    expect(await stamp(1, 1)).toEqual({ status: 'stamped', isRead: false })
    expect(await stamp(1)).toEqual({ status: 'stamped', isRead: false })
  })

  it('do not keep values out if the user may not set them', async () => {
    const user = new URL(url())
    user.username = uniqueName('user')
    user.password = 'secret'
    await raw.call('ACL', 'SETUSER', user.username, 'on', '>secret', '~*', '+@all', '-hset')
    const { l2, stamp } = await levelWithStamps(user.href)
    for (let attempt = 0; attempt < 10; attempt++)
      expect(await stamp(1)).toMatchObject({ status: 'unavailable', reason: expect.stringMatching(/HSET/) })
    expect(l2.state()).toEqual({ status: 'up' })
  })
})

describe.each(WAYS)('topics that some node has found to be one source, by %s,', (_, url) => {
  it('reach every node that stamps, even with no stamps of its own', async () => {
    const { l2, service, stamp, stored } = await levelWithStamps(url())
    const other = await openLevel({ url: url(), table: new PairTable({ maxPairs: 10 }), service })
    await stamp(1)
    await other.stamp?.([{ name: 'prices/*', ageMs: () => 0 }])
    expect(await stamp(1)).toEqual({ status: 'stamped', isRead: false, joined: ['prices/*'] })
    expect(await l2.stamp?.([])).toEqual({ status: 'stamped', isRead: false, joined: ['prices/*'] })
    expect(Object.keys(await stored())).toEqual(['prices/0'])
  })

  it('count no longer when no node has told of them for as long as values stay', async () => {
    const { service, stamp } = await levelWithStamps(url())
    await raw.set(`fw:${service}:{stamps}joined`, JSON.stringify({ 'prices/*': Date.now() - 2 * TTL_MS }))
    expect(await stamp(1)).toEqual({ status: 'stamped', isRead: false })
  })
})
