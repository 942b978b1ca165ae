import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { emptyPrice, VERSIONS_PER_MS } from '../../../src/cache/cached-price.ts'
import { L1 } from '../../../src/cache/l1/l1.ts'
import { cachedPrice } from '../l2/columns.ts'
import { boundsHold } from './properties.ts'
import { PAIRS } from './schedules.ts'

const TTL_MS = 6_400
const TICK_MS = 100
const L2_TTL_MS = 10_000
/** L2's TTL less its jitter: the least time that a value lives in L2. */
const L2_AT_LEAST_MS = 9_000
const START_MS = 1_000_000

class Stage {
  readonly l1 = new L1({ slots: 4, maxPairs: PAIRS, ttlMs: TTL_MS, l2TtlMs: L2_TTL_MS, warmShare: 0.5 })
  nowMs = START_MS

  constructor() {
    this.l1.tick(START_MS)
  }

  update(pairId: number): void {
    const numbers = new Float64Array(NUMBER_COUNT).fill(1)
    this.l1.update(pairId, this.nowMs * VERSIONS_PER_MS, numbers, 0)
  }

  passes(ms: number): void {
    const end = this.nowMs + ms
    while (this.nowMs < end) {
      this.nowMs += TICK_MS
      this.l1.tick(this.nowMs)
    }
  }

  /** As after a machine has slept. */
  jumps(ms: number): void {
    this.nowMs += ms
    this.l1.tick(this.nowMs)
  }

  fromL2(ageMs: number) {
    const eventTimeMs = this.nowMs - ageMs
    return cachedPrice({ version: eventTimeMs * VERSIONS_PER_MS, eventTimeMs })
  }

  reads(pairId: number): boolean {
    return this.l1.get(pairId, emptyPrice())
  }
}

describe('a value in L1', () => {
  test('expires when its TTL is over, and its floor stays', () => {
    const stage = new Stage()
    stage.update(0)
    const floor = stage.l1.floor(0)
    stage.passes(TTL_MS - TICK_MS)
    expect(stage.l1.has(0)).toBe(true)
    stage.passes(TICK_MS)
    expect([stage.l1.has(0), stage.l1.floor(0), stage.l1.usage.expirations]).toEqual([false, floor, 1])
    expect(stage.l1.fill(0, cachedPrice({ version: floor - 1 }))).toBe('older')
  })

  test('has its whole TTL again after each update', () => {
    const stage = new Stage()
    for (let i = 0; i < 3; i++) {
      stage.update(0)
      stage.passes(TTL_MS - TICK_MS)
    }
    expect(stage.l1.has(0)).toBe(true)
  })

  test('is not kept longer by reads', () => {
    const stage = new Stage()
    stage.update(0)
    for (let i = 0; i < 64; i++) {
      stage.passes(TICK_MS)
      stage.reads(0)
    }
    expect(stage.l1.has(0)).toBe(false)
  })

  test('that came from L2 expires no later than there', () => {
    const stage = new Stage()
    const ageMs = L2_AT_LEAST_MS - 2_000
    stage.l1.fill(0, stage.fromL2(ageMs))
    stage.l1.promote(1, stage.fromL2(ageMs))
    stage.passes(2_000)
    expect([stage.l1.has(0), stage.l1.has(1)]).toEqual([false, false])
  })

  test('whose event time is older than the TTL of L2 stays a tenth of the TTL of L1', () => {
    const stage = new Stage()
    stage.l1.promote(0, stage.fromL2(10 * L2_TTL_MS))
    stage.passes(500)
    expect(stage.l1.has(0)).toBe(true)
    stage.passes(100)
    expect(stage.l1.has(0)).toBe(false)
  })

  test('is due once when it is read in the last fifth of its time', () => {
    const stage = new Stage()
    stage.update(0)
    stage.passes(0.75 * TTL_MS)
    stage.reads(0)
    expect(stage.l1.due).toEqual([])
    stage.passes(0.1 * TTL_MS)
    stage.reads(0)
    stage.reads(0)
    expect(stage.l1.due).toEqual([0])
  })

  test('that is found unchanged in L2 has its whole TTL again', () => {
    const stage = new Stage()
    stage.l1.fill(0, stage.fromL2(0))
    const same = stage.fromL2(0)
    stage.passes(0.9 * TTL_MS)
    expect(stage.l1.fill(0, same)).toBe('already')
    stage.passes(0.3 * TTL_MS)
    expect(stage.l1.has(0)).toBe(true)
    stage.passes(L2_AT_LEAST_MS)
    expect(stage.l1.has(0)).toBe(false)
  })

  test('stays for ever if no TTL is given', () => {
    const l1 = new L1({ slots: 1, maxPairs: 1 })
    l1.update(0, 1, new Float64Array(NUMBER_COUNT), 0)
    l1.tick(Number.MAX_SAFE_INTEGER)
    expect(l1.has(0)).toBe(true)
  })
})

