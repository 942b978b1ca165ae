import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { createMemoryBroker } from '../../../src/broker/memory/broker.ts'
import type { L2 } from '../../../src/cache/l2/l2.ts'
import { createRedisL2 } from '../../../src/cache/l2/redis/redis.ts'
import { slotOfKey } from '../../../src/cache/l2/redis/slot.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { systemClock } from '../../../src/clock.ts'
import { cachedPrice, columnsOf } from '../../cache/l2/columns.ts'
import { l2Conformance } from '../../cache/l2/conformance.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { startRedisCluster, type TestCluster } from '../../harness/redis-cluster.ts'
import { until } from '../../harness/until.ts'
import { onStage, updateOf } from '../../node/stage.ts'

const TTL_MS = 3_600_000
const SCRIPT_USER = 'no-functions'
const MASTERS = [0, 1, 2]

let cluster: TestCluster
const opened: L2[] = []
const table = new PairTable({ maxPairs: 10_000 })

beforeAll(async () => {
  cluster = await startRedisCluster()
  // To this user Redis looks like one before version 7.
  const rights = ['on', '>secret', '~*', '+@all', '-function', '-fcall']
  for (const master of MASTERS) await cluster.raw(master).call('ACL', 'SETUSER', SCRIPT_USER, ...rights)
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((l2) => l2.close()))
})
afterAll(() => cluster?.stop())

interface OpenOptions {
  readonly pairs?: PairTable
  readonly urls?: readonly string[]
  readonly commandTimeoutMs?: number
}

async function openL2({ pairs = table, urls = cluster.urls, commandTimeoutMs = 5_000 }: OpenOptions = {}): Promise<L2> {
  const options = { table: pairs, clock: systemClock, random: Math.random, ttlMs: TTL_MS, commandTimeoutMs }
  const l2 = createRedisL2({ ...options, url: urls })
  opened.push(l2)
  await l2.start()
  await isUp(l2)
  return l2
}

const isUp = (l2: L2) => until('the level is up', () => l2.state().status === 'up')
const pairAt = async (master: number) => table.register(await cluster.chainAt(master), 'a')
const pairsEverywhere = () => Promise.all(MASTERS.map(pairAt))
const written = (count: number) => ({ status: 'written', written: count, older: 0 })
const rows = (pairIds: readonly number[], version: number) => pairIds.map((pairId) => ({ pairId, version }))
const write = (l2: L2, pairIds: readonly number[], version: number) =>
  l2.write(columnsOf(rows(pairIds, version)), 0, pairIds.length)
const loaded = (...versions: (number | undefined)[]) => ({
  status: 'loaded',
  rows: versions.map((version) => (version === undefined ? undefined : cachedPrice({ version }))),
})

/** By one of its servers alone: what the others are spoken to with is learnt from its URL. */
function asScriptUser(): readonly string[] {
  const url = new URL(cluster.urls[0] ?? '')
  url.username = SCRIPT_USER
  url.password = 'secret'
  return [url.href]
}

async function bench(urls: readonly string[]) {
  const pairs = new PairTable({ maxPairs: 10_000 })
  const l2 = await openL2({ pairs, urls })
  return {
    l2,
    table: pairs,
    chain: uniqueName('chain'),
    ttlMs: TTL_MS,
    outlive: async (pairId: number) => {
      const key = `fw:{${pairs.chainName(pairs.chainOf(pairId))}}:${pairs.pairName(pairId)}`
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
l2Conformance('Redis Cluster, by script', () => bench(asScriptUser()))

describe('Redis Cluster level', () => {
  it('finds every master through any one of its servers, and loads its library on each', async () => {
    for (const url of cluster.urls) {
      const l2 = await openL2({ urls: [url] })
      const pairIds = await pairsEverywhere()
      expect(await write(l2, pairIds, 1)).toEqual(written(3))
      expect(await l2.load(pairIds)).toEqual(loaded(1, 1, 1))
    }
    for (const master of MASTERS) expect(await cluster.raw(master).function('LIST')).toHaveLength(1)
  })

  it('loads its library again on the one master that has forgotten it', async () => {
    const l2 = await openL2()
    const pairIds = await pairsEverywhere()
    await write(l2, pairIds, 1)
    await cluster.raw(1).function('FLUSH', 'SYNC')
    expect(await write(l2, pairIds, 2)).toEqual(written(3))
  })

  it('is what a node has that is given several addresses', async () => {
    const l2 = await openL2()
    await onStage({ broker: createMemoryBroker(), redisUrl: cluster.urls[0] ?? '' }, async (stage) => {
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

  it('reckons the slot of a chain as Redis does, whatever the chain is called', async () => {
    for (const chain of ['ethereum', 'ünïcode ⛓', 'a:b', 'a{b', 'a%7Db', 'line\nbreak', ' ', 'x'.repeat(250)]) {
      const key = `fw:{${chain}}:0xabc`
      expect(slotOfKey(key)).toBe(await cluster.raw(0).call('CLUSTER', 'KEYSLOT', key))
    }
  })
})
