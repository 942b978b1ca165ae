import { systemTimer, type Timer } from './timer.ts'

/** Calls `ring` later: at most one call is to come at any time. */
export class Alarm {
  readonly #ring: () => void
  readonly #timer: Timer
  #cancel: (() => void) | undefined
  #isClosed = false

  constructor(ring: () => void, timer = systemTimer) {
    this.#ring = ring
    this.#timer = timer
  }

  get isSet(): boolean {
    return this.#cancel !== undefined
  }

  /** Milliseconds from now, in place of the call that was to come. */
  set(delayMs: number): void {
    this.clear()
    if (this.#isClosed) return
    this.#cancel = this.#timer(delayMs, () => {
      this.#cancel = undefined
      this.#ring()
    })
  }

  clear(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  /** Clears it, and it cannot be set any more. */
  close(): void {
    this.#isClosed = true
    this.clear()
  }
}
