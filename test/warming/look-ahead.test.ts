import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type UpdateColumns, updateColumns } from '../../schemas/update-columns.ts'
import { emptyPrice } from '../../src/cache/cached-price.ts'
import { L1 } from '../../src/cache/l1/l1.ts'
import { KnownReads } from '../../src/correlation/known-reads.ts'
import { Tracker } from '../../src/correlation/tracker.ts'
import type { LookAheadMode } from '../../src/strategy/named.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { LookAhead, limitsOf } from '../../src/warming/look-ahead.ts'
import { WARM_MS } from '../../src/warming/triggers.ts'
import { cachedPrice } from '../cache/l2/columns.ts'

const PAIRS = 400
/** How long a trip takes. */
const TAKES_MS = 0.5

interface StageOptions {
  readonly slots?: number
  readonly mode?: LookAheadMode
  readonly minRate?: number
  /** The trigger whose updates belong to the control group. */
  readonly control?: number
  /** The number of reads that the throttle allows. */
  readonly allowed?: number
  /** Whether the look-ahead rests. */
  readonly rests?: (updates: number) => boolean
  /** The pair that no level has. */
  readonly absent?: number
}

class Stage {
  readonly tracker = new Tracker({ maxPairs: PAIRS })
  readonly metrics = createMetrics()
  readonly l1: L1
  /** The pairs that each window fetched. */
  readonly asked: (readonly number[])[] = []
  /** What the patience heard of, window by window. */
  readonly told: number[] = []
  readonly lookAhead: LookAhead

  constructor(options: StageOptions = {}) {
    const { slots = 100, mode = 'await', minRate = 0.2, control: unwarmed } = options
    let { allowed = PAIRS } = options
    this.l1 = new L1({ slots, maxPairs: PAIRS, warmShare: 0.3 })
    const { tracker, l1, metrics } = this
    const promote = async (pairIds: readonly number[]) => {
      this.asked.push(pairIds)
      for (const pairId of pairIds) l1.promote(pairId, cachedPrice({ version: 1 }))
    }
    const control = { includes: (pairId: number) => pairId === unwarmed }
    const throttle = { allows: () => allowed-- > 0 }
    const hierarchy = { isAbsent: (pairId: number) => pairId === options.absent }
    const { rests = () => false } = options
    const patience = { rests, fetches: (warms: number) => this.told.push(warms) }
    const judges = { control, throttle, hierarchy, patience }
    const times = { timeoutMs: 2, takesMs: () => TAKES_MS }
    this.lookAhead = new LookAhead({ tracker, l1, mode, ...times, minRate, metrics, promote, ...judges })
  }

  /** Tells the tracker that the handler of `trigger` read these pairs. */
  learn(trigger: number, pairIds: readonly number[]): void {
    const edges = pairIds.map((pairId) => this.tracker.read(trigger, pairId, 0)).filter((edge) => edge >= 0)
    this.tracker.settle(
      trigger,
      edges.reduce((bits, edge) => bits | (1 << edge), 0),
    )
  }

  before(row: number, columns: UpdateColumns): Promise<unknown> | undefined {
    return this.lookAhead.before(row, columns)
  }
}

function columnsOf(pairIds: readonly number[]): UpdateColumns {
  const columns = updateColumns(Math.max(1, pairIds.length))
  columns.pairIds.set(pairIds)
  columns.count = pairIds.length
  return columns
}

