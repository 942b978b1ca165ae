import { beforeEach, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type CachedPrice, emptyPrice } from '../../src/cache/cached-price.ts'
import { L1 } from '../../src/cache/l1/l1.ts'
import { indexOfWarmKind, warmCode } from '../../src/cache/l1/usage.ts'
import type { L2Load } from '../../src/cache/l2/l2.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { Promotion } from '../../src/cache/promotion.ts'
import { virtualClock } from '../../src/clock.ts'
import { createMetrics, type MetricSlab } from '../../src/telemetry/metrics.ts'
import { ManualTimer, settled } from '../harness/manual-timer.ts'
import { cachedPrice } from './l2/columns.ts'

const PAIRS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']

/** A second level that answers when the test wants it to. */
class SlowL2 {
  readonly stored = new Map<number, CachedPrice>()
  readonly asked: (readonly number[])[] = []
  held: (() => void)[] | undefined
  unavailable: string | undefined
  unknown: ReadonlySet<number> | undefined

  load(pairIds: readonly number[]): Promise<L2Load> {
    this.asked.push(pairIds)
    const answer: L2Load =
      this.unavailable === undefined
        ? {
            status: 'loaded',
            rows: pairIds.map((pairId) => this.stored.get(pairId)),
            ...(this.unknown !== undefined && { unknown: this.unknown }),
          }
        : { status: 'unavailable', reason: this.unavailable }
    if (this.held === undefined) return Promise.resolve(answer)
    const { promise, resolve } = Promise.withResolvers<L2Load>()
    this.held.push(() => resolve(answer))
    return promise
  }
}

let l1: L1
let l2: SlowL2
let pending: Map<number, CachedPrice>
let timer: ManualTimer
let metrics: MetricSlab
let promotion: Promotion
const table = new PairTable({ maxPairs: 100 })
const ids = PAIRS.map((pair) => table.register('ethereum', pair))

beforeEach(() => {
  l1 = new L1({ slots: 4, maxPairs: 100, warmShare: 0.5 })
  l2 = new SlowL2()
  pending = new Map()
  timer = new ManualTimer(virtualClock(0))
  metrics = createMetrics()
  const writeBehind = {
    pending: (pairId: number, into: CachedPrice) => {
      const found = pending.get(pairId)
      if (found !== undefined) Object.assign(into, found)
      return found !== undefined
    },
  }
  promotion = new Promotion({ table, l1, l2, writeBehind, metrics, timer: timer.start })
})

const loads = (chain: string) => metrics.counter('cache_loads_total', { cause: 'warm', cache_level: 'L2', chain }).value

const id = (pair: string) => ids[PAIRS.indexOf(pair)] as number
const read = (pair: string) => {
  const into = emptyPrice()
  return l1.peek(id(pair), into) ? into : undefined
}
const counted = (outcome: string, ...reasons: readonly string[]) => {
  const labels = { chain: 'ethereum', outcome }
  const each = reasons.length === 0 ? [labels] : reasons.map((reason) => ({ ...labels, reason }))
  return each.reduce((sum, of) => sum + metrics.counter('promotions_total', of).value, 0)
}
/** More known pairs than slots, so that residency has to be earned. */
const moveFloor = (pair: string, version: number) => {
  for (const other of ids) if (l1.floor(other) === 0) l1.promote(other, cachedPrice({ version: 1 }))
  l1.update(id(pair), version, Float64Array.of(1, 1, 1, 1, 1, 1), 0)
}

