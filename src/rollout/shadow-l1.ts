import { type CachedPrice, eventTimeOf } from '../cache/cached-price.ts'
import type { FirstLevel, PromoteOutcome } from '../cache/l1/first-level.ts'
import { Residency } from '../cache/l1/residency.ts'
import type { Usage } from '../cache/l1/usage.ts'
import type { Clock } from '../clock.ts'
import { systemTimer, type Timer } from '../timer.ts'

export interface ShadowL1Options {
  /** The level whose reads are shadowed. */
  readonly l1: Pick<FirstLevel, 'slots' | 'maxPairs' | 'has' | 'floor' | 'usage'>
  /** Whether no level has had the pair a moment ago. */
  readonly isAbsent: (pairId: number) => boolean
  /** How long that level keeps a value. */
  readonly ttlMs: number
  readonly clock: Clock
  /** How long a trip to L2 takes, milliseconds. */
  readonly takesMs: () => number
  readonly timer?: Timer
}

/** Reads since the shadow began, how many L1 answered, and how many it would have answered with warming. */
export interface ShadowFigures {
  readonly reads: number
  readonly hits: number
  readonly hitsWithWarming: number
}

/** Trips that are shorter end before the reader goes on; a timer would take longer than those that are shorter than this. */
const AT_ONCE_MS = 0.1
const BY_TIMER_MS = 1.5
const DEMAND = -1
/** More pairs are not brought at a time. */
const MAX_COMING = 65_536

/**
 * What L1 would hold if warming were on: the same reads, the same rules of residency (src/cache/l1/residency.ts), and the
 * warms that were not carried out. It has no values. A pair is taken to be in L2 unless no level had it
 * a moment ago.
 */
export class ShadowL1 {
  readonly #options: ShadowL1Options
  readonly #residency: Residency
  readonly #timer: Timer
  readonly #coming = new Map<number, number>()
  #reads = 0
  #hits = 0
  #hitsWithWarming = 0

  constructor(options: ShadowL1Options) {
    const { slots, maxPairs, usage } = options.l1
    this.#options = options
    this.#timer = options.timer ?? systemTimer
    const warmShare = usage.limit === 0 ? 0 : usage.warmLimit / usage.limit
    this.#residency = new Residency({ slots, maxPairs, warmShare })
  }

  get usage(): Usage {
    return this.#residency
  }

  get figures(): ShadowFigures {
    return { reads: this.#reads, hits: this.#hits, hitsWithWarming: this.#hitsWithWarming }
  }

  has(pairId: number): boolean {
    return this.#slotOf(pairId) >= 0
  }

  expect(pairId: number): boolean {
    const slot = this.#slotOf(pairId)
    if (slot >= 0) this.#residency.expect(slot)
    return slot >= 0
  }

  renew(pairId: number): void {
    const slot = this.#slotOf(pairId)
    if (slot >= 0) this.#residency.renew(slot)
  }

  floor(pairId: number): number {
    return this.#options.l1.floor(pairId)
  }

  /** A demand read, which L1 has answered (`isHit`) or not. */
  read(pairId: number, isHit: boolean): void {
    this.#fit()
    this.#reads++
    if (isHit) this.#hits++
    const slot = this.#slotOf(pairId)
    if (slot >= 0) {
      this.#hitsWithWarming++
      this.#residency.hit(slot)
    } else if (isHit && this.#options.l1.usage.evictions === 0) {
      // While L1 has evicted nothing, what it holds would be here, too.
      this.#hitsWithWarming++
      this.#residency.admit(pairId, 'demand')
    } else {
      this.#residency.miss(pairId)
      this.#fill(pairId)
    }
  }

  /** A warm whose value was found, by the request of this kind. */
  promote(pairId: number, price: Readonly<CachedPrice>, kind = 0): PromoteOutcome {
    if (price.version < this.floor(pairId)) return 'older'
    if (this.has(pairId)) return 'already'
    return this.#residency.admit(pairId, 'warm', kind) >= 0 ? 'warmed' : 'no-room'
  }

  /** Warms of the look-ahead. They are here at once if handlers would wait for them and they would be in time. */
  warm(pairIds: readonly number[], kindOf: (pairId: number) => number, waitsMs: number): void {
    if (this.#options.takesMs() <= waitsMs) for (const pairId of pairIds) this.#arrive(pairId, kindOf(pairId))
    else this.#bring(pairIds, kindOf)
  }

  /** The pair is delisted, or its id goes to another. */
  forget(pairId: number): void {
    this.#coming.delete(pairId)
    this.#residency.remove(pairId)
    this.#residency.pushedOut.back(pairId)
  }

  /** What was missed comes when the reader has gone on: after the warms that its read asks for. */
  #fill(pairId: number): void {
    if (this.#options.takesMs() >= AT_ONCE_MS) this.#bring([pairId], () => DEMAND)
    else queueMicrotask(() => queueMicrotask(() => this.#arrive(pairId, DEMAND)))
  }

  #bring(pairIds: readonly number[], kindOf: (pairId: number) => number): void {
    const takesMs = this.#options.takesMs()
    if (takesMs < AT_ONCE_MS) {
      for (const pairId of pairIds) this.#arrive(pairId, kindOf(pairId))
      return
    }
    const coming = pairIds.filter((pairId) => !this.#coming.has(pairId))
    if (this.#coming.size + coming.length > MAX_COMING) return
    for (const pairId of coming) this.#coming.set(pairId, kindOf(pairId))
    const arrive = () => {
      for (const pairId of coming) {
        const kind = this.#coming.get(pairId)
        if (kind !== undefined && this.#coming.delete(pairId)) this.#arrive(pairId, kind)
      }
    }
    if (takesMs < BY_TIMER_MS) setImmediate(arrive)
    else this.#timer(takesMs, arrive)
  }

  #arrive(pairId: number, kind: number): void {
    if (this.has(pairId) || this.#options.isAbsent(pairId)) return
    this.#residency.admit(pairId, kind === DEMAND ? 'demand' : 'warm', Math.max(0, kind))
  }

  /** A value that is older than L1 keeps one has left. */
  #slotOf(pairId: number): number {
    const { l1, ttlMs, clock } = this.#options
    const slot = this.#residency.slotOf(pairId)
    if (slot < 0 || ttlMs === Number.POSITIVE_INFINITY || l1.has(pairId)) return slot
    if (eventTimeOf(l1.floor(pairId)) + ttlMs > clock.now()) return slot
    this.#residency.expire(slot)
    return -1
  }

  /** L1 has more or fewer slots to use, as memory is short or no longer. */
  #fit(): void {
    const { usage } = this.#options.l1
    if (usage.limit !== this.#residency.limit) this.#residency.resize(usage.limit / usage.slots, 1)
  }
}
