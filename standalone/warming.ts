import { indexOfWarmKind, WARM_KINDS, type WarmCounts, warmsOf } from '../src/cache/l1/usage.ts'
import type { PromotionOutcome } from '../src/cache/promotion.ts'
import { assertOptions } from '../src/config/options.ts'
import { ForewarmError } from '../src/forewarm-error.ts'
import { InFlight } from '../src/in-flight.ts'
import type { StrategyName } from '../src/strategy/named.ts'
import type { OwnStrategy } from '../src/strategy/own-strategy.ts'
import { NextReads } from '../src/warming/next-reads.ts'
import { type Cache, type OpenedCache, openedCache } from './cache.ts'
import { CACHE_ROLLOUT, type CacheRollout, type CacheRolloutChange, RolledOut } from './rollout.ts'
import { assertStrategy, readStrategy } from './strategies.ts'
import {
  assertWarmerConfig,
  changedConfig,
  WARMER_CONFIG,
  type WarmerChanges,
  type WarmerConfig,
} from './warming-config.ts'

/** The options of `createWarming`. */
export interface CacheWarmingOptions {
  /** A name, or a strategy of your own. Default: `forewarm`. */
  readonly strategy?: StrategyName | OwnStrategy
  /** What it goes by to begin with; `updateConfig` changes it. */
  readonly warmerConfig?: WarmerChanges
  /** How much is warmed to begin with; `rollout` of the warming changes it. */
  readonly rollout?: CacheRolloutChange
}

/** The outcome of a warm. `timestamp` is in milliseconds since 1970. */
export interface WarmReport {
  /** False when L2 was away or did not answer in time, or the rollout refused the warm. */
  readonly success: boolean
  readonly pairsAttempted: number
  readonly pairsWarmed: number
  readonly pairsAlreadyInL1: number
  readonly pairsNotFound: number
  /** Pairs whose value in L2 is older than one that L1 has had. */
  readonly pairsRefused: number
  /** Why the rollout refused the warm; undefined if it did not. */
  readonly refused: 'off' | 'killed' | undefined
  readonly timedOut: boolean
  readonly durationMs: number
  readonly timestamp: number
}

/** Counts of a warming since its start. */
export interface CacheWarmingStats {
  readonly totalWarmingOps: number
  readonly successfulOps: number
  readonly failedOps: number
  /** Operations that the rollout refused. They are in no other count. */
  readonly refusedOps: number
  /** Successful operations ÷ all, 0 to 1. Undefined before the first. */
  readonly successRate: number | undefined
  readonly totalPairsAttempted: number
  readonly totalPairsWarmed: number
  /** Warms that reads asked for: used before they were evicted, or not. */
  readonly predicted: Readonly<WarmCounts>
  /** Reads from which nothing was learned, because MAX_TRACKED_PAIRS other pairs were being read. */
  readonly readsNotTracked: number
  /** Pairs that were not read for long and whose place was given to another. */
  readonly pairsRecycled: number
  /** Pairs that were not warmed, because as many waited already as L1 takes warms. */
  readonly pairsNotAsked: number
}

/** Warming beside a cache: learns from its reads and loads into L1 what will be read next. */
export interface CacheWarming {
  /** Warms these pairs now. Does not reject: the report tells what went wrong. */
  warmPairs(pairs: readonly string[]): Promise<WarmReport>
  stats(): CacheWarmingStats
  /**
   * Changes what the warming goes by, from the next read on. A value of `undefined` is that of the default. Throws a
   * ForewarmError 'bad-value' that names every fault; then nothing has changed.
   */
  updateConfig(changes: WarmerChanges): WarmerConfig
  getConfig(): WarmerConfig
  /** How much is warmed: off, in shadow, a part or all, and a switch that kills it. */
  readonly rollout: CacheRollout
  /** Ends the warming; the cache goes on. May be called twice. */
  close(): Promise<void>
}

/** The most warms in flight at once. Pairs that are found meanwhile go together in the next one. */
const MAX_IN_FLIGHT = 4
const MANUAL = indexOfWarmKind('manual')
const PREDICTION = indexOfWarmKind('prediction')

/**
 * Starts warming beside a cache. Throws a ForewarmError: 'refused' for a cache that has a warming already or was not made
 * by `createCache`, 'bad-value' for an unknown strategy or a value of `warmerConfig` or `rollout` that is not allowed.
 */
