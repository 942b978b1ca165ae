import { Alarm } from '../alarm.ts'
import type { Clock } from '../clock.ts'
import type { Timer } from '../timer.ts'

export interface BreakerOptions {
  readonly clock: Clock
  readonly timer: Timer
  readonly random: () => number
  /** Asks the server whether it would serve again: resolves to `undefined`, or to the reason why not. Never rejects. */
  readonly probe: () => Promise<string | undefined>
}

const FAILURES_TO_OPEN = 5
const FIRST_PROBE_MS = 100
/** A server that does not answer is asked so often at least: nobody waits for a probe. */
const LONGEST_PROBE_MS = 500
/** A server that answers probes and fails at work is tried so often at least: callers wait for the work. */
const LONGEST_PAUSE_MS = 5_000

/**
 * After five failures in a row nothing more is sent until a probe succeeds, so that callers hear "unavailable" at once
 * instead of each waiting for a time-out. After a successful probe, one more failure opens the breaker again. The wait
 * before the first probe keeps doubling until real work has succeeded, because a probe may pass when the work does not.
 */
export class CircuitBreaker {
  readonly #options: BreakerOptions
  #failures = 0
  /** How often it opened, and how many probes have failed since the last time, until work succeeds. */
  #openings = 0
  #probes = 0
  #open: { readonly reason: string; readonly sinceMs: number } | undefined
  readonly #nextProbe: Alarm

  constructor(options: BreakerOptions) {
    this.#options = options
    this.#nextProbe = new Alarm(() => void this.#probe(), options.timer)
  }

  /** Why nothing is sent at present, and since when; `undefined` if work may be sent. */
  get open(): { readonly reason: string; readonly sinceMs: number } | undefined {
    return this.#open
  }

  succeeded(): void {
    this.#failures = 0
    this.#openings = 0
  }

  failed(reason: string): void {
    this.#failures++
    if (this.#open !== undefined || this.#failures < FAILURES_TO_OPEN) return
    this.#open = { reason, sinceMs: this.#options.clock.now() }
    this.#probes = 0
    this.#scheduleProbe(Math.min(FIRST_PROBE_MS * 2 ** this.#openings++, LONGEST_PAUSE_MS))
  }

  /** Lets work through again until it fails once. Called when a probe or a new connection has succeeded. */
  halfOpen(): void {
    this.#nextProbe.clear()
    if (this.#open === undefined) return
    this.#open = undefined
    this.#failures = FAILURES_TO_OPEN - 1
  }

  close(): void {
    this.#nextProbe.close()
  }

  #scheduleProbe(longestMs: number): void {
    this.#nextProbe.set(longestMs * (0.5 + 0.5 * this.#options.random()))
  }

  async #probe(): Promise<void> {
    const reason = await this.#options.probe()
    if (this.#open === undefined) return
    if (reason === undefined) return this.halfOpen()
    this.#open = { reason, sinceMs: this.#open.sinceMs }
    this.#scheduleProbe(Math.min(FIRST_PROBE_MS * 2 ** ++this.#probes, LONGEST_PROBE_MS))
  }
}
