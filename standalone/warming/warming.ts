import { eventTimeOf } from '../../src/cache/cached-price.ts'
import { anObject, assertOptions, type OptionsOf, trueOrFalse } from '../../src/config/options.ts'
import { ForewarmError } from '../../src/forewarm-error.ts'
import { fieldFaults, type StrategyFields } from '../../src/strategy/choice.ts'
import type { StrategyName } from '../../src/strategy/named.ts'
import type { OwnStrategy } from '../../src/strategy/own-strategy.ts'
import { NextReads } from '../../src/warming/next-reads.ts'
import type { AnyCache } from '../cache.ts'
import { type OpenedCache, openedCache } from '../levels.ts'
import { openAnalyzer } from './analyzer.ts'
import { askableStrategy, assertStrategy } from './asked-strategy.ts'
import { type CacheMetrics, type CacheMetricsConfig, METRICS_CONFIG, ShownMetrics } from './metrics.ts'
import { Operations } from './operations.ts'
import { type CachePredictor, NamedPredictor } from './predictor.ts'
import { ReadWarmer } from './read-warmer.ts'
import { CACHE_ROLLOUT, type CacheRollout, type CacheRolloutChange, RolledOut } from './rollout.ts'
import { CacheScheduler, type WarmingScheduler } from './scheduler.ts'
import { ChosenStrategy } from './strategy.ts'
import { type CacheTracker, NamedTracker } from './tracker.ts'
import { type CacheWarmer, PairWarmer } from './warmer.ts'
import { WARMER_CONFIG, type WarmerChanges, type WarmerConfig } from './warmer-config.ts'

/** The options of `createWarming`. */
export interface CacheWarmingOptions {
  /** A name, or a strategy of your own. Default: `forewarm`. */
  readonly strategy?: StrategyName | OwnStrategy
  /** The strategy's own values: `topN` and `minScore` of `top-n`, `targetHitRate` of `adaptive` and so on. */
  readonly strategyConfig?: StrategyFields
  /** What it goes by to begin with; `updateConfig` changes it. */
  readonly warmerConfig?: WarmerChanges
  /** How much is warmed to begin with; `rollout` of the warming changes it. It is that of all warmings beside the cache. */
  readonly rollout?: CacheRolloutChange
  /** False: `metrics.export` shows nothing. Default: true. */
  readonly enableMetrics?: boolean
  readonly metricsConfig?: CacheMetricsConfig
  /** True: all such warmings beside a cache learn from one tracker. False: it has a tracker of its own. Default: true. */
  readonly useSharedAnalyzer?: boolean
}

export const WARMING_OPTIONS: OptionsOf<CacheWarmingOptions> = {
  ...{ strategy: true, strategyConfig: anObject, warmerConfig: WARMER_CONFIG, rollout: CACHE_ROLLOUT },
  ...{ enableMetrics: trueOrFalse, metricsConfig: METRICS_CONFIG, useSharedAnalyzer: trueOrFalse },
}

/** The most warmings beside a cache: each of them hears all its reads. */
const MOST_WARMINGS = 16

/** Warming beside a cache: learns from its reads and the updates of its feed, and loads into L1 what will be read next. */
export interface CacheWarming {
  readonly tracker: CacheTracker
  readonly warmer: CacheWarmer
  readonly predictor: CachePredictor
  readonly scheduler: WarmingScheduler
  readonly metrics: CacheMetrics
  /** How much is warmed: off, in shadow, a part or all, and a switch that kills it. */
  readonly rollout: CacheRollout
  /** Ends the warming; the cache goes on. May be called twice. */
  close(): Promise<void>
}

/**
 * Starts warming beside a cache. Throws a ForewarmError: 'refused' for something that is no cache of `createCache`, is closed, or
 * has sixteen warmings already, 'bad-value' for an unknown strategy or a value that is not allowed.
 */
