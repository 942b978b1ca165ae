import { describe, expect, test } from '@jest/globals'
import { emptyPrice, VERSIONS_PER_MS } from '../../../src/cache/cached-price.ts'
import { settled } from '../../harness/manual-timer.ts'
import { FLUSH_MS, PAIRS, WriteBehindStage } from './write-behind-stage.ts'

describe('a flush of the write-behind', () => {
  test('is due `flushMs` after the first update, and writes the newest version of each pair once', async () => {
    const stage = new WriteBehindStage()
    for (let version = 1; version <= 100; version++) stage.add(version % 2, version)
    await stage.timer.advance(FLUSH_MS - 1)
    expect(stage.l2.writes).toHaveLength(0)
    await stage.timer.advance(1)
    expect(stage.l2.writes).toHaveLength(1)
    expect(stage.l2.writes[0]?.rows).toEqual([
      { pairId: 1, version: 99, price: 49.5 },
      { pairId: 0, version: 100, price: 50 },
    ])
  })

  test('waits for the one before it, and takes the updates that came meanwhile', async () => {
    const stage = new WriteBehindStage()
    stage.add(0, 1)
    await stage.timer.advance(FLUSH_MS)
    stage.add(0, 2)
    stage.add(1, 3)
    await stage.timer.advance(FLUSH_MS)
    expect(stage.l2.writes).toHaveLength(1)
    await stage.l2.writes[0]?.succeed()
    await stage.timer.advance(FLUSH_MS)
    expect(stage.written(1)).toEqual([
      [0, 2],
      [1, 3],
    ])
    await stage.l2.writes[1]?.succeed()
    expect([stage.writeBehind.pendingEntries, stage.timer.pending]).toEqual([0, 0])
  })

  test('tells how many entries it wrote, its outcome and its duration', async () => {
    const stage = new WriteBehindStage()
    stage.add(0, 1)
    await stage.timer.advance(FLUSH_MS * 1.5)
    await stage.l2.writes[0]?.succeed()
    expect(stage.flushes).toEqual([
      { entries: 1, outcome: { status: 'written', written: 1, older: 0 }, durationMs: FLUSH_MS / 2 },
    ])
  })

  test('does not ask L2 when there is nothing to write', async () => {
    const stage = new WriteBehindStage()
    await stage.writeBehind.flush()
    stage.add(0, 1)
    stage.writeBehind.forget(0)
    await stage.writeBehind.flush()
    expect([stage.l2.writes, stage.flushes, stage.writeBehind.pendingEntries]).toEqual([[], [], 0])
    stage.add(0, 2)
    await stage.timer.advance(FLUSH_MS)
    expect(stage.written(0)).toEqual([[0, 2]])
  })
})

describe('a value in the write-behind', () => {
  test('is read with all its numbers, while its set of rows fills and while it is being written', async () => {
    const stage = new WriteBehindStage()
    const version = 7 * VERSIONS_PER_MS + 3
    stage.writeBehind.add(2, version, Float64Array.of(0, 1, 2, 3, 4, 5, Number.NaN), 1)
    const expected = {
      ...emptyPrice(),
      epoch: 0,
      version,
      eventTimeMs: 7,
      price: 1,
      bid: 2,
      ask: 3,
      reserve0: 4,
      reserve1: 5,
      liquidity: Number.NaN,
    }
    const price = emptyPrice()
    expect([stage.writeBehind.pending(2, price), price]).toEqual([true, expected])
    await stage.timer.advance(FLUSH_MS)
    expect([stage.writeBehind.pending(2, price), price]).toEqual([true, expected])
    await stage.l2.writes[0]?.succeed()
    expect(stage.writeBehind.pending(2, price)).toBe(false)
  })

  test('is read as it was given from L1, and takes the row of its pair', async () => {
    const stage = new WriteBehindStage()
    stage.add(2, 1)
    const given = { ...emptyPrice(), epoch: 0, version: 5, eventTimeMs: 3, price: 7, ask: 8 }
    stage.writeBehind.addPrice(2, given)
    const price = emptyPrice()
    expect([stage.writeBehind.pending(2, price), price, stage.writeBehind.pendingEntries]).toEqual([true, given, 1])
  })

  test('is the newer one if both sets of rows have the pair', async () => {
    const stage = new WriteBehindStage()
    stage.add(0, 1)
    await stage.timer.advance(FLUSH_MS)
    stage.add(0, 2)
    expect(stage.pending(0)).toBe(2)
  })
})

describe('a write-behind whose every row is taken', () => {
  test('is full, and draining it waits for the flush that makes room', async () => {
    const stage = new WriteBehindStage(2)
    stage.add(0, 1)
    expect(stage.writeBehind.full).toBe(false)
    stage.add(1, 1)
    expect(stage.writeBehind.full).toBe(true)
    let isDrained = false
    const drained = stage.writeBehind.drain().then(() => {
      isDrained = true
    })
    await settled()
    expect([stage.l2.writes.length, isDrained]).toEqual([1, false])
    stage.add(2, 1)
    await stage.l2.writes[0]?.succeed()
    await drained
    expect([stage.writeBehind.full, stage.writeBehind.skipped, stage.pending(2)]).toEqual([false, 0, 1])
  })

  test('is drained by the flush in flight, and by another if it is still full', async () => {
    const stage = new WriteBehindStage(1)
    stage.add(0, 1)
    await stage.timer.advance(FLUSH_MS)
    stage.add(1, 1)
    const drained = stage.writeBehind.drain()
    await stage.l2.writes[0]?.succeed()
    expect(stage.written(1)).toEqual([[1, 1]])
    await stage.l2.writes[1]?.succeed()
    await drained
    expect(stage.writeBehind.full).toBe(false)
  })

  test('is drained as far as it can be when L2 turns out to be away', async () => {
    const stage = new WriteBehindStage(1)
    stage.add(0, 1)
    const drained = stage.writeBehind.drain()
    await stage.l2.writes[0]?.fail()
    await drained
    expect(stage.pending(0)).toBe(1)
  })
})

