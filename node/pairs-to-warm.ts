import { argument } from '../src/config/argument.ts'
import { decimal, wholeFromZero } from '../src/config/check.ts'
import type { PairToWarm } from '../src/correlation/pair-to-warm.ts'
import type { Caches } from './caches.ts'

/** A pair that is read after another one's updates, or comes after them, as far as the node knows. */
export interface FollowingPair extends Omit<PairToWarm, 'pairId'> {
  readonly chain: string
  readonly pair: string
}

const SCORE = decimal(0, 1)

export interface FollowingOptions {
  /** At most so many, a whole number; all that are known unless given. */
  readonly limit?: number
  /** From 0 to 1; 0 unless given. */
  readonly minScore?: number
}

/** Throws a ForewarmError 'bad-value' for options that are out of range. */
export function pairsToWarm(
  { table, tracker }: Pick<Caches, 'table' | 'tracker'>,
  after: { readonly chain: string; readonly pair: string; readonly nowMs: number },
  { limit = Number.MAX_SAFE_INTEGER, minScore = 0 }: FollowingOptions = {},
): readonly FollowingPair[] {
  const pairId = table.find(after.chain, after.pair)
  const accepted = { limit: argument('limit', limit, wholeFromZero), minScore: argument('minScore', minScore, SCORE) }
  if (pairId < 0) return []
  return tracker.getPairsToWarm(pairId, { nowMs: after.nowMs, ...accepted }).map(({ pairId: id, ...rest }) => ({
    chain: table.chainName(table.chainOf(id)),
    pair: table.pairName(id),
    ...rest,
  }))
}
