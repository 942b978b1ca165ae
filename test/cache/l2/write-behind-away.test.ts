import { describe, expect, test } from '@jest/globals'
import { FLUSH_MS, WriteBehindStage } from './write-behind-stage.ts'

describe('the write-behind while L2 is away', () => {
  test('keeps the rows that were not written, except those of pairs that were updated meanwhile', async () => {
    const stage = new WriteBehindStage()
    stage.add(0, 1)
    stage.add(1, 1)
    await stage.timer.advance(FLUSH_MS)
    stage.add(0, 2)
    await stage.l2.writes[0]?.fail()
    expect([stage.pending(0), stage.pending(1), stage.writeBehind.skipped]).toEqual([2, 1, 0])
    await stage.timer.advance(FLUSH_MS * 20)
    expect(stage.written(1)).toEqual([
      [0, 2],
      [1, 1],
    ])
  })

  test('keeps the rows of the part that is away, and tries them again at the usual pace', async () => {
    const stage = new WriteBehindStage()
    for (let pairId = 0; pairId < 4; pairId++) stage.add(pairId, 1)
    await stage.timer.advance(FLUSH_MS)
    await stage.l2.writes[0]?.failFor([1, 3])
    expect([0, 1, 2, 3].map((pairId) => stage.pending(pairId))).toEqual([0, 1, 0, 1])
    expect(stage.writeBehind.full).toBe(false)
    await stage.timer.advance(FLUSH_MS)
    expect(stage.written(1)).toEqual([
      [1, 1],
      [3, 1],
    ])
  })

  test('asks L2 every twenty flush times', async () => {
    const stage = new WriteBehindStage()
    stage.add(0, 1)
    await stage.timer.advance(FLUSH_MS)
    await stage.l2.writes[0]?.fail()
    await stage.timer.advance(FLUSH_MS * 20 - 1)
    expect(stage.l2.writes).toHaveLength(1)
    await stage.timer.advance(1)
    expect(stage.l2.writes).toHaveLength(2)
  })

  test('lets nobody wait for a free row, counts pairs that find none, and does not ask L2 for each of them', async () => {
    const stage = new WriteBehindStage(2)
    stage.add(0, 1)
    stage.add(1, 1)
    await stage.timer.advance(FLUSH_MS)
    await stage.l2.writes[0]?.fail()
    expect(stage.writeBehind.full).toBe(false)
    stage.add(2, 1)
    stage.add(1, 2)
    await stage.writeBehind.drain()
    expect([stage.writeBehind.skipped, stage.pending(1), stage.l2.writes.length]).toEqual([1, 2, 1])
    await stage.timer.advance(FLUSH_MS * 20)
    await stage.l2.writes[1]?.succeed()
    stage.add(2, 3)
    expect(stage.pending(2)).toBe(3)
  })

  test('counts values that come back unwritten when newer pairs have taken every row', async () => {
    const stage = new WriteBehindStage(2)
    stage.add(0, 1)
    stage.add(1, 1)
    await stage.timer.advance(FLUSH_MS)
    stage.add(2, 1)
    stage.add(3, 1)
    await stage.l2.writes[0]?.fail()
    expect([0, 1, 2, 3].map((pairId) => stage.pending(pairId))).toEqual([0, 0, 1, 1])
    expect(stage.writeBehind.skipped).toBe(2)
  })
})
