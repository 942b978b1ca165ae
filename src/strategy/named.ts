import { ADAPTIVE, adaptive } from './adaptive.ts'
import { type Strategy, threshold, topN } from './strategy.ts'
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

/** The most pairs of a warm request and the lowest score, if only the strategy's name is configured. */
export const STRATEGY_LIMITS: Readonly<Record<StrategyName, { readonly maxPairs: number; readonly minScore: number }>> =
  {
    forewarm: { maxPairs: 8, minScore: 0.2 },
    'top-n': { maxPairs: 5, minScore: 0.3 },
    threshold: { maxPairs: 5, minScore: 0.3 },
    adaptive: { maxPairs: 10, minScore: 0.3 },
    'time-based': { maxPairs: 5, minScore: 0.3 },
    conservative: { maxPairs: 3, minScore: 0.5 },
    aggressive: { maxPairs: 10, minScore: 0.2 },
  }

/** The strategy with a configured name. `conservative` and `aggressive` have their own limits. */
export function strategyNamed(
  name: StrategyName,
  limits: { readonly maxPairs: number; readonly minScore: number },
): Strategy {
  const { maxPairs, minScore } = limits
  switch (name) {
    case 'forewarm':
      return threshold({ name, minScore, maxPairs })
    case 'top-n':
      return topN({ topN: maxPairs, minScore })
    case 'threshold':
      return threshold({ minScore, maxPairs })
    case 'adaptive':
      return adaptive({ ...ADAPTIVE, minPairs: Math.min(ADAPTIVE.minPairs, maxPairs), maxPairs, minScore })
    case 'time-based':
      return timeBased({ maxPairs, minScore })
    case 'conservative':
      return topN({ name, topN: 3, minScore: 0.5 })
    case 'aggressive':
      return threshold({ name, minScore: 0.2, maxPairs: 10 })
  }
}
