import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import { encodeValue } from '../../../src/cache/l2/value.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { createMetrics } from '../../../src/telemetry/metrics.ts'
import { columnsOf } from '../../cache/l2/columns.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { closeLevels, loaded, openLevel, TTL_MS, write, written } from './redis-levels.ts'

/** Services that share a Redis, and values of releases whose keys had no service. */
let redis: Stack
let raw: Redis

beforeAll(async () => {
  redis = await startStack({ brokers: 0 })
  raw = new Redis(url())
})
afterEach(closeLevels)
afterAll(async () => {
  raw?.disconnect()
  await redis?.stop()
})

function url(): string {
  return redis.redisUrl ?? ''
}

function pairs(count: number) {
  const table = new PairTable({ maxPairs: 10_000 })
  const chain = uniqueName('chain')
  const ids = Array.from({ length: count }, (_, at) => table.register(chain, `p${at}`))
  const writeOld = async (at: number, version: number) => {
    const value = Buffer.alloc(100)
    const length = encodeValue(columnsOf([{ pairId: ids[at] ?? 0, version }]), 0, value, 0)
    await raw.set(`fw:{${chain}}:p${at}`, value.subarray(0, length), 'PX', TTL_MS)
  }
  return { table, chain, ids, writeOld }
}

/** How many MGETs Redis has answered. */
async function gets(): Promise<number> {
  return Number(/^cmdstat_mget:calls=(\d+)/m.exec(await raw.info('commandstats'))?.[1] ?? 0)
}

describe('a level in Redis, beside those of other services,', () => {
  it('neither reads, replaces nor deletes their values', async () => {
    const { table, ids } = pairs(2)
    const services = ['production', 'production.x', 'default', undefined]
    const levels = await Promise.all(
      services.map((service) => openLevel({ url: url(), table, ...(service !== undefined && { service }) })),
    )
    const [production, similar, standard, unnamed] = levels
    if (!production || !similar || !standard || !unnamed) throw new Error('not opened')
    expect(await write(production, ids, 7)).toEqual(written(2))
    for (const other of [similar, standard]) expect(await other.load(ids)).toEqual(loaded(undefined, undefined))
    expect(await write(standard, ids, 3)).toEqual(written(2))
    expect(await unnamed.load(ids)).toEqual(loaded(3, 3))
    await standard.delete(ids.map((pairId) => ({ pairId, version: 0 })))
    expect(await production.load(ids)).toEqual(loaded(7, 7))
  })

  it('reads what an earlier release left under keys without a service, until its own value is there', async () => {
    const { table, ids, writeOld } = pairs(3)
    const metrics = createMetrics()
    const l2 = await openLevel({ url: url(), table, service: 'upgraded', metrics })
    await writeOld(0, 9)
    await writeOld(2, 8)
    expect(await write(l2, ids.slice(2), 5)).toEqual(written(1))
    expect(await l2.load(ids)).toEqual(loaded(9, undefined, 5))
    expect(await write(l2, ids.slice(0, 1), 10)).toEqual(written(1))
    expect(await l2.load(ids)).toEqual(loaded(10, undefined, 5))
    expect(metrics.counter('l2_old_key_reads_total').value).toBe(1)
  })

  it('makes a second trip only for what is absent, and none when the old values have expired', async () => {
    const { table, ids, writeOld } = pairs(600)
    let nowMs = 0
    const l2 = await openLevel({ url: url(), table, service: 'upgraded', clock: { now: () => nowMs } })
    await write(l2, ids.slice(0, 599), 5)
    const getsOf = async (load: () => Promise<unknown>) => {
      const before = await gets()
      await load()
      return (await gets()) - before
    }
    expect(await getsOf(() => l2.load(ids.slice(0, 500)))).toBe(1)
    expect(await getsOf(() => l2.load(ids.slice(300)))).toBe(2)
    await writeOld(599, 4)
    nowMs = TTL_MS * 1.1
    expect(await getsOf(() => l2.load(ids.slice(300)))).toBe(1)
    expect(await l2.load(ids.slice(599))).toEqual(loaded(undefined))
  })

  it('serves a user who may not read keys without a service', async () => {
    const { table, ids } = pairs(2)
    const rights = ['~fw:narrow:*', '+@all']
    await raw.call('ACL', 'SETUSER', 'narrow', 'on', '>secret', ...rights)
    const narrow = new URL(url())
    narrow.username = 'narrow'
    narrow.password = 'secret'
    const l2 = await openLevel({ url: narrow.href, table, service: 'narrow' })
    expect(await l2.load(ids)).toEqual(loaded(undefined, undefined))
    expect(await write(l2, ids, 1)).toEqual(written(2))
    expect(await l2.load(ids)).toEqual(loaded(1, 1))
    expect(l2.state()).toEqual({ status: 'up' })
  })
})
