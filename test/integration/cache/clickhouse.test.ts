import { existsSync } from 'node:fs'
import { afterAll, describe, expect, it } from '@jest/globals'
import { type ClickHouse, hasClickHouse, startClickHouse } from '../../../deploy/stack/clickhouse-server.ts'
import { createNode } from '../../../node/node.ts'
import { createMemoryBroker } from '../../../src/broker/memory/broker.ts'
import { VERSIONS_PER_MS } from '../../../src/cache/cached-price.ts'
import { ClickHouseL3 } from '../../../src/cache/l3/clickhouse.ts'
import { PriceHistory } from '../../../src/cache/l3/price-history.ts'
import { PRICE_TABLE } from '../../../src/cache/l3/price-table.ts'
import { createEmbeddedEngine } from '../../../src/cache/l3/sql-embedded.ts'
import { createHttpEngine } from '../../../src/cache/l3/sql-http.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { systemClock } from '../../../src/clock.ts'
import { createMetrics } from '../../../src/telemetry/metrics.ts'
import { systemTimer } from '../../../src/timer.ts'
import { createCache } from '../../../standalone/cache.ts'
import { columnsOf } from '../../cache/l2/columns.ts'
import { l3Conformance } from '../../cache/l3/conformance.ts'
import { until } from '../../harness/until.ts'
import { updateOf } from '../../node/stage.ts'

/** Enough time for an answer on a busy machine. */
const ANSWERED_MS = 30_000

// An engine that is installed and does not start is a failure.
const hasEmbedded = existsSync(new URL('../../../node_modules/chdb', import.meta.url))

if (hasClickHouse) {
  let server: ClickHouse | undefined
  afterAll(() => server?.stop())
  l3Conformance('ClickHouse by HTTP', async () => {
    server = await startClickHouse()
    return createHttpEngine({ url: server.url, timeoutMs: ANSWERED_MS })
  })

  describe('the level of a ClickHouse that ends', () => {
    it('is unavailable from then on, and its rows wait in the history', async () => {
      const own = await startClickHouse()
      const table = new PairTable({ maxPairs: 10 })
      const metrics = createMetrics()
      const pairId = table.register('ethereum', 'a')
      const l3 = new ClickHouseL3({
        engine: async () => createHttpEngine({ url: own.url, timeoutMs: ANSWERED_MS }),
        ...{ table, metrics, clock: systemClock, timer: systemTimer, random: Math.random },
        ...{ ttlMs: 3_600_000, createsTable: true },
      })
      const history = new PriceHistory({ table, metrics, insert: (name, rows) => l3.insert(name, rows) })
      await l3.start()
      const columns = columnsOf([{ pairId, version: systemClock.now() * VERSIONS_PER_MS, price: 3 }])
      history.take(columns, 0, 1)
      await history.flush()
      expect(await l3.load([pairId])).toMatchObject({ status: 'loaded', rows: [{ price: 3 }] })
      await own.stop()
      history.take(columns, 0, 1)
      await history.flush()
      expect([(await l3.load([pairId])).status, history.pendingRows]).toEqual(['unavailable', 1])
      await history.close()
      await l3.close()
    })
  })

  describe('one ClickHouse', () => {
    it('gives a cache with an empty L2 the price that another cache wrote', async () => {
      const url = server?.url ?? ''
      const written = await createCache({ l2Enabled: false, env: { CLICKHOUSE_URL: url, CLICKHOUSE_WRITE: 'true' } })
      written.set('WETH/USDC', { price: 3120.5, bid: 3120 })
      await written.close()
      const other = await createCache({ l2Enabled: false, env: { CLICKHOUSE_URL: url } })
      try {
        expect(await other.getOrLoad('WETH/USDC')).toMatchObject({ price: 3120.5, bid: 3120, ask: undefined })
        expect(await other.getOrLoad('NONE')).toBe('missing')
        const { levels } = other.stats()
        expect([levels.L3.hits, levels.L3.misses, levels.L2.misses]).toEqual([1, 1, 2])
      } finally {
        await other.close()
      }
    })

    it('is not asked for a pair that L2 knows to be deleted', async () => {
      const cache = await createCache({ l2Enabled: false, env: { CLICKHOUSE_URL: server?.url ?? '' } })
      try {
        expect(await cache.delete('DELETED')).toBe('deleted')
        expect([await cache.getOrLoad('DELETED'), cache.get('DELETED')]).toEqual(['missing', 'missing'])
        expect(cache.stats().levels.L3).toMatchObject({ hits: 0, misses: 0 })
      } finally {
        await cache.close()
      }
    })

    it('holds the prices of a node, also those that waited when the node was closed', async () => {
      const url = server?.url ?? ''
      const broker = createMemoryBroker({ partitions: { prices: 1 } })
      const producer = broker.producer()
      await producer.connect()
      const node = await createNode({
        ...{ broker, start: 'earliest', logLevel: 'warn', env: {} },
        config: {
          kafka: { priceTopics: ['prices'] },
          cache: { l2Enabled: false, clickHouseUrl: url, clickHouseWrite: true },
          http: { port: 0 },
        },
      })
      try {
        const records = ['A', 'B'].map((pair) => ({
          partition: 0,
          key: 'ethereum',
          value: JSON.stringify(updateOf(pair)),
        }))
        await producer.sendBatch('prices', records)
        await node.start()
        await until('the updates are handled', () => node.stats().updates === 2)
      } finally {
        await node.close()
        await producer.close()
        await broker.close()
      }
      const engine = createHttpEngine({ url, timeoutMs: ANSWERED_MS })
      const rows = await engine.rows(`SELECT pair FROM ${PRICE_TABLE} WHERE chain = 'ethereum' AND pair IN ('A', 'B')`)
      await engine.close()
      expect(rows.flat().toSorted()).toEqual(['A', 'B'])
    })
  })
} else {
  console.warn(
    'SKIPPED: no clickhouse-server on the PATH; the third level is not tested by HTTP (apt-get install clickhouse-server)',
  )
  describe.skip('third level: ClickHouse by HTTP', () => it('is not tested here', () => undefined))
}

if (hasEmbedded) {
  l3Conformance('ClickHouse in the process', () => createEmbeddedEngine(undefined))
} else {
  console.warn(
    'SKIPPED: the package chdb is not installed; the embedded engine is not tested (.ci/run shows how to have it)',
  )
  describe.skip('third level: ClickHouse in the process', () => it('is not tested here', () => undefined))
}
