import { describe, expect, test } from '@jest/globals'
import { NUMBER_COUNT } from '../../schemas/price-update.ts'
import { emptyPrice } from '../../src/cache/cached-price.ts'
import { Hierarchy } from '../../src/cache/hierarchy.ts'
import { hierarchyStats } from '../../src/cache/hierarchy-stats.ts'
import { L1 } from '../../src/cache/l1/l1.ts'
import { Upkeep } from '../../src/cache/l1/upkeep.ts'
import { createMemoryL2 } from '../../src/cache/l2/memory.ts'
import { WriteBehind } from '../../src/cache/l2/write-behind.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { optimize } from '../../src/cache/optimizer.ts'
import { Promotion } from '../../src/cache/promotion.ts'
import { virtualClock } from '../../src/clock.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { ManualTimer, settled } from '../harness/manual-timer.ts'

const PAIRS = 40
const SLOTS = 10

class Stage {
  readonly metrics = createMetrics()
  readonly table = new PairTable({ maxPairs: PAIRS })
  readonly l1 = new L1({ slots: SLOTS, maxPairs: PAIRS })
  readonly clock = virtualClock(1)
  readonly l2 = createMemoryL2({ clock: this.clock, random: () => 0.5, ttlMs: 1e9 })
  readonly timer = new ManualTimer(virtualClock())
  readonly writeBehind: WriteBehind
  readonly hierarchy: Hierarchy
  readonly promotion: Promotion
  readonly upkeep: Upkeep
  readonly nowMs = () => 1

  constructor() {
    for (let pairId = 0; pairId < PAIRS; pairId++) this.table.register('ethereum', `p${pairId}`)
    const { l1, l2, table, metrics, timer } = this
    const sizes = { capacity: PAIRS, maxPairs: PAIRS }
    this.writeBehind = new WriteBehind({ l2, flushMs: 10, ...sizes, timer: timer.start, now: timer.now })
    const { writeBehind } = this
    this.hierarchy = new Hierarchy({ table, l1, l2, writeBehind, metrics })
    this.promotion = new Promotion({ table, l1, l2, writeBehind, metrics, timer: timer.start })
    this.upkeep = new Upkeep({ l1, clock: virtualClock(1), memoryUsed: () => 0, timer: timer.start })
  }

  async updates(from: number, to: number, version: number): Promise<void> {
    const numbers = new Float64Array(NUMBER_COUNT).fill(version)
    for (let pairId = from; pairId < to; pairId++) {
      this.l1.update(pairId, version, numbers, 0)
      this.writeBehind.add(pairId, version, numbers, 0)
    }
    await this.timer.advance(100)
  }

  get(pairId: number): boolean {
    return this.hierarchy.get(pairId, emptyPrice())
  }
}

describe('the optimizer', () => {
  test('promotes pairs that were missed more than once', async () => {
    const stage = new Stage()
    await stage.updates(0, 20, 5)
    for (const pairId of [15, 15, 16]) stage.hierarchy.missed.add(pairId)
    const { promoted, notPromoted } = await optimize(stage)
    expect([promoted, notPromoted, stage.l1.has(15), stage.l1.has(16)]).toEqual([1, 0, true, false])
  })

  test('counts the pairs that it could not promote, and gives its reason', async () => {
    const stage = new Stage()
    for (const pairId of [30, 30]) stage.hierarchy.missed.add(pairId)
    const done = await optimize(stage)
    expect([done.promoted, done.notPromoted]).toEqual([0, 1])
    expect(done.reason).toMatch(/^1 pairs were missed 2 times or more/)
  })

  test('demotes unread pairs from a full L1, and L2 has their values', async () => {
    const stage = new Stage()
    await stage.updates(0, SLOTS, 5)
    for (let pairId = 1; pairId < SLOTS; pairId++) stage.get(pairId)
    stage.clock.advanceTo(2e9)
    const { demoted } = await optimize(stage)
    await stage.timer.advance(100)
    expect([demoted, stage.l1.has(0), stage.l1.has(1), stage.l1.floor(0)]).toEqual([1, false, true, 5])
    const load = await stage.l2.load([0])
    expect(load.status === 'loaded' && load.rows[0]?.version).toBe(5)
  })

  test('demotes nothing while there are free slots', async () => {
    const stage = new Stage()
    await stage.updates(0, SLOTS - 1, 5)
    expect((await optimize(stage)).demoted).toBe(0)
  })
})

test('the statistics of a level count the reads that came as far as it', async () => {
  const stage = new Stage()
  await stage.updates(0, 20, 5)
  stage.l1.evict(0)
  for (const pairId of [1, 2, 0, 39]) stage.get(pairId)
  await settled()
  const { overall, levels } = hierarchyStats(stage)
  expect([levels.L1.hits, levels.L1.misses, levels.L1.hit_rate_pct]).toEqual([2, 2, 50])
  expect([levels.L2.hits, levels.L2.misses, levels.L2.hit_rate_pct]).toEqual([1, 1, 50])
  expect([levels.L3, overall.overall_hit_rate_pct]).toEqual([{ hits: 0, misses: 0, latency_ms: {} }, 75])
  expect(overall.latency_ms.p99).toBeGreaterThanOrEqual(overall.latency_ms.p50 as number)
  expect([levels.L1.entries, levels.L1.pressure]).toEqual([stage.l1.usage.resident, 0])
})

test('p99 of all reads is never below p50, even if a read of L1 was held up', async () => {
  const stage = new Stage()
  await stage.updates(0, 20, 5)
  stage.l1.evict(0)
  for (const pairId of [1, 2, 0, 39]) stage.get(pairId)
  await settled()
  const seconds = stage.metrics.histogram('cache_get_duration_seconds', { cache_level: 'L1' })
  for (let read = 0; read < 10; read++) seconds.record(1)
  const { p50 = 0, p90 = 0, p99 = 0 } = hierarchyStats(stage).overall.latency_ms
  expect([p50 > 500, p90 >= p50, p99 >= p90]).toEqual([true, true, true])
})

test('the statistics of L2 tell what Redis holds, as far as it is known', () => {
  const stage = new Stage()
  const l2 = (usage: { entries: number; bytes: number; capacityBytes?: number }) =>
    hierarchyStats({ ...stage, l2: { usage } }).levels.L2
  expect(l2({ entries: 3, bytes: 400, capacityBytes: 900 })).toMatchObject({
    entries: 3,
    bytes: 400,
    capacity_bytes: 900,
  })
  expect(l2({ entries: 3, bytes: 400 })).not.toHaveProperty('capacity_bytes')
  expect(hierarchyStats(stage).levels.L2).not.toHaveProperty('entries')
})
