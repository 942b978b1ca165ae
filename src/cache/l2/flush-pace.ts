import { Alarm } from '../../alarm.ts'
import type { Timer } from '../../timer.ts'
import type { WritePace } from './l2.ts'

/** The share of the thread that encoding and sending may take. */
const DUTY = 0.1
/** Encoding and sending so many rows takes about a third of a millisecond of the thread, which updates wait for. */
const FEW_ROWS = 128
/** About 15 ms of work for Redis, so that the last row is well within the time-out of a command. */
const MANY_ROWS = 2_048

/**
 * Spreads a flush over time. A burst of it would hold up updates, and all that shares the machine's cores with Redis. On a
 * busy thread an answer is seen late, so trips grow. When somebody waits for the flush, it does not rest.
 */
export class FlushPace implements WritePace {
  readonly #now: () => number
  readonly #alarm: Alarm
  #resting: PromiseWithResolvers<void> | undefined
  #isUrgent = false
  #rows = FEW_ROWS
  #tripStartMs = 0

  constructor({ now, timer }: { readonly now: () => number; readonly timer: Timer | undefined }) {
    this.#now = now
    this.#alarm = new Alarm(() => this.#wake(), timer)
  }

  get rowsATrip(): number {
    return this.#isUrgent ? MANY_ROWS : this.#rows
  }

  begin(): void {
    this.#isUrgent = false
    this.#tripStartMs = this.#now()
  }

  async rest(busyMs: number): Promise<void> {
    const restMs = this.#restAfter(busyMs)
    this.#rows = restMs > 0 ? Math.max(this.#rows / 2, FEW_ROWS) : Math.min(this.#rows * 2, MANY_ROWS)
    if (restMs > 0 && !this.#isUrgent) {
      this.#resting = Promise.withResolvers<void>()
      this.#alarm.set(restMs)
      await this.#resting.promise
    }
    this.#tripStartMs = this.#now()
  }

  /** How long to wait before another flush. L2 rests as long as it worked on the last trip. */
  pauseAfter(busyMs: number): number {
    return Math.max(busyMs / DUTY, this.#now() - this.#tripStartMs)
  }

  /** Ends the flush as fast as L2 takes it. */
  hurry(): void {
    this.#isUrgent = true
    this.#wake()
  }

  #restAfter(busyMs: number): number {
    return busyMs / DUTY - (this.#now() - this.#tripStartMs)
  }

  #wake(): void {
    this.#alarm.clear()
    this.#resting?.resolve()
  }
}