describe('the look-ahead', () => {
  test('fetches the reads known for all updates of its window in one trip', async () => {
    const stage = new Stage()
    stage.learn(1, [11, 12])
    stage.learn(2, [12, 13])
    const columns = columnsOf([1, 2, 3])
    await stage.before(0, columns)
    expect(stage.asked).toEqual([[11, 12, 13]])
    expect([stage.before(1, columns), stage.before(2, columns)]).toEqual([undefined, undefined])
    expect(stage.metrics.counter('look_ahead_loads_total').value).toBe(3)
  })

  test('fetches no pair that is in L1 or seldom read', async () => {
    const stage = new Stage({ minRate: 0.45 })
    stage.learn(1, [11, 12])
    stage.learn(1, [12])
    stage.learn(1, [12])
    stage.l1.fill(13, cachedPrice({ version: 1 }))
    stage.learn(1, [13])
    await stage.before(0, columnsOf([1]))
    expect(stage.asked).toEqual([[12]])
  })

  test('leaves a read some time after its update to a warm request', async () => {
    const stage = new Stage()
    stage.tracker.read(1, 11, WARM_MS)
    stage.tracker.read(1, 12, WARM_MS - 1)
    await stage.before(0, columnsOf([1]))
    expect(stage.asked).toEqual([[12]])
  })

  test('fetches nothing for an update of the control group, and goes on with the next', async () => {
    const stage = new Stage({ control: 2 })
    for (const trigger of [1, 2, 3]) stage.learn(trigger, [trigger + 100])
    await stage.before(0, columnsOf([1, 2, 3]))
    expect(stage.asked).toEqual([[101, 103]])
  })

  test('fetches no more than its throttle allows', async () => {
    const stage = new Stage({ allowed: 2 })
    for (const trigger of [1, 2, 3]) stage.learn(trigger, [trigger + 100])
    await stage.before(0, columnsOf([1, 2, 3]))
    expect(stage.asked).toEqual([[101, 102]])
  })

  test('makes the handlers wait in the mode await alone', () => {
    for (const [mode, waits] of [
      ['await', true],
      ['overlap', false],
    ] as const) {
      const stage = new Stage({ mode })
      stage.learn(1, [11])
      expect(stage.before(0, columnsOf([1])) !== undefined).toBe(waits)
      expect(stage.asked).toEqual([[11]])
    }
  })

  test('waits in the mode auto where a read would be faster than its value, and only there', () => {
    const stage = new Stage({ mode: 'auto' })
    stage.learn(1, [11])
    stage.tracker.read(2, 12, TAKES_MS)
    stage.l1.fill(13, cachedPrice({ version: 1 }))
    stage.learn(3, [13])
    const waits = [1, 2, 3].map((trigger) => {
      stage.lookAhead.restart()
      return stage.before(0, columnsOf([trigger])) !== undefined
    })
    expect([waits, stage.asked]).toEqual([
      [true, false, false],
      [[11], [12]],
    ])
    expect(stage.told).toEqual([1, 1])
    expect(stage.metrics.counter('look_ahead_waits_total').value).toBe(1)
  })

  test('looks at no update of its window while it rests', () => {
    const asked: number[] = []
    const rests = (updates: number) => asked.push(updates) === 1
    const stage = new Stage({ mode: 'auto', rests })
    stage.learn(1, [11])
    const columns = columnsOf([1, 1, 1])
    for (let row = 0; row < columns.count; row++) expect(stage.before(row, columns)).toBeUndefined()
    expect([asked, stage.asked]).toEqual([[3], []])
    stage.lookAhead.restart()
    expect(stage.before(0, columns)).toBeDefined()
  })

  test('neither fetches nor waits for a pair that no level has', () => {
    const stage = new Stage({ absent: 11 })
    stage.learn(1, [11])
    expect([stage.before(0, columnsOf([1])), stage.asked]).toEqual([undefined, []])
  })

  test('does nothing if it is off or nothing was ever read', () => {
    const off = new Stage({ mode: 'off' })
    off.learn(1, [11])
    expect([off.before(0, columnsOf([1])), off.asked]).toEqual([undefined, []])
    const idle = new Stage()
    expect([idle.before(0, columnsOf([1])), idle.asked]).toEqual([undefined, []])
  })

  test('begins a new window for new rows', async () => {
    const stage = new Stage()
    stage.learn(1, [11])
    stage.learn(2, [12])
    await stage.before(0, columnsOf([1]))
    expect(stage.before(0, columnsOf([2]))).toBeUndefined()
    stage.lookAhead.restart()
    await stage.before(0, columnsOf([2]))
    expect(stage.asked).toEqual([[11], [12]])
  })

  test('has no window in an L1 without room for warms', () => {
    const stage = new Stage({ slots: 3 })
    for (let trigger = 0; trigger < 5; trigger++) stage.learn(trigger, [trigger + 10])
    const columns = columnsOf([0, 1, 2, 3, 4])
    for (let row = 0; row < columns.count; row++) expect(stage.before(row, columns)).toBeUndefined()
    expect(stage.asked).toEqual([])
  })

  test('fetches as many reads of a single update as fit', async () => {
    const stage = new Stage({ slots: 10 })
    stage.learn(1, [11, 12, 13, 14, 15])
    await stage.before(0, columnsOf([1, 1]))
    expect(stage.asked).toEqual([[11, 12, 13]])
  })
})

