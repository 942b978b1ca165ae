import { isObject } from '../../schemas/json-value.ts'
import type { Check } from '../../src/config/check.ts'
import { faultOf, type OptionsOf, trueOrFalse } from '../../src/config/options.ts'
import { ForewarmError } from '../../src/forewarm-error.ts'
import { ownLimits, type StrategyFields } from '../../src/strategy/choice.ts'
import type { StrategyName } from '../../src/strategy/named.ts'
import type { OwnStrategy } from '../../src/strategy/own-strategy.ts'

/** What a warming beside a cache goes by. All of it may change while it runs. */
export interface WarmerConfig {
  /**
   * The most pairs that one read warms. Default: 5; 8 for the strategy `forewarm`, 10 for `adaptive` and `aggressive`, and
   * what a strategy of your own has as `maxPairs`.
   */
  readonly maxPairsPerWarm: number
  /**
   * The lowest probability of a read, 0 to 1, whose pair is warmed. Default: 0.3, or what a strategy of your own has as
   * `minScore`. The strategy `forewarm` has none unless it is given: it warms what pays.
   */
  readonly minCorrelationScore: number | undefined
  /**
   * False: `getOrLoad` and `getMany` wait for the warms that they have asked for, up to `timeoutMs`. `get` never waits.
   * Default: true.
   */
  readonly asyncWarming: boolean
  /** How long a warm may take, milliseconds. Default: 50. Values that come later still go into L1. */
  readonly timeoutMs: number
  /** False: reads warm nothing, and are learned from all the same. Default: true. */
  readonly enabled: boolean
}

/** Some values of a WarmerConfig; `undefined` is the default. */
export type WarmerChanges = { readonly [K in keyof WarmerConfig]?: WarmerConfig[K] | undefined }

function numbers(allowed: string, allows: (value: number) => boolean): Check<number> {
  return { allowed, parse: (input) => (typeof input === 'number' && allows(input) ? input : undefined) }
}

export const WARMER_CONFIG: OptionsOf<WarmerConfig> = {
  maxPairsPerWarm: numbers('a whole number from 1 to 1000', (n) => Number.isInteger(n) && n >= 1 && n <= 1000),
  minCorrelationScore: numbers('a number from 0 to 1', (n) => n >= 0 && n <= 1),
  asyncWarming: trueOrFalse,
  timeoutMs: numbers('milliseconds above 0', (n) => n > 0 && Number.isFinite(n)),
  enabled: trueOrFalse,
}

/** Throws a ForewarmError 'bad-value' with a sentence for each value that is not allowed. */
export function assertWarmerConfig(call: string, given: WarmerChanges): void {
  const faults = isObject(given)
    ? Object.entries(given).map(([name, value]) => faultOf(call, { [name]: value }, WARMER_CONFIG))
    : [faultOf(call, given, WARMER_CONFIG)]
  const found = faults.filter((fault) => fault !== undefined)
  if (found.length > 0) throw new ForewarmError('bad-value', found.join('\n'))
}

/** The defaults of a strategy with these fields of its own. */
export function warmerConfigOf(strategy: StrategyName | OwnStrategy, fields: StrategyFields = {}): WarmerConfig {
  const { maxPairs, minScore } = ownLimits({ strategy, strategyConfig: fields, adaptiveEnabled: true })
  return {
    maxPairsPerWarm: maxPairs,
    minCorrelationScore: strategy === 'forewarm' ? fields.minScore : minScore,
    asyncWarming: true,
    timeoutMs: 50,
    enabled: true,
  }
}

/** Later changes win over earlier ones, and all over the defaults. Callers see it, and cannot change it. */
export function changedConfig(defaults: WarmerConfig, ...changes: readonly WarmerChanges[]): WarmerConfig {
  const given = Object.entries(Object.assign({}, ...changes)).filter(([, value]) => value !== undefined)
  return Object.freeze({ ...defaults, ...Object.fromEntries(given) })
}
