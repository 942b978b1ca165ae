import { ADAPTIVE, type AdaptiveOptions, adaptive } from './adaptive.ts'
import { type Limits, type Strategy, threshold, topN } from './strategy.ts'
import { timeBased } from './time-based.ts'

export const STRATEGY_NAMES = [
  'forewarm',
  'top-n',
  'threshold',
  'adaptive',
  'time-based',
  'conservative',
  'aggressive',
] as const
/** The name of a warming strategy. */
export type StrategyName = (typeof STRATEGY_NAMES)[number]

/** How a node prefetches the reads of updates that it has fetched and not handled (src/warming/look-ahead.ts). */
export const LOOK_AHEAD_MODES = ['auto', 'off', 'overlap', 'await'] as const
export type LookAheadMode = (typeof LOOK_AHEAD_MODES)[number]

/** The most pairs of a warm request and the lowest score, if only the strategy's name is configured. */
export const STRATEGY_LIMITS: Readonly<Record<StrategyName, Limits>> = {
  forewarm: { maxPairs: 8, minScore: 0.2 },
  'top-n': { maxPairs: 5, minScore: 0.3 },
  threshold: { maxPairs: 5, minScore: 0.3 },
  adaptive: { maxPairs: 10, minScore: 0.3 },
  'time-based': { maxPairs: 5, minScore: 0.3 },
  conservative: { maxPairs: 3, minScore: 0.5 },
  aggressive: { maxPairs: 10, minScore: 0.2 },
}

/** The strategy with a configured name. `adaptive` has what is `given` beside the limits. */
export function strategyNamed(name: StrategyName, limits: Limits, given: Partial<AdaptiveOptions> = {}): Strategy {
  switch (name) {
    case 'forewarm':
    case 'threshold':
    case 'aggressive':
      return threshold(limits, name)
    case 'top-n':
    case 'conservative':
      return topN(limits, name)
    case 'adaptive':
      return adaptive(adaptiveOptions(limits, given))
    case 'time-based':
      return timeBased(limits)
  }
}

function adaptiveOptions({ maxPairs, minScore }: Limits, given: Partial<AdaptiveOptions>): AdaptiveOptions {
  const { minPairs, targetHitRate, adjustmentFactor } = { ...ADAPTIVE, ...given }
  return { targetHitRate, adjustmentFactor, minScore, maxPairs, minPairs: Math.min(minPairs, maxPairs) }
}
