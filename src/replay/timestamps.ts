import type { ReplayTime } from './pace.ts'

/**
 * `keep`: records and event times as they are. `shift`: all later by the same amount, so that the first record is at the
 * present time and the distances stay. `now`: each record gets the time at which it is replayed. Event times in price
 * updates and the times of warm requests move with their record's timestamp, so that ages and versions stay right.
 */
export const TIMESTAMPS = ['keep', 'shift', 'now'] as const
/** Which times the replayed records get. */
export type Timestamps = (typeof TIMESTAMPS)[number]

/** Tells the timestamp that each record is replayed with. */
export class TimestampShift {
  readonly #mode: Timestamps
  readonly #time: ReplayTime
  /** The time added in this pass; known from its first record on. */
  #shiftMs: number | undefined
  /** The latest timestamp so far: the next pass begins after it. */
  #latestMs = Number.NEGATIVE_INFINITY

  constructor(mode: Timestamps, time: ReplayTime) {
    this.#mode = mode
    this.#time = time
  }

  at(timestampMs: number): number {
    switch (this.#mode) {
      case 'keep':
        return timestampMs
      case 'now':
        return this.#time.now()
      case 'shift': {
        this.#shiftMs ??= Math.max(this.#time.now(), this.#latestMs + 1) - timestampMs
        const shifted = timestampMs + this.#shiftMs
        this.#latestMs = Math.max(this.#latestMs, shifted)
        return shifted
      }
    }
  }

  /** To be called before the first record of a pass. */
  restart(): void {
    this.#shiftMs = undefined
  }
}
