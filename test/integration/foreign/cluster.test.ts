import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { uniqueName } from '../../harness/kafka.ts'
import { startRedisCluster, type TestCluster } from '../../harness/redis-cluster.ts'
import { until } from '../../harness/until.ts'
import { Ledger } from './ledger.ts'

let cluster: TestCluster
let ledger: Ledger | undefined
let chains: readonly string[] = []
const REPLICA = 3

beforeAll(async () => {
  cluster = await startRedisCluster()
})
afterEach(() => ledger?.close())
afterAll(() => cluster?.stop())

async function started(): Promise<Ledger> {
  chains = [await cluster.chainAt(0), await cluster.chainAt(1), await cluster.chainAt(2)]
  const urls = { ownerUrl: cluster.urls, readerUrl: cluster.urls, service: uniqueName('s') }
  ledger = await new Ledger({ ...urls, chains }).start()
  return ledger
}

async function readsAreFresh(of: Ledger): Promise<void> {
  await until('reads are fresh', () => of.isFresh)
  const enough = of.reads + 20_000
  await until('more reads are made', () => of.reads >= enough)
  await until('reads are still fresh', () => of.isFresh)
  expect(of.falseBounds).toEqual([])
}

/** Moves all keys of the chain, and its slot, from the first master to the second. */
async function moveSlot(service: string, chain: string): Promise<void> {
  const [from, to] = [cluster.raw(0), cluster.raw(1)]
  const slot = Number(await from.call('CLUSTER', 'KEYSLOT', `fw:${service}:{${chain}}:`))
  const [fromId, toId] = await Promise.all([from, to].map(async (raw) => String(await raw.call('CLUSTER', 'MYID'))))
  await to.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId ?? '')
  await from.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId ?? '')
  const port = new URL(cluster.urls[1] ?? '').port
  const left = async () => (await from.call('CLUSTER', 'GETKEYSINSLOT', slot, 100)) as string[]
  for (let keys = await left(); keys.length > 0; keys = await left())
    await from.call('MIGRATE', '127.0.0.1', port, '', 0, 5_000, 'KEYS', ...keys)
  for (const raw of [to, from]) await raw.call('CLUSTER', 'SETSLOT', slot, 'NODE', toId ?? '')
}

describe('reads in a Redis Cluster of pairs that another node follows', () => {
  it('are fresh on every master, and no bound is too small', async () => {
    const of = await started()
    await readsAreFresh(of)
    expect(of.ways).toEqual(['told'])
  })

  it('have no bound that is too small after one master was emptied', async () => {
    const of = await started()
    await readsAreFresh(of)
    await cluster.raw(1).flushall()
    await readsAreFresh(of)
  })

  it('are fresh again after one master has stood still', async () => {
    const of = await started()
    await readsAreFresh(of)
    await cluster.pause(2)
    await until('the bound grows', () => of.worstBehindMs > 300)
    cluster.resume(2)
    await readsAreFresh(of)
  })

  it('are fresh again after a slot has moved to another master', async () => {
    const of = await started()
    await readsAreFresh(of)
    await moveSlot(of.service, chains[0] ?? '')
    await readsAreFresh(of)
  })

  it('have no bound that is too small after a replica took over, and are fresh again', async () => {
    const of = await started()
    await readsAreFresh(of)
    await cluster.kill(0)
    await cluster.raw(REPLICA).call('CLUSTER', 'FAILOVER', 'TAKEOVER')
    await readsAreFresh(of)
  })
})
