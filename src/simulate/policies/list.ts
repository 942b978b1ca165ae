import { PairList } from './pair-list.ts'
import { NO_PAIR, type Policy, type PolicySize, warmLimitOf } from './policy.ts'

/** Decides who leaves a list of pairs. */
export interface EvictionOrder {
  /** A read found the pair. */
  hit(pairId: number, list: PairList): void
  /** The pair that leaves now; the list has one at least. */
  next(list: PairList): number
}

/** A policy that has all its pairs in one list. It tells warms and reads not apart: both put a pair at the head. */
export class ListPolicy implements Policy {
  readonly slots: number
  readonly warmLimit: number
  evicted = NO_PAIR
  readonly #list: PairList
  readonly #order: EvictionOrder

  constructor({ slots, pairs }: PolicySize, order: EvictionOrder) {
    this.slots = slots
    this.warmLimit = warmLimitOf(slots)
    this.#list = new PairList(pairs)
    this.#order = order
  }

  has(pairId: number): boolean {
    return this.#list.has(pairId)
  }

  read(pairId: number): boolean {
    this.evicted = NO_PAIR
    const isHit = this.has(pairId)
    if (isHit) this.#order.hit(pairId, this.#list)
    else this.warm(pairId)
    return isHit
  }

  warm(pairId: number): boolean {
    const list = this.#list
    this.evicted = list.size < this.slots ? NO_PAIR : this.#order.next(list)
    if (this.evicted !== NO_PAIR) list.remove(this.evicted)
    list.push(pairId)
    return true
  }

  expect(pairId: number): boolean {
    return this.has(pairId)
  }

  renew(): void {}
}