export function createWarming(cache: Cache, options: CacheWarmingOptions = {}): CacheWarming {
  assertOptions('createWarming', options, { strategy: true, warmerConfig: WARMER_CONFIG, rollout: CACHE_ROLLOUT })
  const { strategy = 'forewarm', warmerConfig = {}, rollout = {} } = options
  assertStrategy(strategy)
  return new ReadWarming(cache, { strategy, warmerConfig, rollout })
}

class ReadWarming implements CacheWarming {
  readonly rollout: CacheRollout
  readonly #rolledOut: RolledOut
  readonly #parts: OpenedCache
  readonly #listening: { stop(): void }
  readonly #strategy: StrategyName | OwnStrategy
  #config: WarmerConfig
  readonly #next: NextReads
  readonly #wanted = new Set<number>()
  readonly #inFlight = new InFlight()
  #isPlanned = false
  #isClosed = false
  readonly #counts = {
    ...{ totalWarmingOps: 0, successfulOps: 0, failedOps: 0, refusedOps: 0 },
    ...{ totalPairsAttempted: 0, totalPairsWarmed: 0 },
  }
  #pairsNotAsked = 0

  constructor(cache: Cache, { strategy, warmerConfig, rollout }: Required<CacheWarmingOptions>) {
    const parts = openedCache(cache)
    if (parts === undefined)
      throw new ForewarmError(
        'refused',
        'createWarming: expected a cache of prices, made by createCache; this one holds other values (usePriceMatrix: false)',
      )
    const { caches, configuredRollout: before } = parts
    const rolledOut = new RolledOut({ caches, before, given: rollout, onChange: () => this.#wanted.clear() })
    const listening = parts.listen({ onRead: (pairId, isHit) => this.#read(pairId, isHit), waits: () => this.#waits() })
    if (listening === undefined) throw new ForewarmError('refused', 'the cache has a warming already')
    rolledOut.begin()
    this.#rolledOut = rolledOut
    this.rollout = {
      status: () => rolledOut.status(),
      set: (change) => rolledOut.set(change),
      kill: () => rolledOut.kill(),
    }
    this.#listening = listening
    this.#parts = parts
    this.#strategy = strategy
    this.#config = changedConfig(strategy, warmerConfig)
    const { l1, upkeep } = caches
    this.#next = new NextReads({
      strategy: readStrategy(strategy, parts),
      maxPairs: l1.maxPairs,
      maxTracked: parts.maxTrackedPairs,
      warmLimit: l1.usage.warmLimit,
      cache: rolledOut,
      evidence: () => ({ ...rolledOut.ended, hitRatio: upkeep.hitRatio, eventTimeMs: parts.clock.now() }),
      cost: () => rolledOut.ended,
    })
    this.#bound()
  }

  updateConfig(changes: WarmerChanges): WarmerConfig {
    assertWarmerConfig('updateConfig', changes)
    this.#config = changedConfig(this.#strategy, this.#config, changes)
    this.#bound()
    return this.#config
  }

  getConfig(): WarmerConfig {
    return this.#config
  }

  async warmPairs(pairs: readonly string[]): Promise<WarmReport> {
    const { table } = this.#parts.caches
    const named = [...new Set(pairs)]
    const { refusal } = this.#rolledOut
    if (refusal !== undefined) {
      this.#counts.refusedOps++
      return { ...this.#nothing(named.length), success: false, refused: refusal }
    }
    const pairIds = table.askAndHold(this.#parts.chain, named)
    const known = pairIds.filter((pairId) => pairId >= 0)
    try {
      return await this.#warm(known, MANUAL, named.length)
    } finally {
      table.holds.letGo(known)
    }
  }

  stats(): CacheWarmingStats {
    const { usage } = this.#parts.caches.l1
    const { totalWarmingOps, successfulOps } = this.#counts
    return {
      ...this.#counts,
      readsNotTracked: this.#next.readsNotTracked,
      pairsRecycled: this.#next.pairsRecycled,
      pairsNotAsked: this.#pairsNotAsked,
      successRate: totalWarmingOps === 0 ? undefined : successfulOps / totalWarmingOps,
      predicted: { ...warmsOf(usage, 'prediction') },
    }
  }

  async close(): Promise<void> {
    this.#listening.stop()
    this.#isClosed = true
    this.#rolledOut.close()
    await this.#inFlight.settled()
  }

  #bound(): void {
    const { maxPairsPerWarm: maxPairs, minCorrelationScore: minScore } = this.#config
    this.#next.bound({ maxPairs, minScore })
  }

  /** Warms that are planned begin in a microtask before this goes on. */
  #waits(): Promise<void> | undefined {
    return this.#config.asyncWarming ? undefined : Promise.resolve().then(() => this.#inFlight.settled())
  }

  #read(pairId: number, isHit: boolean): void {
    const next = this.#next
    this.#parts.caches.shadow.read(pairId, isHit)
    next.after(pairId)
    if (!this.#config.enabled || next.count === 0 || !this.#rolledOut.allows(pairId)) return
    const most = this.#parts.caches.l1.usage.warmLimit
    for (let i = 0; i < next.count; i++) {
      if (this.#wanted.size >= most) this.#pairsNotAsked++
      else this.#wanted.add(next.pairIds[i] as number)
    }
    if (this.#wanted.size > 0) this.#plan()
  }

  /** Waits for a microtask, so that pairs that are read together are warmed together. */
  #plan(): void {
    if (this.#isPlanned || this.#inFlight.size >= MAX_IN_FLIGHT) return
    this.#isPlanned = true
    queueMicrotask(() => {
      this.#isPlanned = false
      const pairIds = [...this.#wanted]
      this.#wanted.clear()
      // A change of the rollout may have emptied the set.
      if (this.#isClosed || pairIds.length === 0) return
      const { shadow } = this.#parts.caches
      if (shadow.parts !== undefined) {
        const { asyncWarming, timeoutMs } = this.#config
        shadow.parts.l1.warm(pairIds, () => PREDICTION, asyncWarming ? 0 : timeoutMs)
        return
      }
      const warm = this.#warm(pairIds, PREDICTION, pairIds.length)
      void this.#inFlight.add(warm).finally(() => {
        if (this.#wanted.size > 0 && !this.#isClosed) this.#plan()
      })
    })
  }

  async #warm(pairIds: readonly number[], kind: number, attempted: number): Promise<WarmReport> {
    const { caches } = this.#parts
    const startMs = performance.now()
    const { outcomes, timedOut, unavailable } = await caches.promotion.promote(pairIds, {
      timeoutMs: this.#config.timeoutMs,
      kindIndexOf: () => kind,
    })
    // What a person warms is in L1 with and without the warming that a shadow stands for.
    if (kind === MANUAL) caches.shadow.parts?.l1.warm(pairIds, () => kind, Number.POSITIVE_INFINITY)
    const of = (outcome: PromotionOutcome) => outcomes.filter((each) => each === outcome).length
    // The rollout may have changed while L2 was asked.
    const isKeptOut = of('failed') > 0 && caches.rollout.keepsOut(WARM_KINDS[kind])
    const success = !timedOut && unavailable === undefined && !isKeptOut
    this.#count({ attempted, warmed: of('warmed'), success, isKeptOut })
    return {
      ...this.#nothing(attempted),
      success,
      pairsWarmed: of('warmed'),
      pairsAlreadyInL1: of('alreadyInL1'),
      pairsNotFound: of('notFound') + attempted - pairIds.length,
      pairsRefused: of('refusedOlder'),
      refused: isKeptOut ? this.#rolledOut.refusal : undefined,
      timedOut,
      durationMs: performance.now() - startMs,
    }
  }

  #count(op: Record<'attempted' | 'warmed', number> & Record<'success' | 'isKeptOut', boolean>): void {
    const counts = this.#counts
    if (op.isKeptOut) {
      counts.refusedOps++
      return
    }
    counts.totalWarmingOps++
    counts[op.success ? 'successfulOps' : 'failedOps']++
    counts.totalPairsAttempted += op.attempted
    counts.totalPairsWarmed += op.warmed
  }

  /** The report of a warm that did nothing. */
  #nothing(pairsAttempted: number): WarmReport {
    const none = { pairsWarmed: 0, pairsAlreadyInL1: 0, pairsNotFound: 0, pairsRefused: 0 }
    const ended = { refused: undefined, timedOut: false, durationMs: 0, timestamp: this.#parts.clock.now() }
    return { success: true, pairsAttempted, ...none, ...ended }
  }
}
