import { setTimeout as delay } from 'node:timers/promises'

/** The time that a replay goes by: the wall clock's, or a virtual one that `sleep` moves. */
export interface ReplayTime {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves after that time or when the signal is aborted; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export const wallTime: ReplayTime = {
  now: () => Date.now(),
  sleep: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
}

/** How much faster than recorded a replay runs: a factor, or as fast as it goes. */
export type Speed = number | 'max'

export const MIN_SPEED = 0.1
export const MAX_SPEED = 1000

/** Timers wait 2³¹ − 1 ms at most. A quiet month at speed 0.1 takes longer. */
const LONGEST_SLEEP_MS = 3_600_000

/**
 * Tells when a record is due: t0 + Δ ÷ speed. t0 is when the first record was due, and Δ is the time between the
 * timestamps of the two. The schedule is absolute: a late record does not delay the next one.
 */
export class Pace {
  readonly #speed: Speed
  readonly #time: ReplayTime
  #startMs: number | undefined
  #firstTimestampMs = 0
  #dueAtMs = 0
  #behindMs = 0
  #isWaiting = false

  constructor(options: { readonly speed: Speed; readonly time: ReplayTime }) {
    this.#speed = options.speed
    this.#time = options.time
  }

  /** How late the last record was; negative while one is waited for, 0 at full speed. */
  get behindMs(): number {
    return this.#isWaiting ? this.#time.now() - this.#dueAtMs : this.#behindMs
  }

  /** The time until a record with this timestamp is due; 0 or less if it is. The first record is due at once. */
  dueInMs(timestampMs: number): number {
    if (this.#speed === 'max') return 0
    const nowMs = this.#time.now()
    if (this.#startMs === undefined) {
      this.#startMs = nowMs
      this.#firstTimestampMs = timestampMs
    }
    this.#dueAtMs = this.#startMs + (timestampMs - this.#firstTimestampMs) / this.#speed
    this.#behindMs = nowMs - this.#dueAtMs
    return this.#dueAtMs - nowMs
  }

  /** Resolves when a record with this timestamp is due, or when the signal is aborted. */
  async wait(timestampMs: number, signal: AbortSignal): Promise<void> {
    this.#isWaiting = true
    for (let dueMs = this.dueInMs(timestampMs); dueMs > 0 && !signal.aborted; dueMs = this.dueInMs(timestampMs)) {
      // Timers fire up to a millisecond early. Without rounding up, this would loop through the last millisecond.
      await this.#time.sleep(Math.ceil(Math.min(dueMs, LONGEST_SLEEP_MS)), signal)
    }
    this.#isWaiting = false
  }

  /** To be called before the first record of a pass. */
  restart(): void {
    this.#startMs = undefined
  }
}
