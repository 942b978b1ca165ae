import { STRATEGY_NAMES, type StrategyName } from '../../strategy/named.ts'

/** Warmings to compare with: nothing, the pairs read most so far, random pairs, and what is really read next. */
export const BASELINE_NAMES = ['none', 'busiest', 'random', 'oracle'] as const
export type BaselineName = (typeof BASELINE_NAMES)[number]

export const WARMING_NAMES = [...BASELINE_NAMES, ...STRATEGY_NAMES] as const
/** `own`: a strategy of the user's own. It has no name beforehand. */
export type WarmingName = BaselineName | StrategyName | 'own'

export function isBaseline(name: WarmingName): name is BaselineName {
  return (BASELINE_NAMES as readonly string[]).includes(name)
}
