import { PairList } from './pair-list.ts'
import { NO_PAIR, type Policy, type PolicySize, warmLimitOf } from './policy.ts'

/**
 * SIEVE (Zhang and others, "SIEVE is simpler than LRU", NSDI 2024): a hand goes from the oldest pair to the newest,
 * passes by once those that were read since it last came, and takes the first that was not.
 */
export class SievePolicy implements Policy {
  readonly slots: number
  readonly warmLimit: number
  evicted = NO_PAIR
  readonly #list: PairList
  readonly #isVisited: Uint8Array
  #hand = NO_PAIR

  constructor({ slots, pairs }: PolicySize) {
    this.slots = slots
    this.warmLimit = warmLimitOf(slots)
    this.#list = new PairList(pairs)
    this.#isVisited = new Uint8Array(pairs)
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
    this.#isVisited[pairId] = 1
    return true
  }

  warm(pairId: number): boolean {
    this.evicted = NO_PAIR
    if (this.#list.size === this.slots) this.#evict()
    this.#isVisited[pairId] = 0
    this.#list.push(pairId)
    return true
  }

  expect(pairId: number): boolean {
    return this.#list.has(pairId)
  }

  /** A warm is not told apart from what was read. */
  renew(): void {}

  #evict(): void {
    const list = this.#list
    let at = this.#hand === NO_PAIR ? list.tail : this.#hand
    while (this.#isVisited[at] === 1) {
      this.#isVisited[at] = 0
      const newer = list.newerThan(at)
      at = newer === NO_PAIR ? list.tail : newer
    }
    this.#hand = list.newerThan(at)
    list.remove(at)
    this.evicted = at
  }
}
