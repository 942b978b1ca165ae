import type { EvictionOrder } from './list.ts'
import type { PairList } from './pair-list.ts'
import { NO_PAIR } from './policy.ts'

/**
 * SIEVE (Zhang and others, "SIEVE is simpler than LRU", NSDI 2024). A hand moves from the oldest pair to the newest. It
 * passes each pair that was read since its last visit once, and evicts the first that was not.
 */
export class SieveOrder implements EvictionOrder {
  /** Read since the hand was there. An evicted pair has not been read since, so a new pair starts as unread. */
  readonly #isVisited: Uint8Array
  #hand = NO_PAIR

  constructor(pairs: number) {
    this.#isVisited = new Uint8Array(pairs)
  }

  hit(pairId: number): void {
    this.#isVisited[pairId] = 1
  }

  next(list: PairList): number {
    let at = this.#hand === NO_PAIR ? list.tail : this.#hand
    while (this.#isVisited[at] === 1) {
      this.#isVisited[at] = 0
      const newer = list.newerThan(at)
      at = newer === NO_PAIR ? list.tail : newer
    }
    this.#hand = list.newerThan(at)
    return at
  }
}