describe('a promotion', () => {
  it('brings the values of L2 into L1 by one trip', async () => {
    l2.stored.set(id('a'), cachedPrice({ version: 10 }))
    l2.stored.set(id('b'), cachedPrice({ version: 20 }))
    expect(await promotion.promote([id('a'), id('b'), id('c')])).toEqual({
      outcomes: ['warmed', 'warmed', 'notFound'],
      timedOut: false,
      unavailable: undefined,
    })
    expect(l2.asked).toEqual([[id('a'), id('b'), id('c')]])
    expect(read('a')).toEqual(cachedPrice({ version: 10 }))
    expect([counted('warmed'), counted('notFound')]).toEqual([2, 1])
  })

  it('asks L2 neither for pairs in L1 nor for those in the write-behind', async () => {
    l1.promote(id('a'), cachedPrice({ version: 5 }))
    pending.set(id('b'), cachedPrice({ version: 7 }))
    l2.stored.set(id('b'), cachedPrice({ version: 6 }))
    const { outcomes } = await promotion.promote([id('a'), id('b')])
    expect(outcomes).toEqual(['alreadyInL1', 'warmed'])
    expect(l2.asked).toEqual([])
    expect(read('b')?.version).toBe(7)
  })

  it('refuses a value older than the pair has had, from L2 and from the write-behind', async () => {
    moveFloor('a', 100)
    moveFloor('b', 100)
    for (const pair of ['a', 'b']) l1.remove(id(pair))
    l2.stored.set(id('a'), cachedPrice({ version: 99 }))
    pending.set(id('b'), cachedPrice({ version: 99 }))
    const { outcomes } = await promotion.promote([id('a'), id('b')])
    expect(outcomes).toEqual(['refusedOlder', 'refusedOlder'])
    expect([read('a'), read('b')]).toEqual([undefined, undefined])
    expect(counted('refusedOlder')).toBe(2)
  })

  it('fails for the pairs whose part of L2 is away', async () => {
    l2.stored.set(id('a'), cachedPrice({ version: 5 }))
    l2.unknown = new Set([1])
    expect(await promotion.promote([id('a'), id('b'), id('c')])).toMatchObject({
      outcomes: ['warmed', 'failed', 'notFound'],
    })
    expect(counted('failed', 'unknown')).toBe(1)
  })

  it('fails for every pair when L2 is away, and tells why', async () => {
    l2.unavailable = 'not connected'
    expect(await promotion.promote([id('a'), id('b')])).toEqual({
      outcomes: ['failed', 'failed'],
      timedOut: false,
      unavailable: 'not connected',
    })
    expect(counted('failed', 'l2-away')).toBe(2)
  })

  it('tallies pairs that were in L1, and those that a read missed while they were in flight, once', async () => {
    l1.fill(id('a'), cachedPrice({ version: 5 }))
    for (const pair of ['b', 'c', 'd']) l2.stored.set(id(pair), cachedPrice({ version: 5 }))
    l2.held = []
    const promoted = promotion.promote(['a', 'b', 'c', 'd'].map(id))
    for (const pair of ['b', 'b', 'e']) promotion.missed(id(pair))
    // The fetch of this read was faster than the promotion.
    promotion.missed(id('c'))
    l1.fill(id('c'), cachedPrice({ version: 5 }))
    for (const answer of l2.held) answer()
    expect((await promoted).outcomes).toEqual(['alreadyInL1', 'warmed', 'alreadyInL1', 'warmed'])
    promotion.missed(id('d'))
    expect(promotion.tally).toEqual({ asked: 4, alreadyInL1: 1, late: 2, loaded: 3 })
    expect(promotion.lateByKind.slice(0, 2)).toEqual([2, 0])
  })

  it('tallies what it asks L2 for by the cell of a strategy, and what people ask for in none', async () => {
    await promotion.promote([id('a'), id('b')], { kindIndexOf: () => warmCode(indexOfWarmKind('correlation'), 3) })
    await promotion.promote([id('c')], { kindIndexOf: () => warmCode(indexOfWarmKind('manual'), 3) })
    await promotion.promote([id('d')])
    expect(promotion.loadedByCell.filter((loaded) => loaded > 0)).toEqual([2])
    expect(promotion.loadedByCell[3]).toBe(2)
  })

  it('tallies no pair as late that came after the deadline but before a read', async () => {
    l2.stored.set(id('a'), cachedPrice({ version: 5 }))
    l2.held = []
    const promoted = promotion.promote([id('a')])
    await timer.advance(50)
    expect((await promoted).timedOut).toBe(true)
    for (const answer of l2.held) answer()
    await settled()
    expect([read('a')?.version, promotion.tally.late]).toEqual([5, 0])
  })

  it('ends at the deadline, and lets late values through the gate and counts them as late', async () => {
    l2.held = []
    l2.stored.set(id('a'), cachedPrice({ version: 10 }))
    pending.set(id('b'), cachedPrice({ version: 7 }))
    const promoted = promotion.promote([id('a'), id('b'), id('c')])
    await timer.advance(49)
    expect(read('b')?.version).toBe(7)
    await timer.advance(1)
    expect(await promoted).toEqual({ outcomes: ['failed', 'warmed', 'failed'], timedOut: true, unavailable: undefined })
    expect(read('a')).toBeUndefined()
    for (const release of l2.held) release()
    await settled()
    expect(read('a')).toEqual(cachedPrice({ version: 10 }))
    expect([counted('late'), counted('notFound'), counted('failed', 'l2-away', 'unknown')]).toEqual([1, 1, 0])
  })

  it('keeps out a late value that is older than the floor by then', async () => {
    l2.held = []
    l2.stored.set(id('a'), cachedPrice({ version: 10 }))
    const promoted = promotion.promote([id('a')])
    await timer.advance(50)
    await promoted
    moveFloor('a', 11)
    l1.remove(id('a'))
    for (const release of l2.held) release()
    await settled()
    expect(read('a')).toBeUndefined()
    expect([counted('late'), counted('refusedOlder')]).toEqual([0, 1])
  })

  it('leaves no timer when the answer is there', async () => {
    await promotion.promote([id('a')])
    expect(timer.pending).toBe(0)
  })

  it('takes a deadline from its caller', async () => {
    l2.held = []
    const promoted = promotion.promote([id('a')], { timeoutMs: 2 })
    await timer.advance(2)
    expect((await promoted).timedOut).toBe(true)
  })

  it('changes and counts nothing on a dry run', async () => {
    moveFloor('a', 100)
    l1.remove(id('a'))
    l2.stored.set(id('a'), cachedPrice({ version: 99 }))
    const fresh = table.register('base', 'x')
    l2.stored.set(fresh, cachedPrice({ version: 1 }))
    const { outcomes } = await promotion.promote([id('a'), fresh], { dryRun: true })
    expect(outcomes).toEqual(['refusedOlder', 'warmed'])
    expect(l1.has(fresh)).toBe(false)
    expect([counted('refusedOlder'), counted('warmed'), loads('ethereum'), loads('base')]).toEqual([0, 0, 0, 0])
  })

  it('counts the pairs that it asks L2 for by chain', async () => {
    const elsewhere = table.register('base', 'x')
    await promotion.promote([id('a'), id('b'), elsewhere])
    expect([loads('ethereum'), loads('base')]).toEqual([2, 1])
  })

  it('counts each pair once, whether the answer is in time, late or none', async () => {
    const arrival = fc.constantFrom('in time', 'late', 'unavailable')
    const calls = fc.array(fc.tuple(fc.subarray(ids, { minLength: 1 }), arrival), { maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(calls, fc.subarray(ids), async (promotions, stored) => {
        metrics = createMetrics()
        promotion = new Promotion({ table, l1, l2, writeBehind: { pending: () => false }, metrics, timer: timer.start })
        for (const pairId of stored) l2.stored.set(pairId, cachedPrice({ version: 4 }))
        let offered = 0
        for (const [pairIds, how] of promotions) {
          l2.unavailable = how === 'unavailable' ? 'away' : undefined
          l2.held = how === 'late' ? [] : undefined
          const promoted = promotion.promote(pairIds)
          if (how === 'late') await timer.advance(50)
          expect((await promoted).outcomes).toHaveLength(pairIds.length)
          for (const release of l2.held ?? []) release()
          await settled()
          offered += pairIds.length
        }
        const outcomes = ['warmed', 'alreadyInL1', 'notFound', 'refusedOlder', 'noRoom', 'late']
        const failed = counted('failed', 'l2-away', 'unknown', 'rollout')
        expect(outcomes.reduce((sum, outcome) => sum + counted(outcome), failed)).toBe(offered)
      }),
      { numRuns: 50 },
    )
  })
})
