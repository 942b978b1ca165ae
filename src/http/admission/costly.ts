import type { ServerResponse } from 'node:http'

const MOST_AT_ONCE = 4
const MOST_WAITING = 32
/** After each piece of work the event loop is left alone for this many times as long, but no longer than a moment. */
const REST_FACTOR = 4
const LONGEST_REST_MS = 250

/**
 * Bounds what takes the event loop for long, or makes large answers. Few are under way at once, from their start until
 * their caller has taken the answer; few wait; and in between the event loop rests.
 */
export class Costly {
  #running = 0
  #isResting = false
  readonly #waiting: (() => void)[] = []

  /**
   * Waits until the work of a request may begin, at once. False if too many wait already, or if the caller has gone
   * meanwhile. All that the request does until the event loop turns is one piece.
   */
  async admit(response: ServerResponse): Promise<boolean> {
    if (this.#isFull()) {
      if (this.#waiting.length >= MOST_WAITING) return false
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.push(resolve)
      await promise
    }
    if (response.destroyed) {
      this.#next()
      return false
    }
    this.#running++
    response.once('close', () => {
      this.#running--
      this.#next()
    })
    this.#isResting = true
    const startMs = performance.now()
    let tookMs = 0
    // The answer is made in microtasks. What comes after them in this turn, such as a batch of records, is others' work.
    queueMicrotask(() => process.nextTick(() => (tookMs = performance.now() - startMs)))
    setImmediate(() => this.#rest(Math.min(tookMs * REST_FACTOR, LONGEST_REST_MS)))
    return true
  }

  #isFull(): boolean {
    return this.#running >= MOST_AT_ONCE || this.#isResting
  }

  #rest(restMs: number): void {
    setTimeout(() => {
      this.#isResting = false
      this.#next()
    }, restMs).unref()
  }

  /** The next one asks for the rest after it. */
  #next(): void {
    if (!this.#isFull()) this.#waiting.shift()?.()
  }
}
