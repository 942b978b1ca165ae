/** How long records are handled before the event loop turns, and while somebody waits for it. A turn more often costs updates. */
const TURN_MS = 5
const ASKED_TURN_MS = 2

/**
 * Lets the event loop turn while records are at hand without end, however many partitions have some. Callers over HTTP and
 * answers of Redis come in between.
 */
export class Turn {
  readonly #isAsked: () => boolean
  #sinceMs: number | undefined

  /** `isAsked`: whether callers wait at the moment. */
  constructor(isAsked: () => boolean = () => false) {
    this.#isAsked = isAsked
  }

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
    const handledMs = nowMs - this.#sinceMs
    const goesOn = handledMs < ASKED_TURN_MS || (handledMs < TURN_MS && !this.#isAsked())
    return goesOn ? undefined : new Promise((resolve) => setImmediate(resolve))
  }
}