export function createWarming(cache: AnyCache, options: CacheWarmingOptions = {}): CacheWarming {
  assertOptions('createWarming', options, WARMING_OPTIONS)
  const { strategy = 'forewarm' } = options
  assertStrategy(strategy)
  const faults = fieldFaults(strategy, { ...options.strategyConfig })
  if (faults.length > 0)
    throw new ForewarmError(
      'bad-value',
      faults.map(({ received, allowed }) => `strategyConfig: expected ${allowed}; got ${received}`).join('\n'),
    )
  const parts = openedCache(cache)
  if (parts === undefined) throw new ForewarmError('refused', 'createWarming: expected a cache that createCache made')
  if (parts.isClosed()) throw new ForewarmError('refused', 'createWarming: the cache is closed')
  if (parts.warmings.size >= MOST_WARMINGS)
    throw new ForewarmError('refused', 'createWarming: the cache has as many warmings as it may have')
  return started(parts, options)
}

function started(parts: OpenedCache, options: CacheWarmingOptions): CacheWarming {
  const { rollout: given = {} } = options
  const isFirst = parts.warmings.size === 0
  const { caches, configuredRollout, isClosed: isCacheClosed } = parts
  // A rollout that warmings share stays as it is, unless this one is given another.
  const before = isFirst ? configuredRollout : caches.rollout.value
  const rollout = new RolledOut({ caches, before, given, isCacheClosed, onChange: () => reads.drop() })
  const { next, chosen } = strategyOf(parts, { ...options, rollout })
  const opened = openAnalyzer(parts, options.useSharedAnalyzer ?? true)
  const { analyzer } = opened
  const operations = new Operations({ parts, rollout })
  const reads = new ReadWarmer({ parts, rollout, operations, analyzer, next, strategy: chosen })
  const listening = parts.listeners.add(reads)
  parts.warmings.add(rollout)
  rollout.begin()
  const predictor = new NamedPredictor({ parts, analyzer, next })
  const pairsNotAsked = () => reads.pairsNotAsked
  const warmer = new PairWarmer({
    parts,
    rollout,
    operations,
    analyzer,
    next,
    predictor,
    strategy: chosen,
    pairsNotAsked,
  })
  const scheduler = new CacheScheduler(parts, warmer)
  return {
    tracker: new NamedTracker({ parts, analyzer, next }),
    ...{ warmer, predictor, scheduler },
    metrics: new ShownMetrics(parts, { enabled: options.enableMetrics ?? true, config: options.metricsConfig ?? {} }),
    rollout: {
      status: () => rollout.status(),
      set: (change) => rollout.set(change),
      kill: () => rollout.kill(),
    },
    close: closedOnce(async () => {
      scheduler.close()
      listening.stop()
      rollout.close()
      parts.warmings.delete(rollout)
      await reads.close()
      await opened.close()
    }),
  }
}

/** The strategy, for what follows reads and for what follows a pair. */
function strategyOf(
  parts: OpenedCache,
  options: Omit<CacheWarmingOptions, 'rollout'> & { readonly rollout: RolledOut },
): { readonly next: NextReads; readonly chosen: ChosenStrategy } {
  const { strategy = 'forewarm', strategyConfig: fields, warmerConfig: given = {}, rollout } = options
  const { caches, clock, config } = parts
  const { l1, upkeep } = caches
  const askable = askableStrategy({ strategy, fields }, parts)
  const evidence = () => ({ ...rollout.ended, hitRatio: upkeep.hitRatio, eventTimeMs: clock.now() })
  const next = new NextReads({
    ...{ strategy: askable, evidence, cache: rollout, cost: () => rollout.ended },
    maxPairs: l1.maxPairs,
    maxTracked: config.correlation.maxTrackedPairs,
    warmLimit: l1.usage.warmLimit,
  })
  const movedAgoMs = (pairId: number) => clock.now() - eventTimeOf(l1.floor(pairId))
  const onChange = (to: WarmerConfig) => next.bound({ maxPairs: to.maxPairsPerWarm, minScore: to.minCorrelationScore })
  const chosen = new ChosenStrategy({ strategy, fields, askable, given, evidence, movedAgoMs, onChange })
  onChange(chosen.config)
  return { next, chosen }
}

function closedOnce(close: () => Promise<void>): () => Promise<void> {
  let closed: Promise<void> | undefined
  return () => {
    closed ??= close()
    return closed
  }
}
