import type { Caches } from './node-parts.ts'
import type { PairToWarm } from './src/correlation/pair-to-warm.ts'

/** A pair that is read after another one's updates, or comes after them, as far as the node knows. */
export interface FollowingPair extends Omit<PairToWarm, 'pairId'> {
  readonly chain: string
  readonly pair: string
}

export interface FollowingOptions {
  /** At most so many; all that are known unless given. */
  readonly limit?: number
  /** From 0 to 1; 0 unless given. */
  readonly minScore?: number
}

export function pairsToWarm(
  { table, tracker }: Pick<Caches, 'table' | 'tracker'>,
  after: { readonly chain: string; readonly pair: string; readonly nowMs: number },
  { limit = Number.POSITIVE_INFINITY, minScore = 0 }: FollowingOptions = {},
): readonly FollowingPair[] {
  const pairId = table.find(after.chain, after.pair)
  if (pairId < 0) return []
  return tracker.getPairsToWarm(pairId, { nowMs: after.nowMs, limit, minScore }).map(({ pairId: id, ...rest }) => ({
    chain: table.chainName(table.chainOf(id)),
    pair: table.pairName(id),
    ...rest,
  }))
}
