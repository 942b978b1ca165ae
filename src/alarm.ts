import { systemTimer, type Timer } from './timer.ts'

/** Calls `ring` after a delay. At most one call is pending at a time. */
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

  /** Rings in so many milliseconds, instead of a pending call. */
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

  /** Clears the alarm, which cannot be set any more. */
  close(): void {
    this.#isClosed = true
    this.clear()
  }
}
