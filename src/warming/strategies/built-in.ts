import { assertOptions, type OptionsOf } from '../../config/options.ts'
import { ForewarmError } from '../../forewarm-error.ts'
import { ADAPTIVE, type AdaptiveOptions } from '../../strategy/adaptive.ts'
import { fieldFaults, type StrategyFields } from '../../strategy/choice.ts'
import { STRATEGY_LIMITS, type StrategyName, strategyNamed } from '../../strategy/named.ts'
import type { OwnStrategy, StrategyCandidate } from '../../strategy/own-strategy.ts'
import {
  topN as best,
  type Candidate,
  type Limits,
  threshold as likely,
  type Strategy,
} from '../../strategy/strategy.ts'

type Make = (limits: Limits) => Strategy

/** How the inside makes a strategy that is a value here. So it needs no names of pairs and no check of its answers. */
const MADE = new WeakMap<OwnStrategy, Make>()
const USUAL = STRATEGY_LIMITS['top-n']
const FIELDS: OptionsOf<StrategyFields> = {
  ...{ topN: true, maxPairs: true, minScore: true },
  ...{ minPairs: true, targetHitRate: true, adjustmentFactor: true },
}

/** Undefined for a strategy of a user's own. */
export function builtInOf(strategy: OwnStrategy): Make | undefined {
  return MADE.get(strategy)
}

/** Selects the best `topN` (5) of the candidates with at least `minScore` (0.3). Throws a ForewarmError 'bad-value' for a number out of range. */
export function topN(options: Pick<StrategyFields, 'topN' | 'minScore'> = {}): OwnStrategy {
  assertFields('topN', 'top-n', options)
  const { topN: maxPairs = USUAL.maxPairs, minScore = USUAL.minScore } = options
  return builtIn({ maxPairs, minScore }, (limits) => strategyNamed('top-n', limits))
}

/** Selects all candidates with at least `minScore` (0.3), the best `maxPairs` (5) at most. Throws as `topN`. */
export function threshold(options: Pick<StrategyFields, 'minScore' | 'maxPairs'> = {}): OwnStrategy {
  assertFields('threshold', 'threshold', options)
  return builtIn({ ...USUAL, ...options }, (limits) => strategyNamed('threshold', limits))
}

/** Selects as `threshold`, with a third of the rank for how lately a pair was updated. Throws as `topN`. */
export function timeBased(options: Pick<StrategyFields, 'minScore' | 'maxPairs'> = {}): OwnStrategy {
  assertFields('timeBased', 'time-based', options)
  return builtIn({ ...USUAL, ...options }, (limits) => strategyNamed('time-based', limits))
}

/**
 * Selects `minPairs` (3) to `maxPairs` (10) candidates with at least `minScore` (0.3), more of them while the hit ratio is
 * below `targetHitRate` (0.97) and warms are read. `adjustmentFactor` (0.1) is the longest step. Throws as `topN`.
 */
export function adaptive(options: Partial<AdaptiveOptions> = {}): OwnStrategy {
  assertFields('adaptive', 'adaptive', options)
  const { maxPairs, minScore } = { ...ADAPTIVE, ...options }
  return builtIn({ maxPairs, minScore }, (limits) => strategyNamed('adaptive', limits, options))
}

/** Selects the best three of the pairs that are read after at least half of the updates. */
export const conservative: OwnStrategy = builtIn(STRATEGY_LIMITS.conservative, (limits) => best(limits, 'conservative'))

/** Selects up to ten of the pairs that are read after at least a fifth of the updates. */
export const aggressive: OwnStrategy = builtIn(STRATEGY_LIMITS.aggressive, (limits) => likely(limits, 'aggressive'))

function assertFields(call: string, name: StrategyName, options: StrategyFields): void {
  assertOptions<StrategyFields>(call, options, FIELDS)
  const [fault] = fieldFaults(name, options as Readonly<Record<string, unknown>>)
  if (fault !== undefined)
    throw new ForewarmError('bad-value', `${call}: expected ${fault.allowed}, got ${fault.received}`)
}

function builtIn(limits: Limits, make: Make): OwnStrategy {
  const value = outward(make(limits), limits)
  MADE.set(value, make)
  return value
}

/** The same choice for whoever asks from outside, such as a strategy that adds to it. */
function outward(strategy: Strategy, limits: Limits): OwnStrategy {
  return {
    name: strategy.name,
    ...limits,
    select: ({ candidates, endedWarms, hitRatio, eventTimeMs }) => {
      const evidence = { ...endedWarms, hitRatio, eventTimeMs }
      const { selected, reason, next } = strategy.select(candidates.map(inward), evidence)
      return {
        selected: selected.flatMap(({ pairId }) => candidates[pairId] ?? []),
        reason,
        next: next && outward(next, limits),
      }
    },
  }
}

/** Its place stands for its pair. */
function inward({ correlationScore, estimatedBenefit, movedAgoMs, ...rest }: StrategyCandidate, at: number): Candidate {
  const { lagMs, kind } = rest
  const moved = movedAgoMs !== undefined && { movedAgoMs }
  return { pairId: at, score: correlationScore, benefit: estimatedBenefit, lagMs, kind, ...moved }
}
