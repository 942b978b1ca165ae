import { Alarm } from '../../alarm.ts'
import type { Timer } from '../../timer.ts'
import type { WritePace } from './l2.ts'

/** The share of the thread that encoding and sending may take. */
export const DUTY = 0.1
/** Encoding and sending so many rows takes about a third of a millisecond of the thread, which updates wait for. */
const ROWS_A_TRIP = 128
/** About 15 ms of work for Redis, so that the last row is well within the time-out of a command. */
const URGENT_ROWS_A_TRIP = 2_048

/**
 * Spreads a flush over time. A burst of it would hold up updates, and all that shares the machine's cores with Redis. When
 * somebody waits for the flush, it goes on in long trips and does not rest.
 */
export class FlushPace implements WritePace {
  readonly #alarm: Alarm
  #resting: PromiseWithResolvers<void> | undefined
  #isUrgent = false
  /** How long the flush has rested, in milliseconds. */
  restedMs = 0

  constructor(timer?: Timer) {
    this.#alarm = new Alarm(() => this.#wake(), timer)
  }

  get rowsATrip(): number {
    return this.#isUrgent ? URGENT_ROWS_A_TRIP : ROWS_A_TRIP
  }

  begin(): void {
    this.#isUrgent = false
    this.restedMs = 0
  }

  async rest(busyMs: number, tripMs: number): Promise<void> {
    if (this.#isUrgent) return
    const restMs = Math.max(busyMs / DUTY, tripMs)
    this.#resting = Promise.withResolvers<void>()
    this.#alarm.set(restMs)
    this.restedMs += restMs
    await this.#resting.promise
  }

  /** Ends the flush as fast as L2 takes it. */
  hurry(): void {
    this.#isUrgent = true
    this.#wake()
  }

  #wake(): void {
    this.#alarm.clear()
    this.#resting?.resolve()
  }
}
