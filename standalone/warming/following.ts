import type { PairToWarm } from '../../src/correlation/pair-to-warm.ts'
import type { Tracker } from '../../src/correlation/tracker.ts'
import type { NextReads } from '../../src/warming/next-reads.ts'

/** A pair that is likely to be read after another pair's update or read. */
export interface Follower extends Omit<PairToWarm, 'kind' | 'lagMs'> {
  /** As in PairToWarm; or `next`: it was read soon after earlier reads of the pair. */
  readonly kind: PairToWarm['kind'] | 'next'
  /** Undefined for `next`, as reads are counted there and not timed. */
  readonly lagMs: number | undefined
}

/** All that is known to follow a pair, by the tracker and by the log of reads, the likeliest first, each pair once. */
export function followersOf(
  { tracker, next }: { readonly tracker: Tracker; readonly next: Pick<NextReads, 'following'> },
  pairId: number,
  nowMs: number,
): readonly Follower[] {
  const counted = tracker.getPairsToWarm(pairId, { nowMs, limit: Number.MAX_SAFE_INTEGER, minScore: 0 })
  const best = new Map<number, Follower>(counted.map((each) => [each.pairId, each]))
  for (const each of nextOf(next, pairId))
    if (each.score > (best.get(each.pairId)?.score ?? 0)) best.set(each.pairId, each)
  return [...best.values()].sort((a, b) => b.score - a.score)
}

/** The pairs that are likely to be read after a read of the pair. */
export function nextOf(next: Pick<NextReads, 'following'>, pairId: number): readonly Follower[] {
  return next.following(pairId).map(({ pairId: follower, score, count, occurrences }) => ({
    ...{ pairId: follower, kind: 'next', score, lagMs: undefined },
    reason: `read soon after ${count} of the last ${occurrences} reads of the pair`,
  }))
}
