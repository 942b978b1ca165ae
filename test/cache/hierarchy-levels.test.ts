import { beforeEach, describe, expect, test } from '@jest/globals'
import { NUMBER_COUNT } from '../../schemas/price-update.ts'
import { emptyPrice, VERSIONS_PER_MS } from '../../src/cache/cached-price.ts'
import { Hierarchy } from '../../src/cache/hierarchy.ts'
import { L1 } from '../../src/cache/l1/l1.ts'
import { WriteBehind } from '../../src/cache/l2/write-behind.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { virtualClock } from '../../src/clock.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { ManualTimer, settled } from '../harness/manual-timer.ts'
import { cachedPrice } from './l2/columns.ts'
import { ControlledL2 } from './l2/controlled-l2.ts'

const PAIRS = 6
const TTL_MS = 6_400

class Stage {
  readonly l2 = new ControlledL2()
  /** The third level, whose answers the test gives as it does those of L2. */
  readonly l3 = new ControlledL2()
  readonly metrics = createMetrics()
  readonly table = new PairTable({ maxPairs: PAIRS })
  readonly l1 = new L1({ slots: PAIRS, maxPairs: PAIRS, ttlMs: TTL_MS, l2TtlMs: 10 * TTL_MS })
  readonly timer = new ManualTimer(virtualClock())
  readonly writeBehind: WriteBehind
  readonly hierarchy: Hierarchy
  nowMs = 1_000

  constructor(levels: 2 | 3) {
    for (let pairId = 0; pairId < PAIRS; pairId++) this.table.register('ethereum', `p${pairId}`)
    const { l1, l2, l3, table, metrics, timer } = this
    const sizes = { capacity: PAIRS, maxPairs: PAIRS }
    this.writeBehind = new WriteBehind({ l2, flushMs: 10, ...sizes, timer: timer.start, now: timer.now })
    const now = () => this.nowMs
    this.hierarchy = new Hierarchy({
      ...{ table, l1, l2, metrics, now },
      writeBehind: this.writeBehind,
      l3: levels === 3 ? l3 : undefined,
    })
    l1.tick(this.nowMs)
  }

  passes(ms: number): void {
    this.nowMs += ms
    this.l1.tick(this.nowMs)
  }

  /** A value as L2 or L3 has it. */
  stored(price: number) {
    return cachedPrice({ version: this.nowMs * VERSIONS_PER_MS, eventTimeMs: this.nowMs, price })
  }

  /** The price that a read finds; 0 if it misses. */
  get(pairId: number): number {
    const into = emptyPrice()
    return this.hierarchy.get(pairId, into) ? into.price : 0
  }

  async load(pairId: number): Promise<number> {
    const into = emptyPrice()
    const fetched = await this.hierarchy.fetch(pairId)
    return this.hierarchy.newest(pairId, fetched, into) ? into.price : 0
  }
}

let stage: Stage

