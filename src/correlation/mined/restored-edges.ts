import { EDGES_PER_ROW, type MinedEdge, SURE_Z } from './edge-rows.ts'
import { HALF_LIFE_MS } from './evidence.ts'

/** A mined edge as it was written down: `lastMs` is the event time at which the follower last followed. */
export interface KeptEdge {
  /** The follower's mark: its pair's id × 2, + 1 for a read that missed. */
  readonly mark: number
  readonly hits: number
  readonly trials: number
  readonly lagMs: number
  readonly lift: number
  readonly z: number
  readonly lastMs: number
}

interface RestoredRow {
  edges: readonly KeptEdge[]
  /** How many followers had been forgotten when the row was set. */
  readonly forgotten: number
  /** The event time at which the evidence had this weight. */
  readonly asOfMs: number
  /** The share of its weight that the evidence has now, and the event time at which that is computed anew. */
  kept: number
  freshUntilMs: number
}

/** The weight of the evidence is computed anew so often, in event time. */
const WEIGH_EVERY_MS = 10_000

/**
 * Mined edges that an earlier run of this node, or another node, has left. Only the miner writes the rows, so these stand
 * beside them: what is mined since is added to them. The evidence loses half its weight in an hour, like that of
 * the miner, and an edge that is no longer sure is dropped. Pairs are named by their ids.
 */
export class RestoredEdges {
  /** Indexed by the leader's pair id. */
  readonly #rows = new Map<number, RestoredRow>()
  /** Pairs that some edge may lead to. */
  readonly #followers = new Set<number>()
  /** How many followers were forgotten, and the number of each: edges of rows that were set before lead nowhere. */
  #forgotten = 0
  readonly #forgottenAt = new Map<number, number>()

  get size(): number {
    return this.#rows.size
  }

  /** Replaces the leader's edges. Returns how many are kept. */
  set(leader: number, edges: readonly KeptEdge[], asOfMs: number): number {
    this.#rows.delete(leader)
    const kept = edges.slice(0, EDGES_PER_ROW)
    if (kept.length === 0) return 0
    const forgotten = this.#forgotten
    this.#rows.set(leader, { edges: kept, forgotten, asOfMs, kept: 1, freshUntilMs: Number.NEGATIVE_INFINITY })
    for (const { mark } of kept) this.#followers.add(mark >> 1)
    return kept.length
  }

  /**
   * The pair's id may go to another name: no edge from it or to it is told any more. An update may call it, so the rows
   * are not searched: an edge to it goes when its row is weighed.
   */
  forget(pairId: number): void {
    this.#rows.delete(pairId)
    if (this.#followers.delete(pairId)) this.#forgottenAt.set(pairId, ++this.#forgotten)
  }

  /**
   * Adds the leader's edges to the first `count` of `into`, which has room for a row. `log`: tells the newest event time,
   * and the slice of a time. Returns the number of edges in `into`.
   */
  addTo(leader: number, into: readonly MinedEdge[], count: number, log: LogTimes): number {
    const row = this.#rows.get(leader)
    if (row === undefined) return count
    if (log.newestMs >= row.freshUntilMs) this.#weigh(leader, row, log.newestMs)
    let trialsSince = 0
    for (let e = 0; e < count; e++) trialsSince = Math.max(trialsSince, (into[e] as MinedEdge).trials)
    let found = count
    for (const edge of row.edges) {
      if (this.#isForgotten(edge, row)) continue
      const z = edge.z * Math.sqrt(row.kept)
      const at = indexOfPair(into, count, edge.mark >> 1)
      if (at >= 0) {
        addTo(into[at] as MinedEdge, edge, row.kept)
        continue
      }
      const free = into[found]
      if (z < SURE_Z || free === undefined) continue
      found++
      free.mark = edge.mark
      free.hits = edge.hits * row.kept
      free.trials = edge.trials * row.kept + trialsSince
      free.lastSlice = log.sliceOf(edge.lastMs)
      free.lagMs = edge.lagMs
      free.lift = edge.lift
      free.z = z
      free.minedTo = 0
    }
    return found
  }

  #isForgotten({ mark }: KeptEdge, { forgotten }: RestoredRow): boolean {
    return forgotten < this.#forgotten && (this.#forgottenAt.get(mark >> 1) ?? 0) > forgotten
  }

  #weigh(leader: number, row: RestoredRow, newestMs: number): void {
    row.freshUntilMs = newestMs + WEIGH_EVERY_MS
    row.kept = 0.5 ** (Math.max(0, newestMs - row.asOfMs) / HALF_LIFE_MS)
    const least = Math.sqrt(row.kept)
    if (row.forgotten < this.#forgotten) row.edges = row.edges.filter((edge) => !this.#isForgotten(edge, row))
    if (row.edges.every(({ z }) => z * least < SURE_Z)) this.#rows.delete(leader)
  }
}

/** What the log of updates knows of time. */
export interface LogTimes {
  /** Event time of the newest update; negative infinity before the first. */
  readonly newestMs: number
  sliceOf(timeMs: number): number
}

/** Independent evidence adds up: counts do, and so do the squares of z, each twice a logarithm of a likelihood ratio. */
function addTo(edge: MinedEdge, { hits, trials, lagMs, lift, z }: KeptEdge, kept: number): void {
  const hitsBefore = hits * kept
  const all = edge.hits + hitsBefore
  if (all === 0) return
  const byChance = edge.hits / Math.max(edge.lift, 1e-9) + hitsBefore / Math.max(lift, 1e-9)
  edge.lagMs = (edge.lagMs * edge.hits + lagMs * hitsBefore) / all
  edge.lift = all / Math.max(byChance, 1e-9)
  edge.hits = all
  edge.trials += trials * kept
  edge.z = Math.sqrt(edge.z * edge.z + z * z * kept)
}

function indexOfPair(edges: readonly MinedEdge[], count: number, pairId: number): number {
  for (let e = 0; e < count; e++) if ((edges[e] as MinedEdge).mark >> 1 === pairId) return e
  return -1
}

/** The edges without the evidence for them that `own` has, too. */
export function withoutEvidence(edges: readonly KeptEdge[], own: readonly MinedEdge[]): readonly KeptEdge[] {
  return edges.map((edge) => {
    const at = indexOfPair(own, own.length, edge.mark >> 1)
    if (at < 0) return edge
    const { hits, trials, z } = own[at] as MinedEdge
    return {
      ...edge,
      hits: Math.max(0, edge.hits - hits),
      trials: Math.max(0, edge.trials - trials),
      z: Math.sqrt(Math.max(0, edge.z * edge.z - z * z)),
    }
  })
}
