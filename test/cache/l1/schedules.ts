import fc from 'fast-check'
import { type CachedPrice, emptyPrice } from '../../../src/cache/cached-price.ts'
import type { FillOutcome, PromoteOutcome, UpdateOutcome } from '../../../src/cache/l1/first-level.ts'
import { cachedPrice } from '../l2/columns.ts'

/** One step of a schedule: something that a node does with L1. */
export type Step =
  | { readonly type: 'update' | 'fill' | 'promote'; readonly pairId: number; readonly version: number }
  | { readonly type: 'get' | 'peek' | 'expect' | 'renew' | 'remove'; readonly pairId: number }

/** L1, or a faulty cache in its place, which shows that the schedules find its fault. */
export interface Level {
  update(pairId: number, version: number, numbers: Float64Array, base: number): UpdateOutcome
  fill(pairId: number, price: Readonly<CachedPrice>): FillOutcome
  promote(pairId: number, price: Readonly<CachedPrice>): PromoteOutcome
  get(pairId: number, into: CachedPrice): boolean
  peek(pairId: number, into: CachedPrice): boolean
  expect(pairId: number): boolean
  renew(pairId: number): void
  remove(pairId: number): void
}

/** There are few pairs, versions and slots, so that old values come late and slots run short. */
export const PAIRS = 6

const pairId = fc.nat(PAIRS - 1)
const version = fc.integer({ min: 1, max: 15 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('update' as const), pairId, version }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('fill' as const), pairId, version }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('promote' as const), pairId, version }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constantFrom('get' as const, 'peek', 'expect', 'renew'), pairId }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('remove' as const), pairId }) },
)
// Without this size fast-check would keep the schedules so short that nothing happens in them.
export const schedule = fc.array(step, { minLength: 1, maxLength: 120, size: 'max' })

/** The only value that a pair has at a version, so that a torn or misplaced one shows. */
export function priceAt(pairId: number, version: number): CachedPrice {
  const price = version * 100 + pairId
  return cachedPrice({
    version,
    price,
    bid: price + 0.1,
    ask: price + 0.2,
    reserve0: price + 0.3,
    liquidity: price + 0.4,
  })
}

export function isPriceOf(pairId: number, value: CachedPrice): boolean {
  const expected = priceAt(pairId, value.version)
  expected.epoch = value.epoch
  return Object.entries(value).every(([field, number]) => Object.is(number, expected[field as keyof CachedPrice]))
}

/** The value that the step has read, if it is a read that hit. */
export function take(level: Level, step: Step): CachedPrice | undefined {
  switch (step.type) {
    case 'update': {
      const { price, bid, ask, reserve0, reserve1, liquidity } = priceAt(step.pairId, step.version)
      level.update(step.pairId, step.version, Float64Array.of(-1, price, bid, ask, reserve0, reserve1, liquidity), 1)
      return undefined
    }
    case 'fill':
      level.fill(step.pairId, priceAt(step.pairId, step.version))
      return undefined
    case 'promote':
      level.promote(step.pairId, priceAt(step.pairId, step.version))
      return undefined
    case 'get':
    case 'peek': {
      const into = emptyPrice()
      return level[step.type](step.pairId, into) ? into : undefined
    }
    case 'expect':
      level.expect(step.pairId)
      return undefined
    case 'renew':
      level.renew(step.pairId)
      return undefined
    case 'remove':
      level.remove(step.pairId)
      return undefined
  }
}

/** Compares with the resident version alone, as L1 would if it forgot the version with the value. */
export class ForgetfulLevel implements Level {
  readonly #values = new Map<number, CachedPrice>()
  readonly #slots: number

  constructor(slots: number) {
    this.#slots = slots
  }

  #put(pairId: number, value: CachedPrice): boolean {
    if ((this.#values.get(pairId)?.version ?? 0) > value.version) return false
    this.#values.set(pairId, value)
    const [oldest] = this.#values.keys()
    if (this.#values.size > this.#slots && oldest !== undefined) this.#values.delete(oldest)
    return true
  }

  update(pairId: number, version: number) {
    return this.#put(pairId, priceAt(pairId, version)) ? 'inserted' : 'older'
  }

  fill(pairId: number, value: CachedPrice) {
    return this.#put(pairId, value) ? 'filled' : 'older'
  }

  promote(pairId: number, value: CachedPrice) {
    return this.#put(pairId, value) ? 'warmed' : 'older'
  }

  get(pairId: number, into: CachedPrice): boolean {
    Object.assign(into, this.#values.get(pairId))
    return this.#values.has(pairId)
  }

  peek(pairId: number, into: CachedPrice): boolean {
    return this.get(pairId, into)
  }

  expect(pairId: number): boolean {
    return this.#values.has(pairId)
  }

  renew(): void {}

  remove(pairId: number): void {
    this.#values.delete(pairId)
  }
}
