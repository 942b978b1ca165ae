import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { VERSIONS_PER_MS } from '../../../src/cache/cached-price.ts'
import { ClickHouseL3 } from '../../../src/cache/l3/clickhouse.ts'
import { PriceHistory } from '../../../src/cache/l3/price-history.ts'
import { PRICE_TABLE } from '../../../src/cache/l3/price-table.ts'
import type { SqlEngine } from '../../../src/cache/l3/sql-engine.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { systemClock } from '../../../src/clock.ts'
import { createMetrics } from '../../../src/telemetry/metrics.ts'
import { systemTimer } from '../../../src/timer.ts'
import { until } from '../../harness/until.ts'
import { cachedPrice, columnsOf, type Row } from '../l2/columns.ts'

const HOUR_MS = 3_600_000

/** The tests that the third level passes on every ClickHouse, old or new, by HTTP or in the process. */
export function l3Conformance(name: string, open: () => Promise<SqlEngine>): void {
  describe(`third level: ${name}`, () => {
    const table = new PairTable({ maxPairs: 10_000 })
    const metrics = createMetrics()
    let engine: SqlEngine
    let l3: ClickHouseL3
    let history: PriceHistory
    const nowMs = systemClock.now()
    const at = (beforeMs: number) => (nowMs - beforeMs) * VERSIONS_PER_MS
    const price = (beforeMs: number, numbers: Partial<Row> = {}): Omit<Row, 'pairId'> => ({
      version: at(beforeMs),
      eventTimeMs: nowMs - beforeMs,
      ...numbers,
    })
    const store = async (rows: readonly Row[]) => {
      history.take(columnsOf(rows), 0, rows.length)
      await history.flush()
      expect(history.pendingRows).toBe(0)
    }
    const load = async (pairIds: readonly number[]) => {
      const loaded = await l3.load(pairIds)
      if (loaded.status === 'unavailable') throw new Error(loaded.reason)
      return loaded.rows
    }

    beforeAll(async () => {
      engine = await open()
      await engine.run(`DROP TABLE IF EXISTS ${PRICE_TABLE}`)
      l3 = new ClickHouseL3({
        engine: async () => engine,
        ...{ table, metrics, clock: systemClock, timer: systemTimer, random: Math.random },
        ttlMs: HOUR_MS,
        createsTable: true,
      })
      await l3.start()
      await until('the table is there', async () => {
        const found = await engine.rows(`EXISTS TABLE ${PRICE_TABLE}`)
        return Number(found[0]?.[0]) === 1
      })
      history = new PriceHistory({ table, metrics, insert: (name, rows) => l3.insert(name, rows) })
    })
    afterAll(async () => {
      await history?.close()
      await l3?.close()
      await l3?.close()
    })

    it('gives back each number of the newest price of each pair, in the order of the question', async () => {
      const [a = -1, b = -1, none = -1] = ['a', 'b', 'none'].map((pair) => table.register('ethereum', pair))
      const full = { price: 1.5, bid: 1.4, ask: 1.6, reserve0: 0, reserve1: 3e-9, liquidity: 1e21 }
      await store([
        { pairId: a, ...price(2_000, { price: 9 }) },
        { pairId: b, ...price(5, { price: 7 }) },
        { pairId: a, ...price(1_000, full) },
      ])
      expect(await load([b, none, a])).toEqual([
        { ...cachedPrice({ version: at(5), eventTimeMs: nowMs - 5, price: 7 }), epoch: Infinity },
        undefined,
        { ...cachedPrice({ version: at(1_000), eventTimeMs: nowMs - 1_000, ...full }), epoch: Infinity },
      ])
    })

    it.each([1e-18, 1e18, 0, 0.1 + 0.2, Number.MAX_VALUE])('keeps the price %d as it is', async (number) => {
      const pairId = table.register('numbers', String(number))
      await store([{ pairId, ...price(1, { price: number }) }])
      expect((await load([pairId]))[0]?.price).toBe(number)
    })

    it('takes quotes, backslashes and other letters in names as they are', async () => {
      const names = [
        "o'clock",
        'back\\slash',
        "both\\'",
        'line\nbreak',
        'tab\t',
        'ünï – 日本 🦊',
        "'); DROP TABLE x --",
      ]
      const pairIds = names.map((pair) => table.register("ch'ain\\", pair))
      await store(pairIds.map((pairId, i) => ({ pairId, ...price(1, { price: i + 1 }) })))
      expect((await load(pairIds)).map((row) => row?.price)).toEqual(names.map((_, i) => i + 1))
    })

    it('keeps pairs of the same name on two chains apart', async () => {
      const [one = -1, two = -1] = ['one', 'two'].map((chain) => table.register(chain, 'same'))
      await store([
        { pairId: one, ...price(1, { price: 1 }) },
        { pairId: two, ...price(1, { price: 2 }) },
      ])
      expect((await load([two, one])).map((row) => row?.price)).toEqual([2, 1])
    })

    it('looks no further back than its TTL', async () => {
      const pairId = table.register('ethereum', 'old')
      await store([{ pairId, ...price(HOUR_MS + 60_000, { price: 1 }) }])
      expect(await load([pairId])).toEqual([undefined])
    })

    it('answers for thousands of pairs at once', async () => {
      const pairIds = Array.from({ length: 2_500 }, (_, i) => table.register('many', `pair-${i}`))
      await store(pairIds.map((pairId, i) => ({ pairId, ...price(1, { price: i + 1 }) })))
      expect((await load(pairIds)).map((row) => row?.price)).toEqual(pairIds.map((_, i) => i + 1))
    })

    it('takes prices of many days in one insert', async () => {
      const dayMs = 86_400_000
      const pairIds = Array.from({ length: 150 }, (_, day) => table.register('days', `pair-${day}`))
      await store(pairIds.map((pairId, day) => ({ pairId, ...price(day * dayMs, { price: day + 1 }) })))
      expect((await load(pairIds)).map((row) => row?.price)).toEqual([1, ...Array(149).fill(undefined)])
    })

    it('holds a price that was written twice only once, when its parts are merged', async () => {
      const pairId = table.register('ethereum', 'twice')
      const row = { pairId, ...price(1, { price: 2 }) }
      await store([row])
      await store([row])
      // During a merge of its own, ClickHouse ignores the command to merge, and does not say so.
      await until('it is held once', async () => {
        await engine.run(`OPTIMIZE TABLE ${PRICE_TABLE} FINAL`)
        const found = await engine.rows(`SELECT price FROM ${PRICE_TABLE} WHERE pair = 'twice'`)
        expect(found).toEqual([[2]])
        return true
      })
    })

    it('passes over a row that is no price and counts it', async () => {
      const [bad = -1, good = -1] = ['bad', 'good'].map((pair) => table.register('rows', pair))
      await store([{ pairId: good, ...price(1, { price: 3 }) }])
      const row = { chain: 'rows', pair: 'bad', version: '18014398509481984', event_time_ms: nowMs, price: 1 }
      await engine.insert(PRICE_TABLE, [row])
      expect((await load([bad, good])).map((each) => each?.price)).toEqual([undefined, 3])
      expect(metrics.counter('l3_undecodable_total').value).toBe(1)
    })
  })
}
