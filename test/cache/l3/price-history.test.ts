import { beforeEach, describe, expect, jest, test } from '@jest/globals'
import { createMemoryL2 } from '../../../src/cache/l2/memory.ts'
import { PriceHistory, withHistory } from '../../../src/cache/l3/price-history.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { virtualClock } from '../../../src/clock.ts'
import { createMetrics } from '../../../src/telemetry/metrics.ts'
import { ManualTimer, settled } from '../../harness/manual-timer.ts'
import { columnsOf } from '../l2/columns.ts'
import { ControlledL2 } from '../l2/controlled-l2.ts'

class Stage {
  readonly table = new PairTable({ maxPairs: 10 })
  readonly timer = new ManualTimer(virtualClock())
  readonly metrics = createMetrics()
  readonly inserts: (readonly object[])[] = []
  readonly lost: (readonly [number, string])[] = []
  readonly told: string[] = []
  isAway = false
  isMute = false
  readonly history: PriceHistory

  constructor() {
    this.table.register('ethereum', 'a')
    this.history = new PriceHistory({
      table: this.table,
      metrics: this.metrics,
      timer: this.timer.start,
      insert: async (_, rows) => {
        if (this.isMute) await new Promise(() => undefined)
        if (this.isAway) throw new Error('away\nand more')
        this.inserts.push([...rows])
      },
      onAway: (reason) => this.told.push(reason),
      onBack: () => this.told.push('back'),
      onLost: (rows, reason) => this.lost.push([rows, reason]),
    })
  }

  take(rows: number, version = 1): void {
    const columns = columnsOf(Array.from({ length: rows }, () => ({ pairId: 0, version })))
    this.history.take(columns, 0, rows)
  }

  dropped(reason: string): number {
    return this.metrics.counter('drops_total', { reason }).value
  }
}

let stage: Stage

beforeEach(() => {
  stage = new Stage()
})

describe('the price history', () => {
  test('writes its rows together, once a second', async () => {
    stage.take(1)
    stage.take(2)
    await stage.timer.advance(999)
    expect(stage.inserts).toEqual([])
    await stage.timer.advance(1)
    expect(stage.inserts.map((rows) => rows.length)).toEqual([3])
    expect(stage.inserts[0]?.[0]).toMatchObject({ chain: 'ethereum', pair: 'a', version: 1, price: 1, bid: null })
  })

  test('inserts batches of ten thousand rows', async () => {
    stage.take(25_000)
    await stage.history.flush()
    expect(stage.inserts.map((rows) => rows.length)).toEqual([10_000, 10_000, 5_000])
  })

  test('keeps its rows while ClickHouse is away, and tries again', async () => {
    stage.isAway = true
    stage.take(3)
    await stage.timer.advance(1_000)
    stage.isAway = false
    await stage.timer.advance(1_000)
    expect([stage.inserts.map((rows) => rows.length), stage.history.pendingRows]).toEqual([[3], 0])
  })

  test('keeps a hundred thousand rows, and counts the rows that come when it is full', async () => {
    stage.isAway = true
    stage.take(99_999)
    stage.take(3)
    expect([stage.history.pendingRows, stage.dropped('history-full')]).toEqual([100_000, 2])
    await stage.history.close()
    expect([stage.lost, stage.dropped('history-away')]).toEqual([[[100_000, 'away']], 100_000])
  })

  test('writes the rest when it is closed, takes no more, and may be closed twice', async () => {
    stage.take(2)
    await Promise.all([stage.history.close(), stage.history.close()])
    stage.take(1)
    await stage.timer.advance(5_000)
    expect([stage.inserts.map((rows) => rows.length), stage.timer.pending]).toEqual([[2], 0])
  })

  test('waits five seconds for an insert without an answer when it is closed', async () => {
    stage.isMute = true
    stage.take(2)
    await stage.timer.advance(1_000)
    stage.take(1)
    const closed = stage.history.close()
    await stage.timer.advance(5_000)
    await closed
    expect([stage.lost, stage.dropped('history-away')]).toEqual([[[3, 'no time left']], 3])
    expect(stage.timer.pending).toBe(0)
  })

  test('tells once that it is away, and once that it is back', async () => {
    stage.isAway = true
    stage.take(1)
    await stage.timer.advance(3_000)
    stage.isAway = false
    await stage.timer.advance(1_000)
    expect(stage.told).toEqual(['away', 'back'])
  })

  test('only copies numbers when it takes rows, and makes rows of them when it inserts', async () => {
    const columns = columnsOf([{ pairId: 0, version: 1 }])
    const names = jest.spyOn(stage.table, 'pairName')
    stage.history.take(columns, 0, 1)
    columns.versions[0] = 2
    columns.numbers.fill(2)
    expect(names).not.toHaveBeenCalled()
    await stage.history.flush()
    expect(stage.inserts[0]?.[0]).toMatchObject({ pair: 'a', version: 1, price: 1 })
  })

  test('takes rows while others are in flight, and inserts each once', async () => {
    stage.take(2)
    const flushed = stage.history.flush()
    stage.take(3)
    await flushed
    await stage.history.close()
    expect(stage.inserts.map((rows) => rows.length)).toEqual([2, 3])
  })

  test('takes the rows between those of delisted pairs, over the end of a batch', async () => {
    const versions = Array.from({ length: 25_000 }, (_, row) => (row % 3 === 0 ? 0 : row))
    stage.history.take(columnsOf(versions.map((version) => ({ pairId: 0, version }))), 0, 24_999)
    await stage.history.flush()
    const inserted = stage.inserts.flat().map((row) => (row as { version: number }).version)
    expect(inserted).toEqual(versions.slice(0, 24_999).filter((version) => version !== 0))
  })

  test('passes over the row of a pair that was delisted while it waited', () => {
    stage.take(1, 0)
    expect(stage.history.pendingRows).toBe(0)
  })
})

test('only rows that L2 has written go into the price history', async () => {
  const memory = createMemoryL2({ clock: virtualClock(1), random: () => 0.5, ttlMs: 1_000 })
  const l2 = withHistory(memory, stage.history)
  const columns = columnsOf([{ pairId: 0, version: 7 }])
  await l2.write(columns, 0, 1)
  expect(stage.history.pendingRows).toBe(1)
  await l2.close()
  await l2.write(columns, 0, 1)
  await settled()
  expect([stage.history.pendingRows, l2.state().status]).toEqual([1, 'degraded'])
})

test('when L2 has written some of the rows, these go into the price history', async () => {
  const parts = new ControlledL2()
  const columns = columnsOf([3, 4, 5].map((version) => ({ pairId: 0, version })))
  const writing = withHistory(parts, stage.history).write(columns, 0, 3)
  await parts.writes[0]?.failFor([1])
  expect(await writing).toMatchObject({ status: 'unavailable' })
  expect(stage.history.pendingRows).toBe(2)
})
