import { isOwnStrategy, OWN_STRATEGY_WORDS, type OwnStrategy } from '../../src/strategy/own-strategy.ts'
import { UsageError } from '../usage-error.ts'
import { exportsOf } from './user-module.ts'

/** The strategy that a module exports under any name; undefined without a file. Throws a UsageError unless it is one. */
export async function loadStrategy(file: string | undefined): Promise<OwnStrategy | undefined> {
  if (file === undefined) return undefined
  const [strategy, ...others] = new Set((await exportsOf('--strategy', file)).filter(isOwnStrategy))
  if (strategy !== undefined && others.length === 0) return strategy
  const exported = strategy === undefined ? 'no strategy' : `${others.length + 1} strategies`
  throw new UsageError(`--strategy: ${file} exports ${exported}; expected one, ${OWN_STRATEGY_WORDS}`)
}
