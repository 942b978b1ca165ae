/**
 * When each slot's value is too old to stay in L1, counted in ticks of a 64th of the TTL: reads and writes never look at
 * a clock. The owner tells the time now and then; what is written gets 64 ticks from the last tick told, so that it goes
 * a little early, never late, as long as the ticks come in time.
 *
 *   written ────────── 80 % (a read asks L2 whether it is still so) ────────── 64 ticks: gone at the next tick
 *
 * What comes from L2 may have waited there: it goes no later than L2's own value, which was written at its event time or
 * later and lives for 90 % of L2's TTL at least. Where the event time lies further back than that (a late feed, a
 * replay), L2's rest cannot be known, and the value gets a tenth of L1's TTL.
 */

import { restMs } from '../ttl.ts'

/** Of the TTL. */
export const TICKS = 64
const NEVER = 2 ** 31 - 1

export interface ExpiryOptions {
  readonly slots: number
  /** How long a value stays; for ever unless given. */
  readonly ttlMs?: number | undefined
  /** How long L2 keeps it. */
  readonly l2TtlMs?: number | undefined
  /** 0 to 1: the part of its time after which a read asks L2 again; 0.8 unless given. */
  readonly refreshThreshold?: number | undefined
}

export class Expiry {
  /** Between two ticks; Infinity where nothing expires. */
  readonly tickMs: number
  readonly #ttl: { readonly l1Ms: number; readonly l2Ms: number }
  readonly #refreshTicks: number
  /** By slot: the tick at which it goes, and the one from which on a read asks L2 again. */
  readonly #expiresAt: Int32Array
  readonly #renewAt: Int32Array
  /** Ticks count from the first time told. */
  #startMs = Number.NaN
  #nowMs = 0
  #now = 0

  constructor({ slots, ttlMs = Number.POSITIVE_INFINITY, l2TtlMs = ttlMs, refreshThreshold = 0.8 }: ExpiryOptions) {
    this.tickMs = ttlMs / TICKS
    this.#ttl = { l1Ms: ttlMs, l2Ms: l2TtlMs }
    this.#refreshTicks = Math.ceil(TICKS * (1 - refreshThreshold))
    this.#expiresAt = new Int32Array(slots).fill(NEVER)
    this.#renewAt = new Int32Array(slots).fill(NEVER)
  }

  /** True where a tick has passed, and something may have expired. */
  advance(nowMs: number): boolean {
    if (this.tickMs === Number.POSITIVE_INFINITY) return false
    if (Number.isNaN(this.#startMs)) this.#startMs = nowMs
    this.#nowMs = nowMs
    const now = Math.floor((nowMs - this.#startMs) / this.tickMs)
    if (now <= this.#now) return false
    this.#now = now
    return true
  }

  /** The slot's value has just come from its source. */
  written(slot: number): void {
    if (this.tickMs !== Number.POSITIVE_INFINITY) this.#keep(slot, TICKS)
  }

  /** The slot's value has come from L2, or was seen there. */
  filled(slot: number, eventTimeMs: number): void {
    if (this.tickMs === Number.POSITIVE_INFINITY) return
    this.#keep(slot, Math.floor(restMs(eventTimeMs, this.#nowMs, this.#ttl) / this.tickMs))
  }

  freed(slot: number): void {
    this.#expiresAt[slot] = NEVER
    this.#renewAt[slot] = NEVER
  }

  /** The first slot from `slot` on whose value has expired, -1 where there is none. */
  nextExpired(slot: number): number {
    const now = this.#now
    const expiresAt = this.#expiresAt
    for (let at = slot; at < expiresAt.length; at++) if ((expiresAt[at] as number) <= now) return at
    return -1
  }

  /** True once for each time that a slot's value comes into its last part. */
  isDue(slot: number): boolean {
    if ((this.#renewAt[slot] as number) > this.#now) return false
    this.#renewAt[slot] = NEVER
    return true
  }

  #keep(slot: number, ticks: number): void {
    this.#expiresAt[slot] = this.#now + ticks
    this.#renewAt[slot] = this.#now + ticks - this.#refreshTicks
  }
}