describe('a pair that the write-behind forgets', () => {
  test('is not written from either set of rows', async () => {
    const stage = new WriteBehindStage()
    stage.add(0, 1)
    stage.add(1, 1)
    await stage.timer.advance(FLUSH_MS)
    stage.add(0, 2)
    stage.add(2, 2)
    stage.writeBehind.forget(0)
    expect(stage.pending(0)).toBe(0)
    await stage.l2.writes[0]?.fail()
    expect(stage.pending(0)).toBe(0)
    await stage.timer.advance(FLUSH_MS * 20)
    expect(stage.written(1)).toEqual([
      [2, 2],
      [1, 1],
    ])
  })

  test('has a row of its own when it is listed again', async () => {
    const stage = new WriteBehindStage()
    stage.add(0, 1)
    stage.add(1, 1)
    stage.writeBehind.forget(0)
    stage.add(0, 3)
    expect(stage.pending(0)).toBe(3)
    await stage.timer.advance(FLUSH_MS)
    expect(stage.written(0)).toEqual([
      [1, 1],
      [0, 3],
    ])
    expect(stage.pending(0)).toBe(3)
  })
})

describe('a write-behind that grows', () => {
  test('takes a row for every pair, whether L2 is away or not, and gives the rows back', async () => {
    const stage = new WriteBehindStage(2, true)
    for (let pairId = 0; pairId < PAIRS; pairId++) stage.add(pairId, 1)
    await stage.timer.advance(FLUSH_MS)
    for (let pairId = 0; pairId < PAIRS; pairId++) stage.add(pairId, 2)
    await stage.l2.writes[0]?.fail()
    await stage.timer.advance(FLUSH_MS * 20)
    await stage.l2.writes[1]?.succeed()
    expect(stage.written(1)).toEqual(Array.from({ length: PAIRS }, (_, pairId) => [pairId, 2]))
    expect([stage.writeBehind.skipped, stage.writeBehind.pendingEntries]).toEqual([0, 0])
  })
})

describe('closing the write-behind', () => {
  test('goes on as long as L2 takes some of the rows, and counts the others', async () => {
    const stage = new WriteBehindStage()
    for (const pairId of [0, 1, 2]) stage.add(pairId, 1)
    const closed = stage.writeBehind.close()
    await stage.l2.writes[0]?.failFor([1, 2])
    await stage.l2.writes[1]?.failFor([1])
    await stage.l2.writes[2]?.fail()
    await closed
    expect([stage.l2.stored.size, stage.writeBehind.skipped, stage.lost]).toEqual([2, 1, [[1, 'away']]])
  })

  test('writes the rest and ends, and a second close waits for the same', async () => {
    const stage = new WriteBehindStage()
    stage.add(0, 1)
    const order: string[] = []
    const closes = [
      stage.writeBehind.close().then(() => order.push('first')),
      stage.writeBehind.close().then(() => order.push('second')),
    ]
    await settled()
    expect(order).toEqual([])
    await stage.l2.writes[0]?.succeed()
    await Promise.all(closes)
    expect([stage.written(0), order.length, stage.timer.pending]).toEqual([[[0, 1]], 2, 0])
  })

  test('also writes the rows that waited behind a flush in flight', async () => {
    const stage = new WriteBehindStage()
    stage.add(0, 1)
    await stage.timer.advance(FLUSH_MS)
    stage.add(1, 2)
    const closed = stage.writeBehind.close()
    await stage.l2.writes[0]?.succeed()
    expect(stage.written(1)).toEqual([[1, 2]])
    await stage.l2.writes[1]?.succeed()
    await closed
    expect([stage.writeBehind.pendingEntries, stage.writeBehind.skipped, stage.lost]).toEqual([0, 0, []])
  })

  test('asks L2 once, counts the rows that it did not take and tells them once', async () => {
    const stage = new WriteBehindStage()
    for (const pairId of [0, 1, 2]) stage.add(pairId, 1)
    const closed = stage.writeBehind.close()
    await stage.l2.writes[0]?.fail()
    await closed
    await stage.writeBehind.close()
    expect([stage.l2.writes.length, stage.writeBehind.skipped, stage.timer.pending]).toEqual([1, 3, 0])
    expect(stage.lost).toEqual([[3, 'away']])
  })

  test('counts rows that were held back for long in the same way', async () => {
    const stage = new WriteBehindStage()
    stage.add(0, 1)
    await stage.timer.advance(FLUSH_MS)
    await stage.l2.writes[0]?.fail()
    stage.add(1, 2)
    const closed = stage.writeBehind.close()
    await stage.l2.writes[1]?.fail()
    await closed
    expect([stage.writeBehind.pendingEntries, stage.writeBehind.skipped, stage.lost]).toEqual([0, 2, [[2, 'away']]])
  })

  test('sets no timer for an update that comes too late, and counts it', async () => {
    const stage = new WriteBehindStage()
    await stage.writeBehind.close()
    stage.add(0, 1)
    expect([stage.timer.pending, stage.writeBehind.skipped]).toEqual([0, 1])
  })
})
