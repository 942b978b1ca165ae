/** Pairs that were evicted from the small queue. A read of one of them shows that it was evicted too early. */
export class Ghosts {
  /** Each place has a pair's id + 1; 0 if none yet. Memory of zeros takes no room before it is written. */
  readonly #ring: Int32Array
  readonly #places = new Map<number, number>()
  #at = 0

  constructor(capacity: number) {
    this.#ring = new Int32Array(capacity)
  }

  add(pairId: number): void {
    const oldest = (this.#ring[this.#at] as number) - 1
    if (oldest >= 0 && this.#places.get(oldest) === this.#at) this.#places.delete(oldest)
    this.#ring[this.#at] = pairId + 1
    this.#places.set(pairId, this.#at)
    this.#at = (this.#at + 1) % this.#ring.length
  }

  /** Takes the pair out, and tells whether it was there. */
  take(pairId: number): boolean {
    return this.#places.delete(pairId)
  }
}
