import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { Redis } from 'ioredis'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { cachedPrice } from '../../cache/l2/columns.ts'
import { startRedisCluster, type TestCluster } from '../../harness/redis-cluster.ts'
import { until } from '../../harness/until.ts'
import { closeLevels, isUp, loaded, openLevel, startLevel, write, written } from './redis-levels.ts'

const MASTERS = [0, 1, 2]
const REPLICA = 3
/** For a server that does not answer, because all of this time is waited. */
const SILENT_MS = 1_000

let cluster: TestCluster
const table = new PairTable({ maxPairs: 50_000 })

beforeAll(async () => {
  cluster = await startRedisCluster()
})
afterEach(closeLevels)
afterAll(() => cluster?.stop())

const openL2 = (options: { readonly commandTimeoutMs?: number; readonly onConnected?: () => void } = {}) =>
  openLevel({ table, url: cluster.urls, ...options })
const pairAt = async (master: number) => table.register(await cluster.chainAt(master), 'a')
const pairsEverywhere = () => Promise.all(MASTERS.map(pairAt))
const keyOf = (pairId: number) => `fw:default:{${table.chainName(table.chainOf(pairId))}}:${table.pairName(pairId)}`

const everyMaster = async (work: (raw: Redis) => Promise<unknown>) => {
  for (const master of MASTERS) await work(cluster.raw(master))
}

/** Opens the slot of the pair's chain for moving from the first master to the second. */
async function moving(pairId: number) {
  const [from, to] = [cluster.raw(0), cluster.raw(1)]
  const slot = Number(await from.call('CLUSTER', 'KEYSLOT', keyOf(pairId)))
  const [fromId, toId] = await Promise.all([from, to].map(async (raw) => String(await raw.call('CLUSTER', 'MYID'))))
  await to.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId ?? '')
  await from.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId ?? '')
  return {
    move: (moved: number) =>
      from.call('MIGRATE', '127.0.0.1', new URL(cluster.urls[1] ?? '').port, keyOf(moved), 0, 5_000),
    finish: async () => {
      for (const raw of [to, from]) await raw.call('CLUSTER', 'SETSLOT', slot, 'NODE', toId ?? '')
    },
  }
}

