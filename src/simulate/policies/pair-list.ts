import { NO_PAIR } from './policy.ts'

/** A linked list of pairs, the newest at the head. A pair is in it at most once. */
export class PairList {
  readonly #next: Int32Array
  readonly #previous: Int32Array
  readonly #isIn: Uint8Array
  /** The oldest pair. */
  tail = NO_PAIR
  #head = NO_PAIR
  size = 0

  constructor(pairs: number) {
    this.#next = new Int32Array(pairs)
    this.#previous = new Int32Array(pairs)
    this.#isIn = new Uint8Array(pairs)
  }

  has(pairId: number): boolean {
    return this.#isIn[pairId] === 1
  }

  /** The pair that came right after it. */
  newerThan(pairId: number): number {
    return this.#previous[pairId] as number
  }

  push(pairId: number): void {
    this.#isIn[pairId] = 1
    this.#previous[pairId] = NO_PAIR
    this.#next[pairId] = this.#head
    if (this.#head === NO_PAIR) this.tail = pairId
    else this.#previous[this.#head] = pairId
    this.#head = pairId
    this.size++
  }

  remove(pairId: number): void {
    const next = this.#next[pairId] as number
    const previous = this.#previous[pairId] as number
    if (previous === NO_PAIR) this.#head = next
    else this.#next[previous] = next
    if (next === NO_PAIR) this.tail = previous
    else this.#previous[next] = previous
    this.#isIn[pairId] = 0
    this.size--
  }
}
