import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { virtualClock } from '../../src/clock.ts'
import { MOST_ENTRIES } from '../../src/patterns/day-store.ts'
import { mergedEntry } from '../../src/patterns/merged-entry.ts'
import { SAVE_MS } from '../../src/patterns/pattern-store.ts'
import { MOST_FINAL, SOON_MS } from '../../src/patterns/shared-patterns.ts'
import { until } from '../harness/until.ts'
import type { MemoryHashes } from './memory-hashes.ts'
import { HOUR_MS, NOON_MS, SharedStage, type Sharer, sharer, TODAY } from './shared-stage.ts'

let stage: SharedStage
let redis: MemoryHashes
let node: SharedStage['node']
let lived: SharedStage['lived']

beforeEach(() => {
  stage = new SharedStage()
  redis = stage.redis
  node = stage.node.bind(stage)
  lived = stage.lived.bind(stage)
})
afterEach(() => stage.close())

describe('an entry of shared patterns that cannot be read', () => {
  test.each([
    ['corrupt', (value: Buffer) => Buffer.from(value.subarray(0, -1))],
    ['corrupt', (value: Buffer) => Buffer.concat([value.subarray(0, 20), Buffer.from([1, 2]), value.subarray(22)])],
    ['corrupt', () => Buffer.from('anything else')],
    ['corrupt', () => Buffer.alloc(0)],
    ['version', (value: Buffer) => Buffer.concat([value.subarray(0, 3), Buffer.from([9]), value.subarray(4)])],
  ] as const)('is passed over, counted as %s, and stays as it is', async (reason, changed) => {
    await lived({ A: 3, B: 1 })
    await lived({ A: 2 })
    const [first = ''] = redis.entries(TODAY, 'A')
    const hash = redis.of(TODAY, 'A')
    const value = changed(hash.get(first) ?? Buffer.alloc(0))
    hash.set(first, value)
    const next = await node()
    next.read('A')
    await next.store.close()
    expect([next.known('A'), next.known('B')]).toEqual([3, 1])
    expect(next.store.refused(reason)).toBeGreaterThan(0)
    expect(hash.get(first)).toBe(value)
  })

  test('is passed over if its hours are far ahead, and read when the clock has come to them', async () => {
    await lived({ A: 3 }, NOON_MS + 2 * HOUR_MS)
    const next = await node()
    expect([next.known('A'), next.store.refused('ahead')]).toEqual([0, 1])
    await next.round(2 * HOUR_MS, () => true)
    await next.round(SAVE_MS, () => next.known('A') === 3)
  })

  test('of a node whose clock is ahead is read up to the hour', async () => {
    const clock = virtualClock(NOON_MS)
    const ahead = await node({ clock })
    ahead.read('A', 2)
    clock.advanceTo(NOON_MS + HOUR_MS)
    ahead.read('A', 4)
    await ahead.store.close()
    const next = await node()
    expect([next.known('A'), next.predictor.history.lastHour]).toEqual([2, Math.floor(NOON_MS / HOUR_MS)])
  })

  test('is passed over if it lies in another day than its own', async () => {
    await lived({ A: 3 })
    const [first = ''] = redis.entries(TODAY, 'A')
    redis.of(TODAY - 1, 'A').set(first, redis.of(TODAY, 'A').get(first) ?? Buffer.alloc(0))
    const next = await node()
    expect([next.known('A'), next.store.refused('corrupt')]).toEqual([3, 1])
  })
})

describe('entries of processes that have ended', () => {
  test('become one when they are many, and lose and double nothing', async () => {
    for (let start = 0; start <= MOST_FINAL; start++) await lived({ A: 2, [`P${start}`]: 1 })
    expect(redis.entries(TODAY, 'A')).toHaveLength(MOST_FINAL + 1)
    const merger = await node()
    await until('they are merged', () => redis.entries(TODAY, 'A').length === 1)
    const after = await node()
    for (const each of [merger, after])
      expect([each.known('A'), each.known('P0'), each.known(`P${MOST_FINAL}`)]).toEqual([2 * (MOST_FINAL + 1), 1, 1])
  })

  test('are not merged while one of them may be written again', async () => {
    const running: Sharer[] = []
    for (let start = 0; start <= MOST_FINAL; start++) {
      const one = await node()
      running.push(one)
      one.read('A')
      await one.round(SOON_MS, () => redis.writes > start)
    }
    await node()
    expect(redis.entries(TODAY, 'A')).toHaveLength(MOST_FINAL + 1)
    for (const one of running) one.read('A')
    for (const one of running) await one.store.close()
    expect((await node()).known('A')).toBe(2 * (MOST_FINAL + 1))
  })

  test('that did not close are merged when their day is long over', async () => {
    for (let start = 0; start <= MOST_FINAL; start++) {
      const one = sharer({ hashes: redis.connection() })
      await one.start()
      one.read('A')
      await one.round(SOON_MS, () => redis.writes > start)
    }
    const later = await node({ clock: virtualClock(NOON_MS + 3 * 24 * HOUR_MS) })
    expect(redis.entries(TODAY, 'A')).toHaveLength(1)
    expect(later.known('A')).toBe(MOST_FINAL + 1)
  })

  test('are read anew if they were merged while the day was read', async () => {
    for (let start = 0; start < 3; start++) await lived({ A: 1 })
    const from = redis.entries(TODAY, 'A')
    const sum = await mergedEntry([...redis.of(TODAY, 'A').values()], TODAY)
    redis.onRead = (entry, part) => {
      if (entry === from[1]) redis.merge(part, { from, to: 'merged', value: sum ?? Buffer.alloc(0), untilMs: 0 })
    }
    expect((await node()).known('A')).toBe(3)
  })

  test('are no more than a day takes; the next one is told that it is not stored', async () => {
    await lived({ A: 1 })
    const hash = redis.of(TODAY, 'A')
    for (let entry = 1; entry < MOST_ENTRIES; entry++) hash.set(`dead-${entry}`, Buffer.from('damaged'))
    const one = await node()
    one.read('A')
    await one.store.close()
    expect(one.store.unsaved?.message).toContain(`${MOST_ENTRIES} entries`)
    expect(hash.size).toBe(MOST_ENTRIES)
  })
})
