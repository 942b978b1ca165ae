import type { KnownReads } from './known-reads.ts'
import type { MinedEdge } from './mined/edge-rows.ts'
import { markKindOf, scoreOf } from './mined/mined-edges.ts'
import type { PairToWarm } from './pair-to-warm.ts'

/** As the tracker has them. */
interface Followers {
  readsAfter(trigger: number, into: KnownReads): number
  minedAfter(pairId: number, into: readonly MinedEdge[]): number
  reasonOf(edge: MinedEdge, nowMs: number): string
}

/** The tables that followers are gathered in; the next question uses them again. */
export interface Gathered {
  readonly reads: KnownReads
  readonly row: readonly MinedEdge[]
}

export interface PairsToWarmOptions {
  readonly nowMs: number
  readonly limit: number
  /** 0 to 1. */
  readonly minScore: number
}

/** A pair to warm without the evidence in words: they cost more than to find the pair. */
export interface FoundPair extends Omit<PairToWarm, 'reason'> {
  /** The edge that was mined, until the next question; undefined if the pair is read by handlers of the update. */
  readonly mined: MinedEdge | undefined
}

/** The pairs that are read after the pair's updates or follow them, as counted and as mined; the likeliest first. */
export function following(
  tracker: Followers,
  { reads, row }: Gathered,
  { pairId, minScore }: { readonly pairId: number; readonly minScore: number },
): FoundPair[] {
  const found: FoundPair[] = []
  const count = tracker.readsAfter(pairId, reads)
  for (let i = 0; i < count; i++) {
    const [follower, score, lagMs] = [reads.pairIds[i] as number, reads.rates[i] as number, reads.lagsMs[i] as number]
    if (score >= minScore) found.push({ pairId: follower, kind: 'read', score, lagMs, mined: undefined })
  }
  const edges = tracker.minedAfter(pairId, row)
  for (let i = 0; i < edges; i++) {
    const edge = row[i] as MinedEdge
    const [follower, score] = [edge.mark >> 1, scoreOf(edge)]
    if (score < minScore || reads.includes(follower)) continue
    found.push({ pairId: follower, kind: markKindOf(edge.mark), score, lagMs: edge.lagMs, mined: edge })
  }
  return found.sort((a, b) => b.score - a.score)
}

/** As `following`, with the evidence in words. */
export function pairsToWarm(
  tracker: Followers,
  gathered: Gathered,
  { pairId, nowMs, limit, minScore }: PairsToWarmOptions & { readonly pairId: number },
): readonly PairToWarm[] {
  return following(tracker, gathered, { pairId, minScore })
    .slice(0, limit)
    .map(({ mined, ...found }) => ({
      ...found,
      reason: mined === undefined ? gathered.reads.reasonOf(found) : tracker.reasonOf(mined, nowMs),
    }))
}
