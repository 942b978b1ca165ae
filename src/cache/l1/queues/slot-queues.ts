/** Stands before the head of a queue and behind its tail. */
export const NO_SLOT = -1

/** Queues of slots, newest at the head, oldest at the tail. A slot stands in one queue at most. */
export class SlotQueues {
  /** The queue of each slot. */
  readonly of: Uint8Array
  /** The slot that came into the same queue just after each slot; NO_SLOT at the head. */
  readonly previous: Int32Array
  readonly #next: Int32Array
  /** The newest and the oldest slot of each queue, and how many stand in it. */
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

  /** Puts a slot that stands in no queue at the head of one. */
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

  /** Takes a slot out of its queue. */
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

  /** Takes the newest slot out of the queue; NO_SLOT if there is none. */
  takeHead(queue: number): number {
    const slot = this.heads[queue] as number
    if (slot !== NO_SLOT) this.take(slot)
    return slot
  }

  /** Moves a slot to the head of a queue, which may be its own. */
  move(slot: number, queue: number): void {
    this.take(slot)
    this.push(slot, queue)
  }
}
