const WINDOW_MS = 1_000
/** Fewer values than this in a second are no storm. */
const LEAST = 1_000

/** Finds out whether most messages tell of changes that are none. */
export class Storm {
  readonly #now: () => number
  #sinceMs: number
  #told = 0
  #reread = 0
  #same = 0
  /** Over half of the values that were read again in the last whole second had not changed. */
  isRaging = false

  constructor(now: () => number) {
    this.#now = now
    this.#sinceMs = now()
  }

  /** A pair will be read again because of a message. */
  told(): void {
    this.#told++
  }

  /** A value was read. */
  reread(isSame: boolean): void {
    this.#reread++
    if (isSame) this.#same++
    const nowMs = this.#now()
    if (nowMs - this.#sinceMs < WINDOW_MS) return
    this.isRaging = this.#told >= LEAST && this.#reread >= LEAST && this.#same * 2 > this.#reread
    this.#sinceMs = nowMs
    this.#told = 0
    this.#reread = 0
    this.#same = 0
  }
}