describe('a pair that L2 does not have', () => {
  beforeEach(() => {
    stage = new Stage(3)
  })

  test('comes from L3 into L1, and into L2 for the next node that asks', async () => {
    expect(stage.get(0)).toBe(0)
    await settled()
    await stage.l2.loads[0]?.answer([undefined])
    await stage.l3.loads[0]?.answer([stage.stored(7)])
    expect(stage.get(0)).toBe(7)
    await stage.timer.advance(10)
    await stage.l2.writes[0]?.succeed()
    expect(stage.l2.stored.get(0)?.price).toBe(7)
  })

  test('does not hold up fetches of other pairs', async () => {
    const there = stage.load(0)
    const not = stage.load(1)
    await settled()
    await stage.l2.loads[0]?.answer([stage.stored(5), undefined])
    expect(await there).toBe(5)
    await stage.l3.loads[0]?.answer([stage.stored(6)])
    expect([await not, stage.l3.loads.map(({ pairIds }) => pairIds)]).toEqual([6, [[1]]])
  })

  test('is asked for once, however many fetch it while it is in flight', async () => {
    const loads = [stage.load(2), stage.load(2)]
    await settled()
    await stage.l2.loads[0]?.answer([undefined])
    loads.push(stage.load(2))
    await settled()
    await stage.l3.loads[0]?.answer([stage.stored(3)])
    expect(await Promise.all(loads)).toEqual([3, 3, 3])
    expect([stage.l2.loads.length, stage.l3.loads.length]).toEqual([1, 1])
  })

  test('is not asked for again when somebody has joined a trip that brought nothing', async () => {
    const first = stage.load(2)
    await settled()
    await stage.l2.loads[0]?.answer([undefined])
    const second = stage.load(2)
    await stage.l3.loads[0]?.fail()
    expect([await first, await second]).toEqual([0, 0])
    expect(stage.l3.loads).toHaveLength(1)
  })

  test('is refused from L3 and not written to L2 if L1 has had a newer value', async () => {
    const load = stage.load(0)
    await settled()
    await stage.l2.loads[0]?.answer([undefined])
    const old = stage.stored(1)
    stage.passes(1)
    stage.l1.update(0, stage.nowMs * VERSIONS_PER_MS, new Float64Array(NUMBER_COUNT).fill(2), 0)
    await stage.l3.loads[0]?.answer([old])
    expect([await load, stage.writeBehind.pendingEntries]).toEqual([2, 0])
  })

  test('is also asked of L3 while L2 is away, and is then not held to be absent', async () => {
    const load = stage.load(0)
    await settled()
    await stage.l2.loads[0]?.fail()
    await stage.l3.loads[0]?.answer([undefined])
    expect(await load).toBe(0)
    void stage.load(0)
    await settled()
    expect(stage.l2.loads).toHaveLength(2)
  })

  test('is not held to be absent after one time-out of L2, although L2 is up and L3 has answered', async () => {
    const load = stage.load(0)
    await settled()
    await stage.l2.loads[0]?.fail()
    stage.l2.state = () => ({ status: 'up' })
    stage.passes(3_000)
    await stage.l3.loads[0]?.answer([undefined])
    expect([await load, stage.hierarchy.isAbsent(0), stage.hierarchy.absence(0)]).toEqual([0, false, 'unavailable'])
    void stage.load(0)
    await settled()
    await stage.l2.loads[1]?.answer([undefined])
    await stage.l3.loads[1]?.answer([undefined])
    expect(stage.hierarchy.absence(0)).toBe('missing')
  })

  test('is unknown before it was asked for, and unavailable while L2 is away, or when L3 could not tell', async () => {
    expect(stage.hierarchy.absence(0)).toBe('unknown')
    const load = stage.load(0)
    await settled()
    await stage.l2.loads[0]?.answer([undefined])
    await stage.l3.loads[0]?.fail()
    await load
    expect([stage.hierarchy.absence(0), stage.hierarchy.absence(1)]).toEqual(['unavailable', 'unknown'])
    stage.l2.state = () => ({ status: 'degraded', reason: 'away', sinceMs: 0 })
    expect(stage.hierarchy.absence(1)).toBe('unavailable')
  })

  test('is missing if L2 has its deletion, and L3 is not asked', async () => {
    const load = stage.load(0)
    await settled()
    // As a node does when L2 tells of a deletion.
    stage.l1.remove(0, 9)
    stage.hierarchy.deleted(0, 9)
    await stage.l2.loads[0]?.answer([undefined])
    expect([await load, stage.hierarchy.absence(0), stage.l3.loads.length]).toEqual([0, 'missing', 0])
  })

  test('is asked of L3 if L1 has had a newer value than the deletion in L2', async () => {
    stage.l1.update(0, 20, new Float64Array(NUMBER_COUNT).fill(4), 0)
    stage.l1.evict(0)
    const load = stage.load(0)
    await settled()
    stage.hierarchy.deleted(0, 9)
    await stage.l2.loads[0]?.answer([undefined])
    await stage.l3.loads[0]?.answer([undefined])
    expect([await load, stage.l3.loads.length]).toEqual([0, 1])
  })

  test('is not absent when an update has come while it was asked for', async () => {
    const load = stage.load(0)
    await settled()
    await stage.l2.loads[0]?.answer([undefined])
    stage.l1.update(0, 20, new Float64Array(NUMBER_COUNT).fill(4), 0)
    stage.l1.evict(0)
    await stage.l3.loads[0]?.answer([undefined])
    expect([await load, stage.hierarchy.isAbsent(0)]).toEqual([0, false])
  })

  test('is asked for again if L3 was away', async () => {
    const load = stage.load(0)
    await settled()
    await stage.l2.loads[0]?.answer([undefined])
    await stage.l3.loads[0]?.fail()
    expect(await load).toBe(0)
    void stage.load(0)
    await settled()
    expect(stage.l2.loads).toHaveLength(2)
  })
})

