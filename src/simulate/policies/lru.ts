import { PairList } from './pair-list.ts'
import { NO_PAIR, type Policy, type PolicySize, warmLimitOf } from './policy.ts'

/** The pair that was read longest ago leaves. A warm stands where a read would have put it. */
export class LruPolicy implements Policy {
  readonly slots: number
  readonly warmLimit: number
  evicted = NO_PAIR
  readonly #list: PairList

  constructor({ slots, pairs }: PolicySize) {
    this.slots = slots
    this.warmLimit = warmLimitOf(slots)
    this.#list = new PairList(pairs)
  }

  has(pairId: number): boolean {
    return this.#list.has(pairId)
  }

  read(pairId: number): boolean {
    this.evicted = NO_PAIR
    if (!this.#list.has(pairId)) {
      this.warm(pairId)
      return false
    }
    this.#list.remove(pairId)
    this.#list.push(pairId)
    return true
  }

  warm(pairId: number): boolean {
    this.evicted = NO_PAIR
    if (this.#list.size === this.slots) {
      this.evicted = this.#list.tail
      this.#list.remove(this.evicted)
    }
    this.#list.push(pairId)
    return true
  }

  expect(pairId: number): boolean {
    return this.#list.has(pairId)
  }

  /** A warm is not told apart from what was read. */
  renew(): void {}
}
