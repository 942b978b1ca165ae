import { isObject } from '../../schemas/json-value.ts'
import type { CandidateKind, Limits } from './strategy.ts'

/** A pair that a strategy may select: it is probably read after the update. */
export interface StrategyCandidate {
  readonly pair: string
  /** The probability, 0 to 1, that the pair is read after the update. */
  readonly correlationScore: number
  /** That of its warm request. */
  readonly priority: 'high' | 'medium'
  /** 0 to 1: the probability, less if warms of its kind go unread or the pair is in L1 and probably leaves it before the read. */
  readonly estimatedBenefit: number
  /** Milliseconds from the update to the read. */
  readonly lagMs: number
  readonly kind: CandidateKind
  /** Milliseconds since the pair's own last update. Undefined if not known. */
  readonly movedAgoMs: number | undefined
}

/** What a strategy goes by, at one update. Beside a cache without Kafka it is a read. */
export interface StrategyContext {
  /** Each pair is there once. */
  readonly candidates: readonly StrategyCandidate[]
  /** The most pairs that are warmed: the first of those that are selected. */
  readonly maxPairs: number
  /** The entries that L1 has, and has room for. */
  readonly l1: { readonly size: number; readonly capacity: number }
  /** The share, 0 to 1, of recent reads that L1 answered. Undefined before any. */
  readonly hitRatio: number | undefined
  /** The share, 0 to 1, of ended warms that were read. Undefined before any has ended. */
  readonly accuracyByKind: Readonly<Record<CandidateKind, number | undefined>>
  /** The warms that have ended since the start: read before they left L1, or not. */
  readonly endedWarms: { readonly used: number; readonly unused: number }
  /** The event time of the update, in milliseconds since 1970. */
  readonly eventTimeMs: number
}

/** The answer of a strategy. */
export interface StrategySelection {
  /** Some of the candidates, the best first. */
  readonly selected: readonly StrategyCandidate[]
  /** Why these, for people: warm requests carry it. */
  readonly reason: string
  /** The strategy that is asked at the next update, with the same name. This one unless given. */
  readonly next?: OwnStrategy | undefined
}

/**
 * A strategy as a value: one of your own, or what `topN`, `threshold`, `adaptive` and `timeBased` return. `select` is pure:
 * it changes nothing, and returns the same for the same context. What it learns goes into `next`. It is not awaited.
 * `expectStrategy` of `forewarm/testing` tests all of this.
 */
export interface OwnStrategy {
  /** 1 to 64 visible ASCII characters. Warm requests, metrics and log lines carry it. */
  readonly name: string
  /** The most pairs that it selects, 1 to 1000. WARMING_MAX_PAIRS may lower it. Default: 8. */
  readonly maxPairs?: number | undefined
  /** Pairs that are read with a lower probability, 0 to 1, are no candidates. WARMING_MIN_SCORE may raise it. Default: 0.2. */
  readonly minScore?: number | undefined
  select(context: StrategyContext): StrategySelection
}

const NAME = /^[\x20-\x7e]{1,64}$/

/** What a strategy of one's own is, in words. */
export const OWN_STRATEGY_WORDS =
  '{ name, select }, with a name of 1 to 64 visible ASCII characters, maxPairs from 1 to 1000 and minScore from 0 to 1'

export function isOwnStrategy(value: unknown): value is OwnStrategy {
  if (!isObject(value)) return false
  const { name, select, maxPairs = 1, minScore = 0 } = value
  if (typeof name !== 'string' || !NAME.test(name) || typeof select !== 'function') return false
  return isWithin(maxPairs, 1, 1000) && Number.isInteger(maxPairs) && isWithin(minScore, 0, 1)
}

function isWithin(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && value >= min && value <= max
}

/** The limits of a strategy of one's own where nothing else is set. */
export function limitsOfOwn({ maxPairs = 8, minScore = 0.2 }: OwnStrategy): Limits {
  return { maxPairs, minScore }
}

/** The limits, or those that the strategy has itself where they are stricter. */
export function withinOwn({ maxPairs, minScore }: OwnStrategy, limits: Limits): Limits {
  return {
    maxPairs: Math.min(limits.maxPairs, maxPairs ?? limits.maxPairs),
    minScore: Math.max(limits.minScore, minScore ?? limits.minScore),
  }
}
