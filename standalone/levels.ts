import { closeCaches } from '../node/caches.ts'
import type { Caches } from '../node/options.ts'
import { checkedAhead, checkedEventTime } from '../schemas/event-time.ts'
import { checkedName } from '../schemas/price-object.ts'
import type { Refused } from '../schemas/refusal.ts'
import { type CachedPrice, emptyPrice } from '../src/cache/cached-price.ts'
import { type HierarchyStats, hierarchyStats } from '../src/cache/hierarchy-stats.ts'
import { type Optimized, optimize } from '../src/cache/optimizer.ts'
import { absenceWithoutId, readMany, type Unaccepted } from '../src/cache/price-reads.ts'
import type { Clock } from '../src/clock.ts'
import { assertOptions } from '../src/config/options.ts'
import type { Config } from '../src/config/settings.ts'
import type { NoReading } from '../src/detect/reading.ts'
import type { RolloutValue } from '../src/rollout/rollout-value.ts'
import type { WarmSchedule } from '../src/schedules/schedule.ts'
import type { Log } from '../src/telemetry/log.ts'
import type { MetricSlab } from '../src/telemetry/metrics.ts'
import { assertList, wrongFor } from './names.ts'
import { ReadListeners } from './read-listeners.ts'

/**
 * The outcome of a write. `older`: the pair has had a newer value, or was deleted later. `too-many-in-ms`: a millisecond has at
 * most 4,096. `closed`: the cache is closed, and nothing was stored.
 */
export type SetOutcome = 'stored' | 'older' | 'too-many-in-ms' | 'too-many-pairs' | 'closed'

/**
 * The outcome of a deletion. `older`: the pair has a newer value, which stays, or was deleted later. `unavailable`: L2 is away,
 * and gets the deletion later. `closed`: the cache is closed, and nothing was deleted.
 */
export type DeleteOutcome = 'deleted' | 'older' | 'unavailable' | 'too-many-pairs' | 'closed'

export interface CacheParts {
  readonly caches: Caches
  readonly metrics: MetricSlab
  readonly clock: Clock
  readonly chain: string
  readonly config: Config
  readonly schedules: readonly WarmSchedule[]
  readonly log: Log
}

/** The inside of a cache, for a warming that works beside it. */
export interface OpenedCache extends CacheParts {
  /** The rollout before any warming had one. */
  readonly configuredRollout: RolloutValue
  readonly listeners: ReadListeners
  /** The warmings that work beside it. */
  readonly warmings: Set<object>
  isClosed(): boolean
}

const OPENED = new WeakMap<object, OpenedCache>()

/** Undefined for anything but a cache that `createCache` made. */
export function openedCache(cache: object): OpenedCache | undefined {
  return OPENED.get(cache)
}

export interface LevelsOptions<R, O> {
  readingOf(pair: string, price: Readonly<CachedPrice>, options: O | undefined): R | Unaccepted
  /** Other processes write the same pairs: L2 tells of it while they are read. */
  readonly sharesPairs?: boolean
}

/** The levels of a cache without Kafka, and what caches of prices and of other values do alike. */
export class Levels<R, O> {
  readonly #parts: CacheParts
  readonly #options: LevelsOptions<R, O>
  readonly #listeners = new ReadListeners()
  readonly #onAccess: ((pairId: number, atMs: number) => void) | undefined
  readonly #price = emptyPrice()
  #closed: Promise<void> | undefined

  /** `cache`: the one that users have. */
  constructor(cache: object, parts: CacheParts, options: LevelsOptions<R, O>) {
    this.#parts = parts
    this.#options = options
    this.#onAccess = parts.caches.prediction.onRead
    const configuredRollout = parts.caches.rollout.value
    const state = { listeners: this.#listeners, warmings: new Set<object>(), isClosed: () => this.isClosed }
    OPENED.set(cache, { ...parts, configuredRollout, ...state })
  }

  get isClosed(): boolean {
    return this.#closed !== undefined
  }

  get(pair: string, options: O | undefined): R | NoReading {
    const { caches, chain } = this.#parts
    const pairId = caches.table.ask(chain, pair)
    if (pairId < 0) return absenceWithoutId(chain, pair)
    if (this.#isHit(pairId, this.#price)) return this.#options.readingOf(pair, this.#price, options)
    return caches.hierarchy.absence(pairId)
  }

  async getMany(pairs: readonly string[], options: O | undefined): Promise<(R | NoReading)[]> {
    assertList('getMany', pairs)
    const { chain, caches } = this.#parts
    const { table, hierarchy, foreign } = caches
    const isUntold = (pairId: number) => foreign?.isTold(pairId) === false
    const readings = await readMany<R>(
      {
        hierarchy,
        holds: table.holds,
        chain,
        ask: (pair) => table.ask(chain, pair),
        get: (pairId, into) => this.#isHit(pairId, into),
        readingOf: (_, pair, price) => this.#options.readingOf(pair, price, options),
        ...(this.#options.sharesPairs && { mayBeOutdated: isUntold }),
        // Another process may have written a newer value to L2.
        renew: (pairId) => hierarchy.renew(pairId),
      },
      pairs,
    )
    await this.#listeners.waits()
    return readings
  }

  async delete(pair: string, options: { readonly eventTimeMs?: number }): Promise<DeleteOutcome> {
    assertOptions('delete', options, { eventTimeMs: true })
    const { caches, chain, clock } = this.#parts
    const nowMs = clock.now()
    const { eventTimeMs = nowMs } = options
    const onlyUpTo = options.eventTimeMs !== undefined
    const againstTime = onlyUpTo ? timeFault(eventTimeMs, nowMs) : undefined
    const against = checkedName(pair, 'pair') ?? againstTime
    if (against !== undefined) throw wrongFor(pair, against.detail)
    if (this.#closed !== undefined) return 'closed'
    // L2 may have the value of a pair that this process does not know.
    const pairId = caches.table.ask(chain, pair)
    if (pairId < 0) return 'too-many-pairs'
    const outcome = await caches.writer.delist(pairId, Math.floor(eventTimeMs), { onlyUpTo })
    return outcome === 'delisted' ? 'deleted' : outcome
  }

  stats(): HierarchyStats {
    return hierarchyStats({ ...this.#parts.caches, metrics: this.#parts.metrics })
  }

  optimize(): Promise<Optimized> {
    return optimize({ ...this.#parts.caches, nowMs: () => this.#parts.clock.now() })
  }

  /** Writes pending values to L2. May be called twice. */
  close(): Promise<void> {
    this.#closed ??= closeCaches(this.#parts.caches)
    return this.#closed
  }

  #isHit(pairId: number, into: CachedPrice): boolean {
    const { hierarchy, foreign, shadow } = this.#parts.caches
    const { warmsUsed } = hierarchy
    const isHit = hierarchy.get(pairId, into)
    if (this.#options.sharesPairs) foreign?.read(pairId, isHit)
    if (this.#listeners.isEmpty) return isHit
    this.#onAccess?.(pairId, this.#parts.clock.now())
    shadow.read(pairId, isHit)
    this.#listeners.tell(pairId, isHit, hierarchy.warmsUsed > warmsUsed)
    return isHit
  }
}

/** The reason to refuse an event time, if there is one. */
export function timeFault(eventTimeMs: number, nowMs: number): Refused | undefined {
  return checkedEventTime(eventTimeMs) ?? checkedAhead(eventTimeMs, nowMs)
}
