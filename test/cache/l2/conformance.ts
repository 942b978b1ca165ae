import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { L2 } from '../../../src/cache/l2/l2.ts'
import type { PairTable } from '../../../src/cache/names/pair-table.ts'
import { cachedPrice, columnsOf, type Row } from './columns.ts'
import { deletionConformance, newerConformance } from './deletion-conformance.ts'

/** A level under test, started, with a table of its own. `chain` is one that no other test uses. */
export interface L2Bench {
  readonly l2: L2
  readonly table: PairTable
  readonly chain: string
  readonly ttlMs: number
  /** What the level said of newer versions: pair ids and floors. */
  readonly newer: (readonly [pairId: number, floor: number])[]
  /** Resolves when the values written before it are past their TTL. */
  outlive(pairId: number): Promise<void>
  close(): Promise<void>
}

/** The tests that every second level passes. */
export function l2Conformance(name: string, open: () => Promise<L2Bench>): void {
  describe(`second level: ${name}`, () => {
    let bench: L2Bench
    const pair = (pairName: string) => bench.table.register(bench.chain, pairName)
    const write = (rows: readonly Row[]) => bench.l2.write(columnsOf(rows), 0, rows.length)

    beforeEach(async () => {
      bench = await open()
    })
    afterEach(() => bench.close())

    it('gives back each number as it was written', async () => {
      const full = cachedPrice({
        version: 4_096_000,
        price: 1.5,
        bid: 1.4,
        ask: 1.6,
        reserve0: 0,
        reserve1: 3e-9,
        liquidity: 1e21,
      })
      const sparse = cachedPrice({ version: 4_096_001, price: 7, liquidity: 2 })
      await write([
        { pairId: pair('a'), ...full },
        { pairId: pair('b'), ...sparse },
      ])
      expect(await bench.l2.load([pair('a'), pair('b')])).toEqual({ status: 'loaded', rows: [full, sparse] })
    })

    it('answers in the order of the question, with undefined for nothing stored, and twice if asked twice', async () => {
      await write([{ pairId: pair('a'), version: 1 }])
      const rows = [undefined, cachedPrice({ version: 1 }), undefined, cachedPrice({ version: 1 })]
      expect(await bench.l2.load([pair('x'), pair('a'), pair('y'), pair('a')])).toEqual({ status: 'loaded', rows })
    })

    it('keeps pairs of the same name on two chains apart', async () => {
      const other = bench.table.register(`${bench.chain}-other`, 'a')
      await write([
        { pairId: pair('a'), version: 1 },
        { pairId: other, version: 2 },
      ])
      const rows = [cachedPrice({ version: 2 }), cachedPrice({ version: 1 })]
      expect(await bench.l2.load([other, pair('a')])).toEqual({ status: 'loaded', rows })
    })

    it('writes only the rows that it is told to write', async () => {
      const columns = columnsOf(['a', 'b', 'c'].map((pairName) => ({ pairId: pair(pairName), version: 5 })))
      expect(await bench.l2.write(columns, 1, 2)).toEqual({ status: 'written', written: 1, older: 0 })
      const rows = [undefined, cachedPrice({ version: 5 }), undefined]
      expect(await bench.l2.load([pair('a'), pair('b'), pair('c')])).toEqual({ status: 'loaded', rows })
    })

    it('refuses an older version and counts it', async () => {
      await write([{ pairId: pair('a'), version: 10 }])
      const outcome = await write([
        { pairId: pair('a'), version: 9 },
        { pairId: pair('b'), version: 9 },
      ])
      expect(outcome).toEqual({ status: 'written', written: 1, older: 1 })
      expect(await bench.l2.load([pair('a')])).toEqual({ status: 'loaded', rows: [cachedPrice({ version: 10 })] })
    })

    it('takes an equal version again', async () => {
      await write([{ pairId: pair('a'), version: 10, price: 1 }])
      expect(await write([{ pairId: pair('a'), version: 10, price: 2 }])).toEqual({
        status: 'written',
        written: 1,
        older: 0,
      })
      expect(await bench.l2.load([pair('a')])).toEqual({
        status: 'loaded',
        rows: [cachedPrice({ version: 10, price: 2 })],
      })
    })

    it('compares versions as numbers, not digit by digit', async () => {
      await write([{ pairId: pair('a'), version: 9 }])
      await write([{ pairId: pair('a'), version: 10 }])
      await write([{ pairId: pair('b'), version: Number.MAX_SAFE_INTEGER }])
      await write([{ pairId: pair('b'), version: Number.MAX_SAFE_INTEGER - 1 }])
      const rows = [cachedPrice({ version: 10 }), cachedPrice({ version: Number.MAX_SAFE_INTEGER })]
      expect(await bench.l2.load([pair('a'), pair('b')])).toEqual({ status: 'loaded', rows })
    })

    it('keeps the newest of several rows of one pair in a write, whatever their order', async () => {
      const a = pair('a')
      const outcome = await write([3, 5, 4].map((version) => ({ pairId: a, version })))
      expect(outcome).toEqual({ status: 'written', written: 2, older: 1 })
      expect(await bench.l2.load([a])).toEqual({ status: 'loaded', rows: [cachedPrice({ version: 5 })] })
    })

    it('takes no row of version 0: its pair was delisted while it waited', async () => {
      expect(await write([{ pairId: pair('a'), version: 0 }])).toEqual({ status: 'written', written: 0, older: 1 })
      expect(await bench.l2.load([pair('a')])).toEqual({ status: 'loaded', rows: [undefined] })
    })

    it('writes and loads thousands of pairs of several chains at once', async () => {
      const ids = Array.from({ length: 5_000 }, (_, i) => bench.table.register(`${bench.chain}-${i % 7}`, `pair-${i}`))
      const outcome = await write(ids.map((pairId, i) => ({ pairId, version: i + 1 })))
      expect(outcome).toEqual({ status: 'written', written: 5_000, older: 0 })
      const loaded = await bench.l2.load(ids)
      expect(loaded).toEqual({ status: 'loaded', rows: ids.map((_, i) => cachedPrice({ version: i + 1 })) })
    })

    deletionConformance(() => bench)
    newerConformance(() => bench)

    it('forgets a value with its version after its TTL', async () => {
      await write([{ pairId: pair('a'), version: 10 }])
      await bench.outlive(pair('a'))
      expect(await bench.l2.load([pair('a')])).toEqual({ status: 'loaded', rows: [undefined] })
      expect(await write([{ pairId: pair('a'), version: 9 }])).toEqual({ status: 'written', written: 1, older: 0 })
    })

    it('answers an empty load and takes an empty write', async () => {
      expect(await bench.l2.load([])).toEqual({ status: 'loaded', rows: [] })
      expect(await write([])).toEqual({ status: 'written', written: 0, older: 0 })
      expect(await bench.l2.delete([])).toEqual({ status: 'written', written: 0, older: 0 })
    })

    it('gives out copies, so that changes to them do not reach it', async () => {
      await write([{ pairId: pair('a'), version: 1 }])
      const first = await bench.l2.load([pair('a')])
      if (first.status === 'loaded' && first.rows[0] !== undefined) first.rows[0].price = -1
      expect(await bench.l2.load([pair('a')])).toEqual({ status: 'loaded', rows: [cachedPrice({ version: 1 })] })
    })

    it('is up until it is closed, then unavailable, and may be closed twice', async () => {
      expect(bench.l2.state()).toEqual({ status: 'up' })
      await bench.l2.close()
      await bench.l2.close()
      expect(await bench.l2.load([pair('a')])).toEqual({ status: 'unavailable', reason: 'closed' })
      expect(await write([{ pairId: pair('a'), version: 1 }])).toEqual({ status: 'unavailable', reason: 'closed' })
      expect(await bench.l2.delete([{ pairId: pair('a'), version: 0 }])).toEqual({
        status: 'unavailable',
        reason: 'closed',
      })
      expect(bench.l2.state()).toMatchObject({ status: 'degraded', reason: 'closed' })
    })
  })
}
