/**
 * When each slot's value is too old to stay in L1. Time is counted in ticks of a 64th of the TTL, so that reads and
 * writes never look at a clock. The owner tells the time now and then, and a value that is written expires 64 ticks after
 * the last tick told. As long as the ticks come in time, it expires a little early and never late.
 *
 *   written ────────── 80 %: from here on a read also asks L2 ────────── 64 ticks: expired
 *
 * A value that comes from L2 may have waited there and expires no later than L2's own (ttl.ts).
 */

import { restMs } from '../ttl.ts'

/** Ticks in a TTL. */
export const TICKS = 64
const NEVER = 2 ** 31 - 1
/** The ticks of a year and more, with a TTL of two seconds. */
const LAST = 2 ** 30

export interface ExpiryOptions {
  readonly slots: number
  /** How long a value stays; for ever unless given. */
  readonly ttlMs?: number | undefined
  /** How long L2 keeps a value; as long as L1 unless given. */
  readonly l2TtlMs?: number | undefined
  /** 0 to 1: the share of its time after which a read asks L2 again; 0.8 unless given. */
  readonly refreshThreshold?: number | undefined
}

export class Expiry {
  /** From one tick to the next; Infinity when nothing expires. */
  readonly tickMs: number
  readonly #ttl: { readonly l1Ms: number; readonly l2Ms: number }
  readonly #refreshTicks: number
  /**
   * The tick at which each slot expires, and the tick from which on a read of it asks L2 again. Both are NEVER − tick, so 0
   * is never: memory of zeros takes no room before it is written.
   */
  readonly #expiresAt: Int32Array
  readonly #renewAt: Int32Array
  /** The first time told, from which ticks are counted. */
  #startMs = Number.NaN
  #nowMs = 0
  #now = 0

  constructor({ slots, ttlMs = Number.POSITIVE_INFINITY, l2TtlMs = ttlMs, refreshThreshold = 0.8 }: ExpiryOptions) {
    this.tickMs = ttlMs / TICKS
    this.#ttl = { l1Ms: ttlMs, l2Ms: l2TtlMs }
    this.#refreshTicks = Math.ceil(TICKS * (1 - refreshThreshold))
    this.#expiresAt = new Int32Array(slots)
    this.#renewAt = new Int32Array(slots)
  }

  /** True when a tick has passed, so that something may have expired. */
  advance(nowMs: number): boolean {
    if (this.tickMs === Number.POSITIVE_INFINITY) return false
    if (Number.isNaN(this.#startMs)) this.#startMs = nowMs
    this.#nowMs = nowMs
    const now = Math.floor((nowMs - this.#startMs) / this.tickMs)
    if (now <= this.#now) return false
    if (now < LAST) this.#now = now
    else this.#startAgain(nowMs)
    return true
  }

  /** Ticks are counted anew, before their number is too large. Every value expires then, some of them early. */
  #startAgain(nowMs: number): void {
    this.#startMs = nowMs
    this.#now = 0
    this.#renewAt.fill(0)
    for (const [slot, expiresAt] of this.#expiresAt.entries()) if (expiresAt !== 0) this.#expiresAt[slot] = NEVER
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
    this.#expiresAt[slot] = 0
    this.#renewAt[slot] = 0
  }

  /** The first slot from `slot` on whose value has expired; -1 if there is none. */
  nextExpired(slot: number): number {
    const now = NEVER - this.#now
    const expiresAt = this.#expiresAt
    for (let at = slot; at < expiresAt.length; at++) if ((expiresAt[at] as number) >= now) return at
    return -1
  }

  /** Whether the value is in the last part of its time; true once for each value. */
  isDue(slot: number): boolean {
    if ((this.#renewAt[slot] as number) < NEVER - this.#now) return false
    this.#renewAt[slot] = 0
    return true
  }

  #keep(slot: number, ticks: number): void {
    const at = this.#now + ticks
    this.#expiresAt[slot] = NEVER - Math.max(0, at)
    this.#renewAt[slot] = NEVER - Math.max(0, at - this.#refreshTicks)
  }
}