test('a warm that expires unread is counted as unused', () => {
  const stage = new Stage()
  stage.l1.promote(0, stage.fromL2(0))
  stage.passes(TTL_MS)
  expect(stage.l1.usage.warmCounts).toEqual({ admitted: 1, used: 0, unused: 1, dropped: 0 })
})

test('a pair that got the slot of another one has its own time in L1', () => {
  const stage = new Stage()
  for (let pairId = 0; pairId < 4; pairId++) stage.l1.fill(pairId, stage.fromL2(0))
  stage.passes(TTL_MS / 2)
  stage.l1.fill(4, stage.fromL2(0))
  stage.passes(TTL_MS / 2)
  expect([0, 1, 2, 3, 4].filter((pairId) => stage.l1.has(pairId))).toEqual([4])
})

/** No value is read after its time in L1, or after its time in L2. */
test('I6: L1 never has a value for longer than L2', () => {
  const step = fc.record({
    type: fc.constantFrom('update' as const, 'fill', 'promote', 'remove', 'wait'),
    pairId: fc.nat(PAIRS - 1),
    ms: fc.integer({ min: 0, max: 8_000 }),
  })
  const schedules = fc.array(step, { minLength: 1, maxLength: 60, size: 'max' })
  fc.assert(
    fc.property(schedules, (steps) => {
      const stage = new Stage()
      const writtenMs = new Map<number, number>()
      for (const { type, pairId, ms } of steps) {
        if (type === 'wait') stage.passes(ms)
        else if (type === 'remove') stage.l1.remove(pairId)
        else if (type === 'update') {
          stage.update(pairId)
          writtenMs.set(pairId, stage.nowMs)
        } else if (stage.l1[type](pairId, stage.fromL2(Math.min(ms, L2_AT_LEAST_MS - 1))) !== 'older')
          writtenMs.set(pairId, stage.nowMs)
        const read = emptyPrice()
        for (const [pair, ms] of writtenMs) {
          if (!stage.l1.peek(pair, read)) continue
          expect(stage.nowMs - ms).toBeLessThan(TTL_MS)
          // The time of an update in L2 begins when it comes, not at its event time.
          if (read.eventTimeMs !== ms) expect(stage.nowMs).toBeLessThan(read.eventTimeMs + L2_AT_LEAST_MS)
        }
      }
    }),
    { numRuns: 500 },
  )
})

test('the bounds of slots and warms in L1 also hold with a TTL', () => {
  let nowMs = 0
  fc.assert(
    boundsHold((slots, warmShare) => {
      const l1 = new L1({ slots, maxPairs: PAIRS, warmShare, ttlMs: 640, l2TtlMs: 6_400 })
      const tell = l1.get.bind(l1)
      l1.get = (pairId, into) => {
        nowMs += 97
        l1.tick(nowMs)
        return tell(pairId, into)
      }
      return l1
    }),
    { numRuns: 500 },
  )
})

test.each([2 ** 30, 2 ** 31, 2 ** 33])('values expire after a jump of %d ticks, and again after that', (ticks) => {
  const stage = new Stage()
  stage.update(0)
  stage.jumps(ticks * TICK_MS)
  expect(stage.l1.has(0)).toBe(false)
  stage.update(1)
  stage.passes(TTL_MS - TICK_MS)
  expect(stage.l1.has(1)).toBe(true)
  stage.passes(2 * TICK_MS)
  expect(stage.l1.has(1)).toBe(false)
})

describe('the slots of L1', () => {
  const full = () => {
    const l1 = new L1({ slots: 10, maxPairs: 20, warmShare: 0.3 })
    for (let pairId = 0; pairId < 7; pairId++) l1.fill(pairId, cachedPrice({ version: 1 }))
    for (let pairId = 7; pairId < 10; pairId++) l1.promote(pairId, cachedPrice({ version: 1 }))
    return l1
  }

  test('are taken from warms first when memory is short, then from the rest, and no warm comes in', () => {
    const l1 = full()
    l1.resize(1, 0)
    expect([l1.usage.warm, l1.usage.resident]).toEqual([0, 7])
    expect(l1.promote(12, cachedPrice({ version: 1 }))).toBe('no-room')
    l1.resize(0.5, 0)
    expect([l1.usage.resident, l1.usage.limit]).toEqual([5, 5])
    l1.fill(13, cachedPrice({ version: 1 }))
    expect(l1.usage.resident).toBe(5)
  })

  test('are all used again when memory is no longer short', () => {
    const l1 = full()
    l1.resize(0.2, 0)
    l1.resize(1, 1)
    for (let pairId = 0; pairId < 12; pairId++) l1.fill(pairId, cachedPrice({ version: 1 }))
    expect([l1.usage.resident, l1.usage.warmLimit]).toEqual([10, 3])
  })
})
