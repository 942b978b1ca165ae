const WINDOW_MS = 1_000
/** How long reads are made without tracking after a storm. */
export const CALM_MS = 60_000
/** Fewer values than this in a second are no storm. */
const LEAST = 1_000

/**
 * Finds out whether most messages tell of changes that are none. Values that are read for another reason do not count: after
 * a loss all are read again, and most have not changed. L2 also tells of what this process itself has set.
 */
export class Storm {
  readonly #now: () => number
  #sinceMs: number
  /** The pairs that will be read again because of a message. */
  readonly #told = new Set<number>()
  #reread = 0
  #same = 0
  /** Over half of the values that were read again in the last whole second had not changed. */
  isRaging = false

  constructor(now: () => number) {
    this.#now = now
    this.#sinceMs = now()
  }

  told(pairId: number): void {
    this.#told.add(pairId)
  }

  /** The pair's value was read. */
  reread(pairId: number, isSame: boolean): void {
    if (!this.#told.delete(pairId)) return
    this.#reread++
    if (isSame) this.#same++
    const nowMs = this.#now()
    if (nowMs - this.#sinceMs < WINDOW_MS) return
    this.isRaging = this.#reread >= LEAST && this.#same * 2 > this.#reread
    this.#sinceMs = nowMs
    this.#reread = 0
    this.#same = 0
  }

  /** Begins anew. */
  clear(): void {
    this.#told.clear()
    this.#sinceMs = this.#now()
    this.#reread = 0
    this.#same = 0
    this.isRaging = false
  }
}
