import { enlarged, lengthFor } from '../../../../schemas/enlarged.ts'
import { EDGES_PER_ROW, type MinedEdge, SURE_Z } from '../edge-rows.ts'
import type { WindowEntries } from '../log-window.ts'
import { PIECE, PIECE_COST, type Pieces } from '../pieces.ts'
import { markOf, offsetMsOf, pairOf, READ_BIT, SLICE_MS } from '../update-log.ts'
import { LagProfile } from './lag-profile.ts'
import { type LagHits, LagScan, TRIALS } from './lag-scan.ts'
import { ReadHistory } from './read-history.ts'

/**
 * Finds reads that follow a leader's updates to the millisecond. In a sweep hundreds of pairs are updated within some
 * milliseconds and thousands are read after that: judged by bands, everybody follows everybody. But a pair that is read
 * because of an update is read equally long after each one, and a bystander is not:
 *
 * ```
 *   update of A ── 50 ms ──► B C x        the reads 50 ms after the last eight updates of A, over all stretches that the
 *   update of A ── 50 ms ──► C B y        history holds: B and C are there each time
 *   update of A ── 50 ms ──► B z C
 * ```
 *
 * The pair's reads at this lag are compared with those that chance would bring: its reads at other lags after these
 * updates, spread as all reads are.
 */

/** So many reads at other lags are added: that there were none is no certainty. */
const UNSEEN_READS = 0.5
/** Chance brings at least UNSEEN_READS × this, however few reads there are at the lag. */
const LEAST_DENSITY = 0.1
/** The price of choosing the likeliest rate: it is taken from the evidence for it. */
const CHOICE = 1
/** Reads are kept for so many chains, those that were read last: 3 MB each at most. */
const MAX_HISTORIES = 64
const FIRST_PAIRS = 1_024

export class PunctualReads {
  readonly #maxPairs: number
  /** The history of each chain; the chain that was read last comes last. */
  readonly #histories = new Map<number, ReadHistory>()
  readonly #profile = new LagProfile()
  readonly #scan: LagScan
  /** TRIALS a pair: the times of its last updates. */
  #updatesMs = new Float64Array(0)
  /** Indexed by pair: how many updates there were. */
  #updates = new Uint32Array(0)

  constructor(maxPairs: number) {
    this.#maxPairs = maxPairs
    this.#scan = new LagScan(maxPairs)
  }

  /** The cost so far: entries that a scan by bands looks at in that time. */
  get looked(): number {
    return this.#scan.looked
  }

  /** Takes in the entries of a stretch. Stretches come in order. */
  *take({ chainId, marks, slices, count }: WindowEntries): Pieces<void> {
    let history = this.#histories.get(chainId)
    let hasReads = false
    for (let at = 0; at < count; at++) {
      const entry = marks[at] as number
      const timeMs = (slices[at] as number) * SLICE_MS + offsetMsOf(entry)
      if ((markOf(entry) & READ_BIT) === 0) this.#update(pairOf(entry), timeMs)
      else {
        history ??= new ReadHistory()
        hasReads = true
        history.add(pairOf(entry), timeMs)
      }
      if (at % PIECE === PIECE - 1) yield PIECE_COST
    }
    if (history !== undefined && hasReads) this.#keep(chainId, history)
  }

  #keep(chainId: number, history: ReadHistory): void {
    this.#histories.delete(chainId)
    this.#histories.set(chainId, history)
    if (this.#histories.size <= MAX_HISTORIES) return
    const [unreadForLongest] = this.#histories.keys()
    if (unreadForLongest !== undefined) this.#histories.delete(unreadForLongest)
  }

  /** The pairs that are read punctually after the leader's updates, surest first. */
  after(leader: number, chainId: number): readonly MinedEdge[] {
    const history = this.#histories.get(chainId)
    const scan = this.#scan
    if (history === undefined) return []
    const updates = this.#updates[leader] ?? 0
    const trials = Math.min(updates, TRIALS)
    for (let trial = 0; trial < trials; trial++)
      scan.trialsMs[trial] = this.#updatesMs[leader * TRIALS + ((updates - 1 - trial) % TRIALS)] as number
    const edges = this.#best(leader, scan.scan(history, trials))
    for (const edge of edges) {
      this.#profile.add(edge.lagMs)
      edge.lastSlice = Math.floor(this.#lastHitMs(history, edge) / SLICE_MS)
    }
    return edges
  }

  #best(leader: number, candidates: readonly LagHits[]): readonly MinedEdge[] {
    const best = new Map<number, MinedEdge>()
    for (const hits of candidates) {
      const edge = hits.pairId === leader ? undefined : this.#judge(hits)
      if (edge !== undefined && edge.z > (best.get(hits.pairId)?.z ?? 0)) best.set(hits.pairId, edge)
    }
    return [...best.values()].sort((a, b) => b.z - a.z || a.mark - b.mark).slice(0, EDGES_PER_ROW)
  }

  *forget(isForgotten: (pairId: number) => boolean): Pieces<void> {
    for (let pairId = 0; pairId < this.#updates.length; pairId++) if (isForgotten(pairId)) this.#updates[pairId] = 0
    yield PIECE_COST
    for (const history of this.#histories.values()) {
      history.forget(isForgotten)
      yield PIECE_COST
    }
  }

  /**
   * The edge, with the z of lag-bands.ts; undefined below SURE_Z. L₁: the pair is read at this lag, one of all lags, as
   * often as it was. L₀: it is read there as it is at other lags.
   */
  #judge({ pairId, lagMs, hits, total }: LagHits): MinedEdge | undefined {
    const { trials, reads, allReads } = this.#scan
    const others = total - hits + UNSEEN_READS
    const anyway = Math.max((others * (reads[lagMs] as number)) / allReads, UNSEEN_READS * LEAST_DENSITY)
    const rate = Math.min(anyway / trials, 0.9)
    const share = hits / trials
    if (share <= rate) return undefined
    const misses = trials - hits
    const without = misses === 0 ? 0 : misses * Math.log((1 - share) / (1 - rate))
    const ratio = hits * Math.log(share / rate) + without + Math.log(this.#profile.of(lagMs)) - CHOICE
    const z = Math.sqrt(2 * Math.max(ratio, 0))
    if (z < SURE_Z) return undefined
    return { mark: pairId * 2 + READ_BIT, hits, trials, lastSlice: 0, lagMs, lift: share / rate, z, minedTo: 0 }
  }

  /** The time of the last update after which the pair was read. */
  #lastHitMs(history: ReadHistory, { mark, lagMs }: MinedEdge): number {
    return this.#scan.trialsMs.find((atMs) => history.has(mark >> 1, atMs + lagMs)) ?? 0
  }

  #update(pairId: number, timeMs: number): void {
    if (pairId >= this.#updates.length) this.#reserve(pairId)
    const updates = this.#updates[pairId] as number
    this.#updatesMs[pairId * TRIALS + (updates % TRIALS)] = timeMs
    this.#updates[pairId] = updates + 1
  }

  #reserve(pairId: number): void {
    const pairs = lengthFor(pairId, Math.max(FIRST_PAIRS, this.#updates.length), this.#maxPairs)
    this.#updatesMs = enlarged(this.#updatesMs, new Float64Array(pairs * TRIALS))
    this.#updates = enlarged(this.#updates, new Uint32Array(pairs))
  }
}
