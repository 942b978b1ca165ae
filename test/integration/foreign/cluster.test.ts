import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { uniqueName } from '../../harness/kafka.ts'
import { startRedisCluster, type TestCluster } from '../../harness/redis-cluster.ts'
import { until } from '../../harness/until.ts'
import { Ledger } from './ledger.ts'

let cluster: TestCluster
let ledger: Ledger | undefined

beforeAll(async () => {
  cluster = await startRedisCluster()
})
afterEach(() => ledger?.close())
afterAll(() => cluster?.stop())

async function started(): Promise<Ledger> {
  const chains = [await cluster.chainAt(0), await cluster.chainAt(1), await cluster.chainAt(2)]
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
})
