import { describe, expect, test } from '@jest/globals'
import { emptyPrice } from '../../../src/cache/cached-price.ts'
import { StoredJson } from '../../../src/cache/values/stored-json.ts'
import { cachedPrice } from './columns.ts'
import { FLUSH_MS, WriteBehindStage } from './write-behind-stage.ts'

const MOST_BYTES = 1_000

class JsonStage extends WriteBehindStage {
  constructor() {
    super(undefined, true, MOST_BYTES)
  }

  set(pairId: number, version: number, bytes: number): void {
    const json = new StoredJson(JSON.stringify('x'.repeat(bytes - 2)))
    this.heldPrices.set(pairId, cachedPrice({ version, price: Number.NaN, json }))
    this.writeBehind.addPrice(pairId, cachedPrice({ version, price: Number.NaN, json }))
  }

  /** How long the JSON is that waits for the pair; 0 if none does. */
  waiting(pairId: number): number {
    const price = emptyPrice()
    return this.writeBehind.pending(pairId, price) ? (price.json?.bytes ?? 0) : 0
  }
}

describe('JSON in the write-behind', () => {
  test('waits up to its bytes and one more value; further values are counted, and written from L1 later', async () => {
    const stage = new JsonStage()
    for (const pairId of [0, 1, 2]) stage.set(pairId, 1, 600)
    expect([0, 1, 2].map((pairId) => stage.waiting(pairId))).toEqual([600, 600, 0])
    expect([stage.writeBehind.skipped, stage.writeBehind.full]).toEqual([1, true])
    await stage.timer.advance(FLUSH_MS)
    await stage.l2.writes[0]?.succeed()
    await stage.timer.advance(FLUSH_MS)
    expect([stage.written(0), stage.written(1)]).toEqual([
      [
        [0, 1],
        [1, 1],
      ],
      [[2, 1]],
    ])
  })

  test('is replaced by a newer value of its key at any time, if that is not longer', () => {
    const stage = new JsonStage()
    for (const pairId of [0, 1]) stage.set(pairId, 1, 600)
    stage.set(0, 2, 500)
    expect([stage.waiting(0), stage.pending(0), stage.writeBehind.skipped]).toEqual([500, 2, 0])
  })

  test('gives way to a longer value that has no room, so that the older one is not written after it', async () => {
    const stage = new JsonStage()
    for (const pairId of [0, 1]) stage.set(pairId, 1, 600)
    stage.set(0, 2, 900)
    expect([stage.waiting(0), stage.writeBehind.skipped]).toEqual([0, 1])
    await stage.timer.advance(FLUSH_MS)
    expect(stage.written(0)).toEqual([[1, 1]])
    await stage.l2.writes[0]?.succeed()
    await stage.timer.advance(FLUSH_MS)
    expect(stage.written(1)).toEqual([[0, 2]])
  })

  test('stays within its bytes while L2 is away, the newest of each key', async () => {
    const stage = new JsonStage()
    for (const pairId of [0, 1]) stage.set(pairId, 1, 600)
    await stage.timer.advance(FLUSH_MS)
    for (const pairId of [2, 3]) stage.set(pairId, 1, 600)
    await stage.l2.writes[0]?.fail()
    expect([0, 1, 2, 3].map((pairId) => stage.waiting(pairId))).toEqual([0, 0, 600, 600])
    expect(stage.writeBehind.skipped).toBe(2)
    stage.set(2, 2, 600)
    expect(stage.pending(2)).toBe(2)
  })

  test('is forgotten with its key', () => {
    const stage = new JsonStage()
    for (const pairId of [0, 1]) stage.set(pairId, 1, 600)
    stage.writeBehind.forget(0)
    stage.set(2, 1, 600)
    expect([0, 1, 2].map((pairId) => stage.waiting(pairId))).toEqual([0, 600, 600])
  })
})
