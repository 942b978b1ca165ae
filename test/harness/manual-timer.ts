import type { VirtualClock } from '../../src/clock.ts'
import type { Timer } from '../../src/timer.ts'

interface Pending {
  readonly dueMs: number
  readonly run: () => void
}

/** A timer on a virtual clock: nothing fires until the test moves the time. */
export class ManualTimer {
  readonly #clock: VirtualClock
  readonly #pending = new Set<Pending>()

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  readonly start: Timer = (delayMs, run) => {
    const pending = { dueMs: this.#clock.now() + Math.max(delayMs, 0), run }
    this.#pending.add(pending)
    return () => this.#pending.delete(pending)
  }

  /** Measures durations on the same clock, so that a stall of the machine takes no time. */
  readonly now = (): number => this.#clock.now()

  get pending(): number {
    return this.#pending.size
  }

  /** Moves the clock on and runs due timers in order; the promises of one are settled before the next runs. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#clock.now() + ms
    for (;;) {
      await settled()
      const next = [...this.#pending].sort((a, b) => a.dueMs - b.dueMs)[0]
      if (next === undefined || next.dueMs > endMs) break
      this.#pending.delete(next)
      this.#clock.advanceTo(next.dueMs)
      next.run()
    }
    this.#clock.advanceTo(endMs)
    await settled()
  }
}

/** Resolves when all promise callbacks that are ready, or become ready through them, have run. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
