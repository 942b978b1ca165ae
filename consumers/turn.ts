/** How long records are handled before the event loop turns. */
const TURN_MS = 2

/**
 * Lets the event loop turn while records are at hand without end, however many partitions have some. Callers over HTTP and
 * answers of Redis come in between.
 */
export class Turn {
  #sinceMs: number | undefined

  /** Undefined if handling may go on at once. Ask again after the wait: another partition may have taken the turn. */
  wait(): Promise<void> | undefined {
    const nowMs = performance.now()
    if (this.#sinceMs === undefined) {
      this.#sinceMs = nowMs
      setImmediate(() => {
        this.#sinceMs = undefined
      })
      return undefined
    }
    return nowMs - this.#sinceMs < TURN_MS ? undefined : new Promise((resolve) => setImmediate(resolve))
  }
}
