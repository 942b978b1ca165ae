import { expect } from '@jest/globals'
import fc from 'fast-check'
import { type CachedPrice, emptyPrice } from '../../src/cache/cached-price.ts'
import { L1 } from '../../src/cache/l1/l1.ts'
import type { L2 } from '../../src/cache/l2/l2.ts'
import { createMemoryL2 } from '../../src/cache/l2/memory.ts'
import { WriteBehind } from '../../src/cache/l2/write-behind.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { Promotion } from '../../src/cache/promotion.ts'
import { virtualClock } from '../../src/clock.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { ManualTimer } from '../harness/manual-timer.ts'

export const PAIRS = [0, 1, 2]
/** Fewer slots than pairs, so that residency has to be earned and is lost again. */
const SLOTS = 2

export type FirstLevel = Pick<L1, 'has' | 'expect' | 'floor' | 'promote' | 'update' | 'peek' | 'remove'>
type Step =
  | { readonly do: 'update' | 'read' | 'evict'; readonly pair: number }
  | { readonly do: 'promote'; readonly pairs: readonly number[] }
  | { readonly do: 'flush' | 'deliver' | 'deadline' }

const pair = fc.constantFrom(...PAIRS)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('update' as const, 'read' as const, 'evict' as const), pair }),
  fc.record({ do: fc.constant('promote' as const), pairs: fc.uniqueArray(pair, { minLength: 1 }) }),
  fc.record({ do: fc.constantFrom('flush' as const, 'deliver' as const, 'deadline' as const) }),
)

/** Compares with resident versions alone, as L1 would without its floors. */
export class FloorlessL1 implements FirstLevel {
  readonly #resident = new Map<number, CachedPrice>()

  expect(pairId: number): boolean {
    return this.has(pairId)
  }

  has(pairId: number): boolean {
    return this.#resident.has(pairId)
  }

  floor(): number {
    return 0
  }

  promote(pairId: number, price: Readonly<CachedPrice>): 'warmed' | 'older' {
    if ((this.#resident.get(pairId)?.version ?? 0) > price.version) return 'older'
    this.#resident.set(pairId, { ...price })
    return 'warmed'
  }

  update(pairId: number, version: number): 'refreshed' {
    this.#resident.set(pairId, { ...emptyPrice(), version })
    return 'refreshed'
  }

  peek(pairId: number, into: CachedPrice): boolean {
    const found = this.#resident.get(pairId)
    if (found !== undefined) Object.assign(into, found)
    return found !== undefined
  }

  remove(pairId: number): void {
    this.#resident.delete(pairId)
  }
}

export const scripts = fc.array(step, { maxLength: 60, size: 'max' })

export function smallL1(): L1 {
  return new L1({ slots: SLOTS, maxPairs: PAIRS.length, warmShare: 0.5 })
}

export function memoryL2(): L2 {
  return createMemoryL2({ clock: virtualClock(1), random: () => 0.5, ttlMs: 1e9 })
}

/** I1 and I4. Runs a script against a first level, with an L2 that answers when the script says so. */
export async function run(l1: FirstLevel, script: readonly Step[], stored = memoryL2()): Promise<void> {
  const table = new PairTable({ maxPairs: PAIRS.length })
  for (const each of PAIRS) table.register('chain', `pair-${each}`)
  const onTheWay: (() => void)[] = []
  const delayed = async <T>(answer: Promise<T>): Promise<T> => {
    await new Promise<void>((resolve) => onTheWay.push(resolve))
    return answer
  }
  const l2 = { ...stored, load: (ids: readonly number[]) => delayed(stored.load(ids)) }
  const writeBehind = new WriteBehind({
    l2: { ...stored, write: (columns, from, to) => delayed(stored.write(columns, from, to)) },
    flushMs: 1e8,
    capacity: PAIRS.length,
    maxPairs: PAIRS.length,
  })
  const timer = new ManualTimer(virtualClock(0))
  const promotion = new Promotion({ table, l1, l2, writeBehind, metrics: createMetrics(), timer: timer.start })
  const newest = new Map<number, number>()
  const seen = new Map<number, number>()
  const underWay: Promise<unknown>[] = []
  const into = emptyPrice()
  const numbers = new Float64Array(6)
  const perform = async (step: Step): Promise<void> => {
    switch (step.do) {
      case 'update': {
        const version = (newest.get(step.pair) ?? 0) + 1
        newest.set(step.pair, version)
        l1.update(step.pair, version, numbers, 0)
        return writeBehind.add(step.pair, version, numbers, 0)
      }
      case 'read':
        if (!l1.peek(step.pair, into)) return
        expect(into.version).toBeGreaterThanOrEqual(seen.get(step.pair) ?? 0)
        seen.set(step.pair, into.version)
        return
      case 'evict':
        return l1.remove(step.pair)
      case 'promote':
        underWay.push(promotion.promote(step.pairs))
        return
      case 'flush':
        underWay.push(writeBehind.flush())
        return
      case 'deliver':
        return onTheWay.shift()?.()
      case 'deadline':
        return timer.advance(50)
    }
  }
  for (const each of script) {
    await perform(each)
    await timer.advance(0)
    for (const pair of PAIRS) await perform({ do: 'read', pair })
  }
  let ended = false
  const end = Promise.all([writeBehind.close(), ...underWay]).then(() => {
    ended = true
  })
  while (!ended) {
    for (const deliver of onTheWay.splice(0)) deliver()
    await timer.advance(0)
  }
  await end
  const l2Rows = await stored.load(PAIRS)
  for (const pair of PAIRS) {
    if (l1.peek(pair, into)) expect(into.version).toBe(newest.get(pair))
    expect(l2Rows.status === 'loaded' && l2Rows.rows[pair]?.version).toBe(newest.get(pair))
  }
}