describe('a level in a Redis Cluster whose slots move', () => {
  it('finds a chain that has moved, and the values that were written before', async () => {
    const l2 = await openL2()
    const pairId = await pairAt(0)
    await write(l2, [pairId], 1)
    const slot = await moving(pairId)
    await slot.move(pairId)
    await slot.finish()
    expect(await l2.load([pairId])).toEqual(loaded(1))
    expect(await write(l2, [pairId], 2)).toEqual(written(1))
    expect(await cluster.raw(1).exists(keyOf(pairId))).toBe(1)
    expect(l2.state()).toEqual({ status: 'up' })
  })

  it('follows a chain that has moved, even if a write is the first to learn of it', async () => {
    const l2 = await openL2()
    const [moved, ...others] = await pairsEverywhere()
    if (moved === undefined) throw new Error('there is a pair at each master')
    const slot = await moving(moved)
    await slot.finish()
    expect(await write(l2, [moved, ...others], 1)).toEqual(written(3))
    expect(await l2.delete([{ pairId: moved, version: 0 }])).toEqual(written(1))
  })

  it('finds a key at its new place while its slot is only half moved, and writes it there', async () => {
    const l2 = await openL2()
    const pairId = await pairAt(0)
    const [, other = -1] = await pairsEverywhere()
    await write(l2, [pairId, other], 1)
    const slot = await moving(pairId)
    await slot.move(pairId)
    expect(await l2.load([pairId, other])).toEqual(loaded(1, 1))
    expect(await write(l2, [pairId, other], 2)).toEqual(written(2))
    expect(await l2.load([pairId, other])).toEqual(loaded(2, 2))
    expect(await l2.delete([{ pairId, version: 0 }])).toEqual(written(1))
    await slot.finish()
    expect(await write(l2, [pairId], 3)).toEqual(written(1))
  })

  it('needs the listed rights and no others, also for a key at its new place', async () => {
    const rights = ['~fw:default:*', '+get', '+set', '+mget', '+time', '+ping', '+function|load', '+fcall']
    await everyMaster((raw) =>
      raw.call('ACL', 'SETUSER', 'least', 'on', '>secret', ...rights, '+asking', '+cluster|slots'),
    )
    await everyMaster((raw) => raw.call('ACL', 'SETUSER', 'blind', 'on', '>secret', ...rights, '+asking'))
    const asUser = (username: string) =>
      cluster.urls
        .slice(0, MASTERS.length)
        .map((each) => Object.assign(new URL(each), { username, password: 'secret' }).href)
    const l2 = await openLevel({ table, url: asUser('least') })
    const pairIds = await pairsEverywhere()
    const [pairId = -1] = pairIds
    expect(await write(l2, pairIds, 1)).toEqual(written(3))
    const slot = await moving(pairId)
    await slot.move(pairId)
    expect(await l2.load(pairIds)).toEqual(loaded(1, 1, 1))
    expect(await write(l2, pairIds, 2)).toEqual(written(3))
    await slot.finish()
    const blind = await startLevel({ table, url: asUser('blind') })
    expect(await blind.load(pairIds)).toMatchObject({ reason: expect.stringMatching(/cluster\|slots/) })
  })

  it('has no answer for a chain of which only some keys have moved, and goes on when all have', async () => {
    const l2 = await openL2()
    const pairId = await pairAt(0)
    const second = table.register(table.chainName(table.chainOf(pairId)), 'b')
    const [neighbour = -1] = await pairsEverywhere()
    await write(l2, [pairId, second], 1)
    const slot = await moving(pairId)
    await slot.move(pairId)
    for (let load = 0; load < 10; load++)
      expect(await l2.load([pairId, second])).toMatchObject({ reason: expect.stringMatching(/^TRYAGAIN/) })
    // So many failures would open the breaker of the server, but these answers show that it works.
    expect(l2.state()).toEqual({ status: 'up' })
    expect(await write(l2, [neighbour], 1)).toEqual(written(1))
    await slot.move(second)
    await slot.finish()
    expect(await l2.load([pairId, second])).toEqual(loaded(1, 1))
  })
})