describe('a pair that no level has', () => {
  const asked = async (pairId: number) => {
    const load = stage.load(pairId)
    await settled()
    const trip = stage.l2.loads.at(-1)
    if (trip?.pairIds.includes(pairId)) await trip.answer([undefined])
    return load
  }

  beforeEach(() => {
    stage = new Stage(2)
  })

  test('is not asked for again for two seconds', async () => {
    expect([await asked(0), await asked(0)]).toEqual([0, 0])
    expect(stage.l2.loads).toHaveLength(1)
    stage.passes(2_000)
    await asked(0)
    expect(stage.l2.loads).toHaveLength(2)
  })

  test('is there again with its first update', async () => {
    await asked(0)
    stage.l1.update(0, stage.nowMs * VERSIONS_PER_MS, new Float64Array(NUMBER_COUNT).fill(4), 0)
    expect([stage.get(0), await stage.load(0)]).toEqual([4, 4])
  })

  test('is remembered as one of 65,536 at most', async () => {
    const l2 = new ControlledL2()
    const maxPairs = 70_000
    const table = new PairTable({ maxPairs })
    for (let i = 0; i < maxPairs; i++) table.register('c', `${i}`)
    const l1 = new L1({ slots: 1, maxPairs })
    const { start, now } = stage.timer
    const writeBehind = new WriteBehind({ l2, flushMs: 10, capacity: 1, maxPairs, timer: start, now })
    const hierarchy = new Hierarchy({ table, l1, l2, writeBehind, metrics: createMetrics(), now: () => 0 })
    for (const from of [0, 35_000]) {
      for (let pairId = from; pairId < from + 35_000; pairId++) void hierarchy.fetch(pairId)
      await settled()
      await l2.loads.at(-1)?.answer(new Array(35_000).fill(undefined))
    }
    void hierarchy.fetch(69_999)
    void hierarchy.fetch(0)
    await settled()
    expect(l2.loads.at(-1)?.pairIds).toEqual([0])
  })
})

describe('a value of L1 in the last fifth of its time', () => {
  beforeEach(async () => {
    stage = new Stage(2)
    stage.l1.fill(0, stage.stored(5))
    stage.passes(0.85 * TTL_MS)
  })

  test('is asked of L2 once when it is read', async () => {
    expect([stage.get(0), stage.get(0)]).toEqual([5, 5])
    await settled()
    expect(stage.l2.loads.map(({ pairIds }) => pairIds)).toEqual([[0]])
  })

  test('has its whole TTL again after the answer of L2, and is replaced by a newer value', async () => {
    stage.get(0)
    await settled()
    await stage.l2.loads[0]?.answer([stage.stored(6)])
    stage.passes(0.5 * TTL_MS)
    expect(stage.get(0)).toBe(6)
  })

  test('expires at its time when L2 is away', async () => {
    stage.get(0)
    await settled()
    await stage.l2.loads[0]?.fail()
    stage.passes(0.2 * TTL_MS)
    expect(stage.get(0)).toBe(0)
  })
})
