import type { ReadEdge } from './known-reads.ts'
import type { KeptEdge } from './mined/restored-edges.ts'

/** All that was learned of a leader. Pairs are named by their ids. */
export interface LeaderEdges {
  readonly reads: readonly ReadEdge[]
  readonly mined: readonly KeptEdge[]
  /** The event time at which mined evidence had this weight. */
  readonly asOfMs: number
}

/** Edges of leaders that may be met. */
export interface WaitingEdges {
  readonly size: number
  /** The edges of a leader that is met; undefined if there are none. They are handed out once. */
  take(leader: number): LeaderEdges | undefined
}