describe('a level in a Redis Cluster without one of its masters', () => {
  it('tells which master is gone, serves the chains of the others, and all chains when it is back', async () => {
    const l2 = await openL2()
    const [first = -1, gone = -1, third = -1] = await pairsEverywhere()
    await write(l2, [first, gone, third], 1)
    await cluster.kill(1)
    await until('the loss is noticed', () => l2.state().status === 'degraded')
    expect(l2.state()).toMatchObject({ reason: expect.stringContaining(new URL(cluster.urls[1] ?? '').host) })
    expect(await l2.load([first, third])).toEqual(loaded(1, 1))
    expect(await l2.load([gone])).toMatchObject({ status: 'unavailable' })
    const known = [cachedPrice({ version: 1 }), undefined, cachedPrice({ version: 1 })]
    expect(await l2.load([first, gone, third])).toEqual({ status: 'loaded', rows: known, unknown: new Set([1]) })
    expect(await write(l2, [gone], 2)).toMatchObject({ status: 'unavailable' })
    expect(await write(l2, [first, gone, third], 2)).toMatchObject({
      ...{ status: 'unavailable', unwritten: [1], written: 2 },
    })
    await cluster.start(1)
    await isUp(l2)
    await until('its chain is written again', async () => (await write(l2, [gone], 3)).status === 'written')
    expect(await l2.load([first, gone, third])).toEqual(loaded(2, 3, 2))
  })

  it('writes the rows of the other masters, however long the write', async () => {
    await cluster.settled()
    const l2 = await openL2()
    const [here, gone] = await Promise.all([cluster.chainAt(0), cluster.chainAt(2)])
    const pairIds = Array.from({ length: 10_000 }, (_, at) => table.register(at % 2 ? here : gone, `p${at}`))
    await cluster.kill(2)
    await until('the loss is noticed', () => l2.state().status === 'degraded')
    const outcome = await write(l2, pairIds, 1)
    expect(outcome).toMatchObject({ status: 'unavailable', unwritten: expect.any(Array) })
    if (outcome.status === 'unavailable')
      expect(outcome.unwritten?.toSorted((a, b) => a - b)).toEqual(
        pairIds.map((_, at) => at).filter((at) => at % 2 === 0),
      )
    const others = pairIds.filter((_, at) => at % 2)
    expect(await l2.load(others)).toEqual(loaded(...others.map(() => 1)))
    await cluster.start(2)
    await isUp(l2)
  })

  it('starts while one master is away, and takes it in when it comes', async () => {
    await cluster.settled()
    const pairId = await pairAt(2)
    await cluster.kill(0)
    try {
      const l2 = await startLevel({ table, url: cluster.urls })
      await until('the others serve', async () => (await write(l2, [pairId], 1)).status === 'written')
      expect(l2.state()).toMatchObject({ status: 'degraded' })
      await cluster.start(0)
      await isUp(l2)
    } finally {
      await cluster.start(0)
    }
  })

  it('does not let a master that hangs hold up the others', async () => {
    await cluster.settled()
    const l2 = await openL2({ commandTimeoutMs: SILENT_MS })
    const [first = -1, hung = -1, third = -1] = await pairsEverywhere()
    await until('all are written', async () => (await write(l2, [first, hung, third], 1)).status === 'written')
    await cluster.pause(1)
    try {
      expect(await l2.load([hung])).toMatchObject({ status: 'unavailable' })
      await until('the level knows', async () => {
        expect(await l2.load([first, third])).toEqual(loaded(1, 1))
        expect(await write(l2, [hung], 2)).toMatchObject({ status: 'unavailable' })
        return l2.state().status === 'degraded'
      })
    } finally {
      cluster.resume(1)
    }
    await isUp(l2)
    await until('it serves again', async () => (await write(l2, [hung], 3)).status === 'written')
  })

  it('is unavailable as a whole if Redis refuses to serve a part, and comes back', async () => {
    // Redis applies this setting only when it begins or ceases to take a server for gone. None may be taken for gone yet.
    await everyMaster((raw) => raw.config('SET', 'cluster-require-full-coverage', 'yes'))
    await cluster.settled()
    const l2 = await openL2()
    const [first = -1, second = -1] = await pairsEverywhere()
    await until('all are written', async () => (await write(l2, [first, second], 1)).status === 'written')
    await cluster.impatiently(async () => {
      try {
        await cluster.kill(1)
        await until('Redis refuses', async () => {
          const load = await l2.load([first])
          return load.status === 'unavailable' && load.reason.startsWith('CLUSTERDOWN')
        })
        expect(await write(l2, [first], 2)).toMatchObject({ status: 'unavailable' })
        expect(l2.state()).toMatchObject({ status: 'degraded' })
      } finally {
        await cluster.start(1)
        await everyMaster((raw) => raw.config('SET', 'cluster-require-full-coverage', 'no'))
      }
    })
    await isUp(l2)
    await until('all are written', async () => (await write(l2, [first, second], 3)).status === 'written')
  })

  it('goes on with the replica that takes over, which has the values of the master and gets the library', async () => {
    await cluster.settled()
    let isTold = false
    const onConnected = () => {
      isTold = true
    }
    const l2 = await openL2({ onConnected })
    const [pairId = -1, ...others] = await pairsEverywhere()
    await until('all are written', async () => (await write(l2, [pairId, ...others], 1)).status === 'written')
    await until('the replica has them', async () => (await cluster.raw(0).wait(1, 1_000)) === 1)
    isTold = false
    await cluster.kill(0)
    await cluster.raw(REPLICA).call('CLUSTER', 'FAILOVER', 'TAKEOVER')
    await cluster.raw(REPLICA).function('FLUSH')
    await until('its chain is served again', async () => (await l2.load([pairId])).status === 'loaded')
    await isUp(l2)
    expect(await l2.load([pairId, ...others])).toEqual(loaded(1, 1, 1))
    expect(await write(l2, [pairId, ...others], 2)).toEqual(written(3))
    // We were connected to the replica already, but its values may be older all the same.
    expect(isTold).toBe(true)
  })
})
