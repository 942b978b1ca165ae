import { shortened, shown } from '../../schemas/json-value.ts'
import { STRATEGY_LIMITS, type StrategyName, strategyNamed } from './named.ts'
import { limitsOfOwn, type OwnStrategy, withinOwn } from './own-strategy.ts'
import type { Limits, Strategy } from './strategy.ts'

/** A strategy's own settings, each where the strategy has it. */
export interface StrategyFields {
  readonly topN?: number
  readonly maxPairs?: number
  readonly minScore?: number
  readonly minPairs?: number
  readonly targetHitRate?: number
  readonly adjustmentFactor?: number
}

type Field = keyof StrategyFields

const PAIRS = {
  words: 'a whole number from 1 to 1000',
  allows: (n: number) => Number.isInteger(n) && n >= 1 && n <= 1000,
}
const SHARE = { words: 'a number from 0 to 1', allows: (n: number) => n >= 0 && n <= 1 }

const RANGES: Readonly<Record<Field, typeof PAIRS>> = {
  ...{ topN: PAIRS, maxPairs: PAIRS, minPairs: PAIRS },
  ...{ minScore: SHARE, targetHitRate: SHARE, adjustmentFactor: SHARE },
}

const SCORED = ['maxPairs', 'minScore'] as const

/** `conservative` and `aggressive` are names for limits, which are set for all strategies alike. */
export const STRATEGY_FIELDS: Readonly<Record<StrategyName, readonly Field[]>> = {
  forewarm: SCORED,
  'top-n': ['topN', 'minScore'],
  threshold: SCORED,
  adaptive: ['targetHitRate', 'minPairs', 'maxPairs', 'minScore', 'adjustmentFactor'],
  'time-based': SCORED,
  conservative: [],
  aggressive: [],
}

/** What is wrong with the fields for this strategy: each with what came and what is allowed, in words. */
export function fieldFaults(
  strategy: StrategyName | OwnStrategy,
  fields: Readonly<Record<string, unknown>>,
): readonly { readonly received: string; readonly allowed: string }[] {
  const known = fieldsOf(strategy)
  const faults = Object.entries(fields).flatMap(([name, value]) => {
    const received = `${shortened(name)}: ${shown(value)}`
    if (!known.includes(name))
      return [{ received, allowed: `${fieldWords(strategy)}, for the strategy ${nameOf(strategy)}` }]
    const { words, allows } = RANGES[name as Field]
    return typeof value === 'number' && allows(value) ? [] : [{ received, allowed: `${name}: ${words}` }]
  })
  const { minPairs, maxPairs = limitsOf(strategy).maxPairs } = fields
  if (faults.length > 0 || minPairs === undefined || Number(minPairs) <= Number(maxPairs)) return faults
  return [{ received: `minPairs: ${minPairs}`, allowed: `minPairs: at most maxPairs, which is ${maxPairs}` }]
}

/** The fields that a strategy has, in words. */
export function fieldWords(strategy: StrategyName | OwnStrategy): string {
  return fieldsOf(strategy).join(', ') || 'no field'
}

/** A strategy that is a value has its own numbers already. */
function fieldsOf(strategy: StrategyName | OwnStrategy): readonly string[] {
  return typeof strategy === 'string' ? STRATEGY_FIELDS[strategy] : []
}

/** The name of a strategy that is set by name or as a value. */
export function nameOf(strategy: StrategyName | OwnStrategy): string {
  return typeof strategy === 'string' ? strategy : strategy.name
}

/** The limits of a strategy for which nothing else is set. */
export function limitsOf(strategy: StrategyName | OwnStrategy): Limits {
  return typeof strategy === 'string' ? STRATEGY_LIMITS[strategy] : limitsOfOwn(strategy)
}

/** What is set about the strategy. */
export interface StrategyChoice extends Limits {
  readonly strategy: StrategyName | OwnStrategy
  readonly strategyConfig: StrategyFields | undefined
  readonly adaptiveEnabled: boolean
}

/** The strategy that is used: `top-n` in place of `adaptive` where that is switched off. */
export function usedStrategy({ strategy, adaptiveEnabled }: Pick<StrategyChoice, 'strategy' | 'adaptiveEnabled'>) {
  return nameOf(strategy) === 'adaptive' && !adaptiveEnabled ? 'top-n' : strategy
}

/** The limits of a strategy by its own fields; those of its name where it has none. */
export function ownLimits(choice: Omit<StrategyChoice, keyof Limits>): Limits {
  const used = usedStrategy(choice)
  const { topN, maxPairs = topN, minScore } = used === choice.strategy ? (choice.strategyConfig ?? {}) : {}
  const limits = limitsOf(used)
  return { maxPairs: maxPairs ?? limits.maxPairs, minScore: minScore ?? limits.minScore }
}

/** The limits that count: the stricter ones where both the strategy's own fields and the settings for all strategies say something. */
export function countingLimits(choice: StrategyChoice): Limits {
  const used = usedStrategy(choice)
  if (typeof used !== 'string') return withinOwn(used, choice)
  if (choice.strategyConfig === undefined) return choice
  const own = ownLimits(choice)
  return { maxPairs: Math.min(choice.maxPairs, own.maxPairs), minScore: Math.max(choice.minScore, own.minScore) }
}

/** `ask` makes what asks a strategy that is set as a value. */
export function chosenStrategy(choice: StrategyChoice, ask: (own: OwnStrategy, limits: Limits) => Strategy): Strategy {
  const used = usedStrategy(choice)
  const limits = countingLimits(choice)
  return typeof used === 'string' ? strategyNamed(used, limits, choice.strategyConfig) : ask(used, limits)
}