const schedule = fc.record({
  slots: fc.integer({ min: 40, max: 120 }),
  reads: fc.array(fc.uniqueArray(fc.integer({ min: 20, max: PAIRS - 1 }), { minLength: 1, maxLength: 8 }), {
    minLength: 20,
    maxLength: 20,
  }),
  updates: fc.array(fc.nat(19), { minLength: 1, maxLength: 200, size: 'max' }),
})

describe('a window of the look-ahead', () => {
  test('fits the warm part: none of its warms is evicted before it is read', async () => {
    await fc.assert(
      fc.asyncProperty(schedule, async ({ slots, reads, updates }) => {
        const stage = new Stage({ slots })
        for (const [trigger, pairIds] of reads.entries()) stage.learn(trigger, pairIds)
        const columns = columnsOf(updates)
        for (const [row, trigger] of updates.entries()) {
          await stage.before(row, columns)
          const warmed = stage.asked.at(-1) ?? []
          for (const pairId of reads[trigger] ?? [])
            if (!stage.l1.get(pairId, emptyPrice()) && warmed.includes(pairId))
              throw new Error(`${pairId} was warmed and is gone at row ${row}`)
        }
        for (const pairIds of stage.asked) expect(pairIds.length).toBeLessThanOrEqual(stage.l1.usage.warmLimit)
      }),
      { numRuns: 100 },
    )
  })

  test('is as large as possible: fewer trips would fetch more than the warm part holds', async () => {
    await fc.assert(
      fc.asyncProperty(schedule, async ({ slots, reads, updates }) => {
        const stage = new Stage({ slots })
        for (const [trigger, pairIds] of reads.entries()) stage.learn(trigger, pairIds)
        const columns = columnsOf(updates)
        let windows = 0
        let inWindow = new Set<number>()
        const known = new KnownReads()
        for (const [row, trigger] of updates.entries()) {
          stage.tracker.readsAfter(trigger, known)
          if (row === 0 || inWindow.size + known.count > stage.l1.usage.warmLimit) {
            windows++
            inWindow = new Set()
          }
          for (const pairId of reads[trigger] ?? []) inWindow.add(pairId)
          await stage.before(row, columns)
        }
        expect(stage.asked.length).toBeLessThanOrEqual(windows)
      }),
      { numRuns: 100 },
    )
  })
})

describe('a look-ahead in the mode auto', () => {
  test('rests if its warms go unread or come after their reads, as the waits would be in vain', () => {
    for (const [used, unused, late, rests] of [
      [40, 160, 0, false],
      [39, 161, 0, true],
      [39, 0, 161, true],
    ] as const) {
      const warmsByKind = [{ admitted: 0, used, unused, dropped: 0 }]
      const { patience, throttle } = limitsOf('auto', { usage: { warmsByKind }, late: () => late })
      expect([patience?.rests(1), throttle]).toEqual([rests, undefined])
    }
  })
})
