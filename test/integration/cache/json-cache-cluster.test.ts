import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { createCache } from '../../../standalone/cache.ts'
import type { JsonCache } from '../../../standalone/json-cache.ts'
import { startRedisCluster, type TestCluster } from '../../harness/redis-cluster.ts'
import { until } from '../../harness/until.ts'

let cluster: TestCluster
const opened: JsonCache<string>[] = []

beforeAll(async () => {
  cluster = await startRedisCluster()
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((cache) => cache.close()))
})
afterAll(() => cluster?.stop())

async function openedOn(chain: string): Promise<JsonCache<string>> {
  const env = { REDIS_URL: cluster.urls.join(','), REDIS_COMMAND_TIMEOUT_MS: '5000' }
  const cache = await createCache<string>({ usePriceMatrix: false, chain, env })
  opened.push(cache)
  return cache
}

const written = (cache: JsonCache<string>) => until('all is written', () => cache.stats().writes.waiting === 0)

test('values of any kind in a Redis Cluster are read, told of and deleted on each master', async () => {
  for (const master of [0, 1, 2]) {
    const chain = await cluster.chainAt(master)
    const [a, b] = [await openedOn(chain), await openedOn(chain)]
    for (let key = 0; key < 20; key++) a.set(`K${key}`, 'x'.repeat(key * 1_000))
    await written(a)
    const readings = await b.getMany(Array.from({ length: 21 }, (_, key) => `K${key}`))
    expect(readings.map((each) => (typeof each === 'object' ? each.value.length : each))).toEqual([
      ...Array.from({ length: 20 }, (_, key) => key * 1_000),
      'missing',
    ])
    a.set('K1', 'second')
    await until('B reads the second', () => {
      const reading = b.get('K1')
      return typeof reading === 'object' && reading.value === 'second'
    })
    expect(await a.delete('K1')).toBe('deleted')
    await until('B has heard of the deletion', async () => (await b.getOrLoad('K1')) === 'missing')
  }
})
