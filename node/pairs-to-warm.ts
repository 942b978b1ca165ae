import { argument } from '../src/config/argument.ts'
import { decimal, wholeFromZero } from '../src/config/check.ts'
import { assertOptions } from '../src/config/options.ts'
import type { PairToWarm } from '../src/correlation/pair-to-warm.ts'
import type { Caches } from './options.ts'

/** A pair that is known to be read, or to be updated, after another pair's updates. */
export interface FollowingPair extends Omit<PairToWarm, 'pairId'> {
  readonly chain: string
  readonly pair: string
}

const SCORE = decimal(0, 1)

/** Limits for `pairsToWarm`. */
export interface FollowingOptions {
  /** The most pairs to return, a whole number. Default: all that are known. */
  readonly limit?: number
  /** The least probability, 0 to 1. Default: 0. */
  readonly minScore?: number
}

/** Throws a ForewarmError 'bad-value' for options that are out of range. */
export function pairsToWarm(
  { table, tracker, kept }: Pick<Caches, 'table' | 'tracker' | 'kept'>,
  after: { readonly chain: string; readonly pair: string; readonly nowMs: number },
  options: FollowingOptions = {},
): readonly FollowingPair[] {
  assertOptions('pairsToWarm', options, { limit: true, minScore: true })
  const { limit = Number.MAX_SAFE_INTEGER, minScore = 0 } = options
  const isWaiting = kept?.waiting.has(after) === true
  const pairId = isWaiting ? table.register(after.chain, after.pair) : table.find(after.chain, after.pair)
  const accepted = { limit: argument('limit', limit, wholeFromZero), minScore: argument('minScore', minScore, SCORE) }
  if (pairId < 0) return []
  return tracker.getPairsToWarm(pairId, { nowMs: after.nowMs, ...accepted }).map(({ pairId: id, ...rest }) => ({
    ...table.namesOf(id),
    ...rest,
  }))
}
