/** A place of the ring that holds no pair yet. */
const EMPTY = -1

/** Pairs that left the small queue unread: a read of one of them says that it left too early. */
export class Ghosts {
  readonly #ring: Int32Array
  readonly #places = new Map<number, number>()
  #at = 0

  constructor(capacity: number) {
    this.#ring = new Int32Array(capacity).fill(EMPTY)
  }

  add(pairId: number): void {
    const oldest = this.#ring[this.#at] as number
    if (oldest !== EMPTY && this.#places.get(oldest) === this.#at) this.#places.delete(oldest)
    this.#ring[this.#at] = pairId
    this.#places.set(pairId, this.#at)
    this.#at = (this.#at + 1) % this.#ring.length
  }

  /** True when the pair was there; it is not any more. */
  take(pairId: number): boolean {
    return this.#places.delete(pairId)
  }
}
