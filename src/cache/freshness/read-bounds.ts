const WINDOW_MS = 10_000

/** How many reads there were, and the largest of their bounds of late, in ms. */
export class ReadBounds {
  reads = 0
  #largestMs = 0
  /** That of the window before. */
  #beforeMs = 0
  #sinceMs = 0

  note(behindMs: number, nowMs: number): void {
    this.reads++
    if (nowMs - this.#sinceMs >= WINDOW_MS) this.#turn(nowMs)
    if (behindMs > this.#largestMs) this.#largestMs = behindMs
  }

  /** The largest of the last ten to twenty seconds; 0 if there was no read. Infinity if a bound was not known. */
  largestMs(nowMs: number): number {
    if (nowMs - this.#sinceMs >= WINDOW_MS) this.#turn(nowMs)
    return Math.max(this.#largestMs, this.#beforeMs)
  }

  #turn(nowMs: number): void {
    this.#beforeMs = nowMs - this.#sinceMs < 2 * WINDOW_MS ? this.#largestMs : 0
    this.#largestMs = 0
    this.#sinceMs = nowMs
  }
}
