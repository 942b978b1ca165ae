import { assertOptions, type OptionsOf } from '../../src/config/options.ts'
import type { StrategyFields } from '../../src/strategy/choice.ts'
import type { AnyCache } from '../cache.ts'
import { type CacheWarming, type CacheWarmingOptions, createWarming, WARMING_OPTIONS } from './warming.ts'

/** The options of a warming whose strategy is chosen already. */
export type FactoryOptions = Omit<CacheWarmingOptions, 'strategy' | 'strategyConfig'>

/** How many pairs a warm is for at most, and the lowest probability, 0 to 1, that each of them needs. */
export type LimitOptions = Pick<StrategyFields, 'minScore' | 'maxPairs'>

/** The fields of the strategy `adaptive`; its target is a hit ratio, 0 to 1. */
export type AdaptiveFields = Omit<StrategyFields, 'topN'>

/** Warms the `topN` likeliest pairs of those that are read with a probability of at least `minScore`. Throws as `createWarming` does. */
export function createTopNWarming(
  cache: AnyCache,
  topN = 5,
  minScore = 0.3,
  options: FactoryOptions = {},
): CacheWarming {
  return made('createTopNWarming', cache, options, { strategy: 'top-n', strategyConfig: { topN, minScore } })
}

/** Warms all pairs that are read with a probability of at least `minScore` (0.3 unless given), `maxPairs` (5) at most. */
export function createThresholdWarming(
  cache: AnyCache,
  strategyConfig: LimitOptions = {},
  options: FactoryOptions = {},
): CacheWarming {
  return made('createThresholdWarming', cache, options, { strategy: 'threshold', strategyConfig })
}

/**
 * Warms more pairs while reads miss and warms are read, fewer when `targetHitRate` (0.97 unless given) is reached: from
 * `minPairs` (3) to `maxPairs` (10), by steps of `adjustmentFactor` (0.1) of the way at most.
 */
export function createAdaptiveWarming(
  cache: AnyCache,
  strategyConfig: AdaptiveFields = {},
  options: FactoryOptions = {},
): CacheWarming {
  return made('createAdaptiveWarming', cache, options, { strategy: 'adaptive', strategyConfig })
}

/** Warms the likeliest and most recently updated pairs first. */
export function createTimeBasedWarming(
  cache: AnyCache,
  strategyConfig: LimitOptions = {},
  options: FactoryOptions = {},
): CacheWarming {
  return made('createTimeBasedWarming', cache, options, { strategy: 'time-based', strategyConfig })
}

const { strategy: _, strategyConfig: __, ...factoryOptions } = WARMING_OPTIONS
const FACTORY_OPTIONS: OptionsOf<FactoryOptions> = factoryOptions

/** The options may not choose another strategy. */
function made(call: string, cache: AnyCache, options: FactoryOptions, chosen: CacheWarmingOptions): CacheWarming {
  assertOptions<FactoryOptions>(call, options, FACTORY_OPTIONS)
  return createWarming(cache, { ...options, ...chosen })
}
