import type { PairToWarm } from '../../src/correlation/pair-to-warm.ts'
import type { ScoredPair } from '../../src/correlation/read-back.ts'
import type { Tracker } from '../../src/correlation/tracker.ts'
import type { NextReads } from '../../src/warming/next-reads.ts'

/** A pair that is likely to be read after another pair's update or read. */
export interface Follower extends Omit<PairToWarm, 'kind' | 'lagMs'> {
  /** As in PairToWarm; or `next`: it was read soon after earlier reads of the pair. */
  readonly kind: PairToWarm['kind'] | 'next'
  /** Undefined for `next`, as reads are counted there and not timed. */
  readonly lagMs: number | undefined
}

/** A follower without the evidence in words. */
export type LikelyPair = Omit<Follower, 'reason'>

interface Known {
  readonly tracker: Tracker
  readonly next: Pick<NextReads, 'following'>
}

/** All that is known to follow a pair, by the tracker and by the log of reads, the likeliest first, each pair once. */
export function followersOf({ tracker, next }: Known, pairId: number, nowMs: number): readonly Follower[] {
  const counted = tracker.getPairsToWarm(pairId, { nowMs, limit: Number.MAX_SAFE_INTEGER, minScore: 0 })
  return likeliest<Follower>(counted, nextOf(next, pairId))
}

/** The same for a warm, which needs no reasons. */
export function likelyAfter({ tracker, next }: Known, pairId: number, minScore: number): readonly LikelyPair[] {
  const likely = next.following(pairId).filter(({ score }) => score >= minScore)
  return likeliest<LikelyPair>(tracker.following(pairId, minScore), likely.map(likelyNext))
}

/** The pairs that are likely to be read after a read of the pair. */
export function nextOf(next: Pick<NextReads, 'following'>, pairId: number): readonly Follower[] {
  return next.following(pairId).map((scored) => ({
    ...likelyNext(scored),
    reason: `read soon after ${scored.count} of the last ${scored.occurrences} reads of the pair`,
  }))
}

function likelyNext({ pairId, score }: ScoredPair): LikelyPair {
  return { pairId, kind: 'next', score, lagMs: undefined }
}

/** Both lists in one, each pair with the higher of its scores. The first is in order. */
function likeliest<T extends LikelyPair>(first: readonly T[], second: readonly T[]): readonly T[] {
  if (second.length === 0) return first
  const best = new Map(first.map((each) => [each.pairId, each]))
  for (const each of second) if (each.score > (best.get(each.pairId)?.score ?? 0)) best.set(each.pairId, each)
  return [...best.values()].sort((a, b) => b.score - a.score)
}
