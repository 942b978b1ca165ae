import { Alarm } from '../alarm.ts'
import type { Clock } from '../clock.ts'
import type { Timer } from '../timer.ts'

export interface BreakerOptions {
  readonly clock: Clock
  readonly timer: Timer
  readonly random: () => number
  /** Asks Redis whether it would serve again: `undefined`, or the reason why not. Never rejects. */
  readonly probe: () => Promise<string | undefined>
}

const FAILURES_TO_OPEN = 5
const FIRST_PROBE_MS = 100
const LONGEST_PROBE_MS = 5_000

/**
 * Five failures one after the other, and nothing more is sent until a probe succeeds: callers hear "unavailable" at once
 * instead of waiting for a time-out each. After a probe the next failure opens it again, and the wait between probes
 * keeps doubling until real work has succeeded, because a probe may pass where the work does not.
 */
export class CircuitBreaker {
  readonly #options: BreakerOptions
  #failures = 0
  #probes = 0
  #open: { readonly reason: string; readonly sinceMs: number } | undefined
  readonly #nextProbe: Alarm

  constructor(options: BreakerOptions) {
    this.#options = options
    this.#nextProbe = new Alarm(() => void this.#probe(), options.timer)
  }

  /** Why nothing is sent at present; `undefined` when it may be. */
  get open(): { readonly reason: string; readonly sinceMs: number } | undefined {
    return this.#open
  }

  succeeded(): void {
    this.#failures = 0
    this.#probes = 0
  }

  failed(reason: string): void {
    this.#failures++
    if (this.#open !== undefined || this.#failures < FAILURES_TO_OPEN) return
    this.#open = { reason, sinceMs: this.#options.clock.now() }
    this.#scheduleProbe()
  }

  /** Work is let through again; the first failure ends that. Called when a probe or a new connection gives hope. */
  halfOpen(): void {
    this.#nextProbe.clear()
    if (this.#open === undefined) return
    this.#open = undefined
    this.#failures = FAILURES_TO_OPEN - 1
  }

  close(): void {
    this.#nextProbe.close()
  }

  #scheduleProbe(): void {
    const longestMs = Math.min(FIRST_PROBE_MS * 2 ** this.#probes++, LONGEST_PROBE_MS)
    this.#nextProbe.set(longestMs * (0.5 + 0.5 * this.#options.random()))
  }

  async #probe(): Promise<void> {
    const reason = await this.#options.probe()
    if (this.#open === undefined) return
    if (reason === undefined) return this.halfOpen()
    this.#open = { reason, sinceMs: this.#open.sinceMs }
    this.#scheduleProbe()
  }
}
