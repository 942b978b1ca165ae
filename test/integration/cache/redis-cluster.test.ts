import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { createMemoryBroker } from '../../../src/broker/memory/broker.ts'
import type { L2 } from '../../../src/cache/l2/l2.ts'
import { slotOfKey } from '../../../src/cache/l2/redis/slot.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { l2Conformance } from '../../cache/l2/conformance.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { startRedisCluster, type TestCluster } from '../../harness/redis-cluster.ts'
import { until } from '../../harness/until.ts'
import { onStage, updateOf } from '../../node/stage.ts'
import { addScriptUser, asScriptUser, closeLevels, loaded, openLevel, TTL_MS, write, written } from './redis-levels.ts'

const MASTERS = [0, 1, 2]

let cluster: TestCluster
const table = new PairTable({ maxPairs: 10_000 })

beforeAll(async () => {
  cluster = await startRedisCluster()
  for (const master of MASTERS) await addScriptUser(cluster.raw(master))
})
afterEach(closeLevels)
afterAll(() => cluster?.stop())

const openL2 = ({ urls = cluster.urls, service = 'default' } = {}) => openLevel({ table, url: urls, service })
const pairAt = async (master: number) => table.register(await cluster.chainAt(master), 'a')
const pairsEverywhere = () => Promise.all(MASTERS.map(pairAt))

async function bench(urls: readonly string[]) {
  const pairs = new PairTable({ maxPairs: 10_000 })
  const newer: [number, number][] = []
  const onNewer = (pairId: number, floor: number) => void newer.push([pairId, floor])
  const l2 = await openLevel({ table: pairs, url: urls, onNewer })
  return {
    l2,
    newer,
    table: pairs,
    chain: uniqueName('chain'),
    ttlMs: TTL_MS,
    outlive: async (pairId: number) => {
      const key = `fw:default:{${pairs.chainName(pairs.chainOf(pairId))}}:${pairs.pairName(pairId)}`
      const holders = await Promise.all(
        MASTERS.map((master) =>
          cluster
            .raw(master)
            .pexpire(key, 1)
            .catch(() => 0),
        ),
      )
      expect(holders.filter((had) => had === 1)).toHaveLength(1)
      const gone = async (master: number) =>
        (await cluster
          .raw(master)
          .exists(key)
          .catch(() => 0)) === 0
      for (const master of MASTERS) await until('the value is gone', () => gone(master))
    },
    close: () => l2.close(),
  }
}

l2Conformance('Redis Cluster, by function', () => bench(cluster.urls))
// One URL is enough, because its user and password hold for all servers.
l2Conformance('Redis Cluster, by script', () => bench([asScriptUser(cluster.urls[0] ?? '')]))

describe('a level in a Redis Cluster', () => {
  it('finds every master through any one of its servers, and loads its library on each', async () => {
    for (const url of cluster.urls) {
      const l2 = await openL2({ urls: [url] })
      const pairIds = await pairsEverywhere()
      expect(await write(l2, pairIds, 1)).toEqual(written(3))
      expect(await l2.load(pairIds)).toEqual(loaded(1, 1, 1))
    }
    for (const master of MASTERS) expect(await cluster.raw(master).function('LIST')).toHaveLength(1)
  })

  it('notices in every node that one master was flushed without losing its connections', async () => {
    const nodes = [0, 1]
    const calls: number[] = []
    const levels: L2[] = []
    for (const at of nodes)
      levels.push(await openLevel({ table, url: cluster.urls, onConnected: () => calls.push(at) }))
    const pairIds = await pairsEverywhere()
    const looked = async (l2: L2) => {
      l2.measure?.()
      for (let trip = 0; trip < 3; trip++) await l2.load(pairIds)
    }
    for (const l2 of [...levels, ...levels]) await looked(l2)
    for (const master of MASTERS) {
      calls.length = 0
      await cluster.raw(master).flushall()
      for (const l2 of [...levels, ...levels]) await looked(l2)
      expect(calls.sort()).toEqual(nodes)
    }
  })

  it('loads its library again on the one master that has forgotten it', async () => {
    const l2 = await openL2()
    const pairIds = await pairsEverywhere()
    await write(l2, pairIds, 1)
    await cluster.raw(1).function('FLUSH', 'SYNC')
    expect(await write(l2, pairIds, 2)).toEqual(written(3))
  })

  it('is used by a node that is given several addresses', async () => {
    await onStage({ broker: createMemoryBroker(), redisUrl: cluster.urls[0] ?? '' }, async (stage) => {
      const l2 = await openL2({ service: stage.service })
      const chains = await Promise.all(MASTERS.map((master) => cluster.chainAt(master)))
      await stage.startNode({ config: { cache: { redisUrls: [...cluster.urls] } } })
      await stage.produce(...chains.map((chain, at) => updateOf('a', { chain, price: at + 1 })))
      const pairIds = chains.map((chain) => table.register(chain, 'a'))
      await until('each master has its price', async () => {
        const load = await l2.load(pairIds)
        return load.status === 'loaded' && load.rows.every((row, at) => row?.price === at + 1)
      })
    })
  })

  it('works out the slot of a chain as Redis does, whatever its name', async () => {
    for (const chain of ['ethereum', 'ünïcode ⛓', 'a:b', 'a{b', 'a%7Db', 'line\nbreak', ' ', 'x'.repeat(250)]) {
      const key = `fw:default:{${chain}}:0xabc`
      expect(slotOfKey(key)).toBe(await cluster.raw(0).call('CLUSTER', 'KEYSLOT', key))
    }
  })
})
