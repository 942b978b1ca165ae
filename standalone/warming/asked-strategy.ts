import { Faults } from '../../node/faults.ts'
import { refusalTeller } from '../../node/strategies/strategies.ts'
import { described } from '../../src/config/argument.ts'
import { ForewarmError } from '../../src/forewarm-error.ts'
import type { StrategyFields } from '../../src/strategy/choice.ts'
import { STRATEGY_NAMES, type StrategyName, strategyNamed } from '../../src/strategy/named.ts'
import { isOwnStrategy, OWN_STRATEGY_WORDS, type OwnStrategy } from '../../src/strategy/own-strategy.ts'
import type { NextReadsOptions } from '../../src/warming/next-reads.ts'
import { askedStrategy } from '../../src/warming/strategies/asked-strategy.ts'
import type { OpenedCache } from '../levels.ts'

/** Throws a ForewarmError 'bad-value' for anything but a name or a strategy of one's own. */
export function assertStrategy(strategy: unknown): asserts strategy is StrategyName | OwnStrategy {
  if (STRATEGY_NAMES.some((name) => name === strategy) || isOwnStrategy(strategy)) return
  const expected = `one of ${STRATEGY_NAMES.join(', ')}, or ${OWN_STRATEGY_WORDS}`
  throw new ForewarmError('bad-value', `strategy: expected ${expected}; got ${described(strategy)}`)
}

/** A strategy by name, or what makes one with the limits that hold. Answers that are not taken are counted and logged. */
export function askableStrategy(
  { strategy, fields }: { readonly strategy: StrategyName | OwnStrategy; readonly fields: StrategyFields | undefined },
  { caches, metrics, log }: Pick<OpenedCache, 'caches' | 'metrics' | 'log'>,
): NextReadsOptions['strategy'] {
  if (strategy === 'forewarm') return strategy
  if (typeof strategy === 'string') return (limits) => strategyNamed(strategy, limits, fields)
  const { table, l1 } = caches
  const onRefused = refusalTeller(metrics, new Faults(log))
  const sight = { pairName: (pairId: number) => table.pairName(pairId), usage: l1.usage, onRefused }
  return (limits) => askedStrategy(strategy, limits, sight)
}
