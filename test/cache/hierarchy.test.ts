import { beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { NUMBER_COUNT } from '../../schemas/price-update.ts'
import { emptyPrice } from '../../src/cache/cached-price.ts'
import { Hierarchy } from '../../src/cache/hierarchy.ts'
import { L1 } from '../../src/cache/l1/l1.ts'
import { WriteBehind } from '../../src/cache/l2/write-behind.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import type { Fetched } from '../../src/cache/trips/trips.ts'
import { virtualClock } from '../../src/clock.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { ManualTimer, settled } from '../harness/manual-timer.ts'
import { cachedPrice } from './l2/columns.ts'
import { ControlledL2 } from './l2/controlled-l2.ts'

const PAIRS = 6

class Stage {
  readonly l2 = new ControlledL2()
  readonly timer = new ManualTimer(virtualClock())
  readonly table = new PairTable({ maxPairs: PAIRS })
  readonly metrics = createMetrics()
  readonly writeBehind: WriteBehind
  readonly l1: L1
  readonly hierarchy: Hierarchy

  constructor(slots = PAIRS) {
    for (let pairId = 0; pairId < PAIRS; pairId++) this.table.register('ethereum', `p${pairId}`)
    this.l1 = new L1({ slots, maxPairs: 70_000 })
    const { l1, l2, table, metrics, timer } = this
    const sizes = { capacity: PAIRS, maxPairs: PAIRS }
    this.writeBehind = new WriteBehind({ l2, flushMs: 10, ...sizes, timer: timer.start, now: timer.now })
    this.hierarchy = new Hierarchy({ table, l1, l2, writeBehind: this.writeBehind, metrics })
  }

  update(pairId: number, version: number): void {
    const numbers = new Float64Array(NUMBER_COUNT).fill(version)
    if (this.l1.update(pairId, version, numbers, 0) !== 'older') this.writeBehind.add(pairId, version, numbers, 0)
  }

  /** The version that a read finds; 0 if it misses. */
  get(pairId: number): number {
    const into = emptyPrice()
    return this.hierarchy.get(pairId, into) ? into.version : 0
  }

  newest(pairId: number, fetched: Fetched): number {
    const into = emptyPrice()
    return this.hierarchy.newest(pairId, fetched, into) ? into.version : 0
  }

  count(name: string, labels: Record<string, string>): number {
    return this.metrics.counter(name, labels).value
  }
}

let stage: Stage

beforeEach(() => {
  stage = new Stage()
})

describe('a read of the hierarchy', () => {
  test('that L1 answers asks no other level', async () => {
    stage.update(0, 5)
    expect(stage.get(0)).toBe(5)
    await settled()
    expect([stage.l2.loads.length, stage.hierarchy.hits, stage.hierarchy.misses]).toEqual([0, 1, 0])
  })

  test('that misses is answered at once, and brings the value into L1', async () => {
    expect(stage.get(0)).toBe(0)
    await settled()
    await stage.l2.loads[0]?.answer([cachedPrice({ version: 7 })])
    expect(stage.get(0)).toBe(7)
    expect([stage.hierarchy.hits, stage.hierarchy.misses]).toEqual([1, 1])
  })

  test('is counted by level and chain, as a hit or as a miss', async () => {
    stage.update(0, 5)
    for (const pairId of [0, 1, 2, 0, 1]) stage.get(pairId)
    await settled()
    await stage.l2.loads[0]?.answer([cachedPrice({ version: 7 }), undefined])
    const labels = (cache_level: string) =>
      cache_level === 'L1' ? { cache_level, chain: 'ethereum' } : { cache_level }
    const counts = ['L1', 'L2'].flatMap((level) =>
      ['cache_hits_total', 'cache_misses_total'].map((name) => stage.count(name, labels(level))),
    )
    expect(counts).toEqual([2, 3, 1, 1])
    expect(stage.count('cache_loads_total', { cause: 'read', cache_level: 'L2' })).toBe(2)
  })
})

describe('a fetch of the hierarchy', () => {
  test('shares its trip with the others of its tick, in which each pair goes once', async () => {
    const fetches = [3, 1, 3, 2].map((pairId) => stage.hierarchy.fetch(pairId))
    await settled()
    expect(stage.l2.loads.map(({ pairIds }) => pairIds)).toEqual([[3, 1, 2]])
    await stage.l2.loads[0]?.answer([cachedPrice({ version: 3 }), undefined, cachedPrice({ version: 2 })])
    const [fetched] = await Promise.all(fetches)
    expect([1, 2, 3].map((pairId) => stage.newest(pairId, fetched as Fetched))).toEqual([0, 2, 3])
  })

  test('joins the trip that the pair is on, however late it comes', async () => {
    const first = stage.hierarchy.fetch(0)
    await settled()
    const second = stage.hierarchy.fetch(0)
    stage.get(0)
    void stage.hierarchy.fetch(1)
    await settled()
    expect(stage.l2.loads.map(({ pairIds }) => pairIds)).toEqual([[0], [1]])
    await stage.l2.loads[0]?.answer([cachedPrice({ version: 4 })])
    expect(stage.newest(0, await second)).toBe(4)
    expect(await first).toBe(await second)
  })

  test('from a part of L2 that is away brings nothing and can be made again', async () => {
    const fetches = [0, 1, 2].map((pairId) => stage.hierarchy.fetch(pairId))
    await settled()
    await stage.l2.loads[0]?.answer([cachedPrice({ version: 3 }), undefined, undefined], new Set([2]))
    expect((await Promise.all(fetches))[0]?.size).toBe(1)
    expect(stage.newest(0, new Map())).toBe(3)
    expect(stage.count('cache_misses_total', { cache_level: 'L2' })).toBe(1)
    // Pair 1 is held to be absent for a while. Whether 2 is absent is unknown.
    void stage.hierarchy.fetch(1)
    void stage.hierarchy.fetch(2)
    await settled()
    expect(stage.l2.loads[1]?.pairIds).toEqual([2])
  })

  test('goes to L2 again after a trip that failed', async () => {
    const away = stage.hierarchy.fetch(0)
    await settled()
    await stage.l2.loads[0]?.fail()
    expect((await away).size).toBe(0)
    void stage.hierarchy.fetch(0)
    await settled()
    expect(stage.l2.loads).toHaveLength(2)
  })

  test('goes to L2 again after a trip with a fault, which rejects those who wait', async () => {
    stage.get(0)
    await settled()
    const second = expect(stage.hierarchy.fetch(0)).rejects.toThrow('a fault')
    await stage.l2.loads[0]?.reject(new Error('a fault'))
    await second
    void stage.hierarchy.fetch(0)
    await settled()
    expect(stage.l2.loads.map(({ pairIds }) => pairIds)).toEqual([[0], [0]])
  })

  test('takes a value from the write-behind if it is there', async () => {
    stage = new Stage(1)
    stage.update(0, 5)
    stage.update(1, 6)
    expect(stage.get(1)).toBe(0)
    await settled()
    expect(stage.l2.loads).toHaveLength(0)
    expect(stage.get(1)).toBe(6)
  })

  test('keeps a value that leaves L1 and the write-behind while L2 is asked for others', async () => {
    stage = new Stage(1)
    stage.update(0, 5)
    stage.update(1, 6)
    const fetch = stage.hierarchy.fetch(1)
    void stage.hierarchy.fetch(2)
    await settled()
    await stage.timer.advance(10)
    await stage.l2.writes[0]?.succeed()
    await stage.l2.loads[0]?.answer([cachedPrice({ version: 9 })])
    expect([stage.l1.has(1), stage.newest(1, await fetch)]).toEqual([false, 6])
  })

  test('beyond the bound is answered with nothing, and counted', async () => {
    const fetches = Array.from({ length: 65_536 }, (_, pairId) => stage.hierarchy.fetch(pairId))
    expect(fetches).toHaveLength(65_536)
    expect((await stage.hierarchy.fetch(65_536)).size).toBe(0)
    expect(stage.count('drops_total', { reason: 'reads-beyond-bound' })).toBe(1)
  })
})

describe('a fetched value', () => {
  test('counts only if nothing newer was seen meanwhile', async () => {
    stage = new Stage(1)
    const fetch = stage.hierarchy.fetch(1)
    await settled()
    stage.update(0, 1)
    stage.update(1, 8)
    stage.writeBehind.forget(1)
    await stage.l2.loads[0]?.answer([cachedPrice({ version: 7 })])
    expect(stage.newest(1, await fetch)).toBe(0)
  })

  test('gives way to a newer value in the write-behind', async () => {
    stage = new Stage(1)
    stage.update(0, 1)
    const fetch = stage.hierarchy.fetch(1)
    await settled()
    stage.update(1, 8)
    await stage.l2.loads[0]?.answer([cachedPrice({ version: 7 })])
    expect(stage.newest(1, await fetch)).toBe(8)
  })

  test('of a pair that was delisted meanwhile is not read', async () => {
    stage.update(1, 7)
    stage.l1.remove(1)
    stage.writeBehind.forget(1)
    const fetch = stage.hierarchy.fetch(1)
    await settled()
    await stage.l2.loads[0]?.answer([cachedPrice({ version: 7 })])
    expect(stage.newest(1, await fetch)).toBe(0)
  })
})

type Step =
  | { readonly type: 'update' | 'get' | 'fetch' | 'remove'; readonly pairId: number }
  | { readonly type: 'flush' | 'load' | 'written' | 'away' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({ type: fc.constantFrom('update' as const, 'get', 'fetch'), pairId: fc.nat(PAIRS - 1) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('remove' as const), pairId: fc.nat(PAIRS - 1) }) },
  { weight: 7, arbitrary: fc.record({ type: fc.constantFrom('flush' as const, 'load', 'written', 'away') }) },
)

