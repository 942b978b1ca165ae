/** No slot: what is before a queue's first and after its last. */
export const NO_SLOT = -1

/** Queues of slots, of which each slot stands in one at most. Newest at the head, oldest at the tail. */
export class SlotQueues {
  /** By slot: its queue. */
  readonly of: Uint8Array
  /** By slot: the one that came into its queue after it; NO_SLOT at the head. */
  readonly previous: Int32Array
  readonly #next: Int32Array
  /** By queue. */
  readonly heads: Int32Array
  readonly tails: Int32Array
  readonly sizes: Int32Array

  constructor(slots: number, queues: number) {
    this.of = new Uint8Array(slots)
    this.previous = new Int32Array(slots)
    this.#next = new Int32Array(slots)
    this.heads = new Int32Array(queues).fill(NO_SLOT)
    this.tails = new Int32Array(queues).fill(NO_SLOT)
    this.sizes = new Int32Array(queues)
  }

  /** A slot that stands in none comes to the head of one. */
  push(slot: number, queue: number): void {
    const head = this.heads[queue] as number
    this.#next[slot] = head
    this.previous[slot] = NO_SLOT
    if (head === NO_SLOT) this.tails[queue] = slot
    else this.previous[head] = slot
    this.heads[queue] = slot
    this.of[slot] = queue
    this.sizes[queue] = (this.sizes[queue] as number) + 1
  }

  /** Out of its queue. */
  take(slot: number): void {
    const queue = this.of[slot] as number
    const next = this.#next[slot] as number
    const previous = this.previous[slot] as number
    if (previous === NO_SLOT) this.heads[queue] = next
    else this.#next[previous] = next
    if (next === NO_SLOT) this.tails[queue] = previous
    else this.previous[next] = previous
    this.sizes[queue] = (this.sizes[queue] as number) - 1
  }

  /** To the head of a queue, which may be its own. */
  move(slot: number, queue: number): void {
    this.take(slot)
    this.push(slot, queue)
  }
}
