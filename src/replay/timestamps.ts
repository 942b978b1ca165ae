import type { ReplayTime } from './pace.ts'
import type { Timestamps } from './rewrite.ts'

/** Gives each record the timestamp that it is replayed with. */
export class TimestampShift {
  readonly #mode: Timestamps
  readonly #time: ReplayTime
  /** What is added in this pass; known from its first record on. */
  #shiftMs: number | undefined
  /** So that a pass never begins before the one before it has ended. */
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

  /** The next record is the first of a new pass. */
  restart(): void {
    this.#shiftMs = undefined
  }
}
