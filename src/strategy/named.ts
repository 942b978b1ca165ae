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
export type StrategyName = (typeof STRATEGY_NAMES)[number]

/** The strategy of a configured name; the presets bring their own numbers. */
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
