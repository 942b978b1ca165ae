import { KnownReads } from './known-reads.ts'
import { emptyRow, type MinedEdge } from './mined/edge-rows.ts'
import { markKindOf, scoreOf } from './mined/mined-edges.ts'
import type { PairToWarm } from './pair-to-warm.ts'

/** As the tracker has them. */
interface Followers {
  readsAfter(trigger: number, into: KnownReads): number
  minedAfter(pairId: number, into: readonly MinedEdge[]): number
  reasonOf(edge: MinedEdge, nowMs: number): string
}

export interface PairsToWarmOptions {
  readonly nowMs: number
  readonly limit: number
  /** 0 to 1. */
  readonly minScore: number
}

/** The pairs that are read after the pair's updates or follow them, as counted and as mined; the likeliest first. */
export function pairsToWarm(
  tracker: Followers,
  pairId: number,
  { nowMs, limit, minScore }: PairsToWarmOptions,
): readonly PairToWarm[] {
  const reads = new KnownReads()
  tracker.readsAfter(pairId, reads)
  const row = emptyRow()
  const mined = row
    .slice(0, tracker.minedAfter(pairId, row))
    .filter(({ mark }) => !reads.includes(mark >> 1))
    .map((edge) => ({
      ...{ pairId: edge.mark >> 1, kind: markKindOf(edge.mark), score: scoreOf(edge), lagMs: edge.lagMs },
      reason: tracker.reasonOf(edge, nowMs),
    }))
  return [...reads.toWarm(), ...mined]
    .filter(({ score }) => score >= minScore)
    .sort((a, b) => b.score - a.score)
    .slice(0, limit)
}