test('no read of the hierarchy goes back and every fetch ends, in any schedule of updates, evictions, flushes and late answers', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 100, size: 'max' }),
      fc.integer({ min: 1, max: 4 }),
      async (steps, slots) => {
        const run = new Stage(slots)
        const seen = new Map<number, number>()
        const note = (pairId: number, version: number) => {
          if (version === 0) return
          expect(version).toBeGreaterThanOrEqual(seen.get(pairId) ?? 0)
          seen.set(pairId, version)
        }
        const fetches: Promise<void>[] = []
        let version = 0
        let loaded = 0
        let written = 0
        const answer = async () => {
          const load = run.l2.loads[loaded++]
          await load?.answer(load.found.map((row) => row && cachedPrice({ version: row.version })))
        }
        const take = async (each: Step) => {
          if (each.type === 'update') run.update(each.pairId, ++version)
          else if (each.type === 'get') note(each.pairId, run.get(each.pairId))
          else if (each.type === 'fetch') {
            const { pairId } = each
            fetches.push(run.hierarchy.fetch(pairId).then((fetched) => note(pairId, run.newest(pairId, fetched))))
          } else if (each.type === 'remove') {
            run.l1.remove(each.pairId)
            run.writeBehind.forget(each.pairId)
            await run.l2.delete([{ pairId: each.pairId, version: 0 }])
            seen.set(each.pairId, version + 1)
          } else if (each.type === 'flush') await run.timer.advance(10)
          else if (each.type === 'load' && loaded < run.l2.loads.length) await answer()
          else if (each.type === 'written' && written < run.l2.writes.length) await run.l2.writes[written++]?.succeed()
          else if (each.type === 'away' && written < run.l2.writes.length) await run.l2.writes[written++]?.fail()
        }
        for (const each of steps) await take(each)
        await settled()
        while (loaded < run.l2.loads.length) await answer()
        await Promise.all(fetches)
        expect(run.hierarchy.hits + run.hierarchy.misses).toBe(steps.filter(({ type }) => type === 'get').length)
      },
    ),
    { numRuns: 100 },
  )
})
