/**
 * Learns which pairs are read after which, from reads that certainly belong to an update: a read in the handler of A's
 * update belongs to A, so A → B is a fact after one occurrence. Each pair keeps up to `top` such edges, with the share of
 * A's updates after which B was read, and how long after. A pair that was never handled borrows edges: to the pairs that
 * read it, and to what these read, since siblings read each other.
 *
 * What only statistics can tell is mined off this path, from what `observe` and `missed` log.
 *
 * At most `maxPairs` pairs are tracked at a time; one that was not seen for long makes room for a new one. Edges name
 * pairs by their ids, so that an edge to the old pair never becomes one to the new pair.
 *
 * Pure and synchronous; pairs are the ids of the pair table; time is passed in.
 */

import { enlarged, lengthFor } from '../../schemas/enlarged.ts'
import { KnownReads, READS_PER_PAIR } from './known-reads.ts'
import type { LeaderEdges, WaitingEdges } from './leader-edges.ts'
import { emptyRow, type MinedEdge } from './mined/edge-rows.ts'
import type { MinedEdges } from './mined/mined-edges.ts'
import { RestoredEdges, withoutEvidence } from './mined/restored-edges.ts'
import { READ_BIT } from './mined/update-log.ts'
import type { PairToWarm } from './pair-to-warm.ts'
import { type FoundPair, following, type Gathered, type PairsToWarmOptions, pairsToWarm } from './pairs-to-warm.ts'
import { FIRST_RATE, ReadEdges } from './read-edges.ts'
import { TrackedPairs } from './tracked-pairs.ts'

/** A pair that reads nothing borrows edges until it had so many updates: then it is known to read nothing. */
const BORROWING = 8
/** The tables begin with room for so many pairs, and double. */
const FIRST_PAIRS = 1024

export interface TrackerOptions {
  readonly maxPairs: number
  readonly top?: number
  readonly mined?: MinedEdges
  readonly waiting?: WaitingEdges
}

export class Tracker {
  readonly maxPairs: number
  readonly #tracked: TrackedPairs
  readonly #mined: MinedEdges | undefined
  readonly #reads: ReadEdges
  readonly #restored = new RestoredEdges()
  /** For what is looked at and copied at once. */
  readonly #row = emptyRow()
  readonly #gathered: Gathered = { reads: new KnownReads(), row: this.#row }
  readonly #waiting: WaitingEdges | undefined
  /** Indexed by place. */
  #updates: Uint32Array<ArrayBuffer>
  #pairs = 0
  /** False until the first edge. */
  hasEdges = false
  #hasLearned = false
  totalUpdates = 0
  /** Updates and reads that were not learned from, as there was no place for their pair; they are served all the same. */
  refusedCalls = 0
  /** Reads that were not learned from, as their trigger keeps `top` other edges. */
  refusedEdges = 0
  /** Pairs that lost their place to another one. */
  recycled = 0
  /** Edges that were taken over for leaders that were met. */
  restored = 0

  /** `top`: 1 to READS_PER_PAIR, the default. `waiting`: what was learned of leaders before. */
  constructor(options: TrackerOptions) {
    const { maxPairs, top = READS_PER_PAIR, mined, waiting } = options
    this.maxPairs = maxPairs
    this.#mined = mined
    this.#waiting = waiting
    this.#tracked = new TrackedPairs(maxPairs, (place, pairId) => this.#recycle(place, pairId))
    this.#reads = new ReadEdges({ maxPairs, top, tracked: this.#tracked })
    this.#updates = new Uint32Array(Math.min(FIRST_PAIRS, maxPairs))
  }

  /** Edges kept a pair. */
  get top(): number {
    return this.#reads.top
  }

  /** Tracked pairs that were updated at least once. */
  get totalPairs(): number {
    return this.#pairs
  }

  /** False until the first read or restored edge, so that a node without detectors pays nothing for asking what follows. */
  get knowsAny(): boolean {
    return this.#hasLearned || (this.#waiting !== undefined && this.#waiting.size > 0)
  }

  /** The pair is updated. Time and chain are for mining. */
  observe(pairId: number, eventTimeMs = 0, chainId = 0): void {
    this.totalUpdates++
    const place = this.#see(pairId)
    if (place < 0) return
    if (this.#updates[place] === 0) {
      this.#meet(pairId)
      this.#pairs++
    }
    this.#mined?.update(place, chainId, eventTimeMs)
    this.#updates[place] = (this.#updates[place] as number) + 1
  }

  /** The pair was updated before this node began to count: time and chain are for mining alone. */
  observeEarlier(pairId: number, eventTimeMs: number, chainId: number): void {
    const place = this.#see(pairId)
    if (place < 0) return
    if (this.#updates[place] === 0) this.#meet(pairId)
    this.#mined?.update(place, chainId, eventTimeMs)
  }

  /** A handler of `trigger`'s update read the pair, `lagMs` after it began. Returns the edge for `settle`, −1: not kept. */
  read(trigger: number, pairId: number, lagMs: number): number {
    const readPlace = this.#see(pairId)
    if (readPlace < 0) return -1
    this.#hasLearned = true
    this.#mined?.read(readPlace)
    const place = trigger === pairId ? -1 : this.#see(trigger)
    if (place < 0) return -1
    const known = this.#reads.learn(place, pairId, lagMs)
    if (known >= 0) return known
    const edge = this.#reads.set(place, { pairId, rate: FIRST_RATE, lagMs })
    if (edge < 0) {
      this.refusedEdges++
      return edge
    }
    this.hasEdges = true
    this.#reads.addReader(readPlace, trigger)
    return edge
  }

  /** The pair is read; after which update is not known. */
  readAlone(pairId: number): void {
    const place = this.#see(pairId)
    this.#hasLearned = true
    if (place >= 0) this.#mined?.read(place)
  }

  /** A read of the pair missed, or would have without a warm. `atMs`: the event time of its update + the time since then. */
  missed(pairId: number, chainId: number, atMs: number): void {
    const place = this.#tracked.find(pairId)
    if (place >= 0) this.#mined?.missed(place, chainId, atMs)
  }

  /** Writes the mined edges from the pair to pairs that are read here into `into`; returns their number. */
  minedAfter(pairId: number, into: readonly MinedEdge[]): number {
    const mined = this.#mined
    const place = this.#find(pairId)
    if (place < 0 || mined === undefined) return 0
    const count = this.#minedHere(place, into)
    return this.#restored.size === 0 ? count : this.#restored.addTo(pairId, into, count, mined)
  }

  /** Up to `limit` pairs with at least `minScore` that are read after the pair's updates, or follow them; likeliest first. */
  getPairsToWarm(pairId: number, options: PairsToWarmOptions): readonly PairToWarm[] {
    return pairsToWarm(this, this.#gathered, { pairId, ...options })
  }

  /** The same without a limit and without reasons, which cost more than to find the pairs. */
  following(pairId: number, minScore: number): readonly FoundPair[] {
    return following(this, this.#gathered, { pairId, minScore })
  }

  /** The evidence for an edge from `minedAfter`. */
  reasonOf(edge: MinedEdge, nowMs: number): string {
    return this.#mined?.reasonOf(edge, nowMs) ?? ''
  }

  /** The handlers of `trigger`'s update have ended; bit e of `readEdges` says that they read edge e. */
  settle(trigger: number, readEdges: number): void {
    const place = this.#tracked.find(trigger)
    if (place < 0) return
    this.#reads.settle(place, readEdges)
  }

  /** Writes the pairs that are read after `trigger`'s updates into `into`; returns their number. */
  readsAfter(trigger: number, into: KnownReads): number {
    into.count = 0
    into.areBorrowed = false
    const place = this.hasEdges || this.#waiting?.size ? this.#find(trigger) : -1
    if (place < 0) return 0
    this.#reads.collect(place, into)
    if (into.count === 0 && (this.#updates[place] as number) <= BORROWING) this.#reads.borrow(place, trigger, into)
    return into.count
  }

  /** A delisted pair gives up its place and its edges. Edges to it fade by themselves. */
  forget(pairId: number): void {
    this.#restored.forget(pairId)
    const place = this.#tracked.release(pairId)
    if (place >= 0) this.#clear(place)
  }

  /** All that is known of what follows the leader; undefined if that is nothing. */
  learnedOf(leader: number): LeaderEdges | undefined {
    const place = this.#tracked.find(leader)
    if (place < 0) return undefined
    const known = new KnownReads()
    this.#reads.collect(place, known)
    const mined = this.#row
      .slice(0, this.minedAfter(leader, this.#row))
      .map((edge) => ({ ...edge, lastMs: this.#mined?.timeOf(edge.lastSlice) ?? 0 }))
    if (known.count + mined.length === 0) return undefined
    return { reads: known.edges(), mined, asOfMs: this.#mined?.newestMs ?? 0 }
  }

  /**
   * Takes over what was learned of a leader elsewhere. What it says of an edge that is known here, too, counts: whoever
   * wrote it had the leader later, unless it comes late. Edges that it lacks stay, in doubt, where there is room. Evidence
   * that was mined here was handed on to whoever had the leader later, so it does not count twice.
   */
  restore(leader: number, { reads, mined, asOfMs }: LeaderEdges, isLate = false): void {
    const place = this.#see(leader)
    if (place < 0) return
    this.#hasLearned = true
    if (!isLate) this.#reads.makeRoom(place, reads)
    for (const edge of reads) {
      const readPlace = this.#see(edge.pairId)
      if (readPlace < 0 || !this.#reads.takeOver(place, edge, isLate)) continue
      this.restored++
      this.hasEdges = true
      this.#mined?.read(readPlace)
      this.#reads.addReader(readPlace, leader)
    }
    if (this.#mined === undefined) return
    for (const { mark } of mined) {
      const follower = this.#see(mark >> 1)
      if (follower >= 0) this.#mined.read(follower)
    }
    const wasHere = !isLate && (this.#updates[place] as number) > 0
    const own = this.#row.slice(0, wasHere ? this.#minedHere(place, this.#row) : 0)
    this.restored += this.#restored.set(leader, withoutEvidence(mined, own), asOfMs)
  }

  /** How often the leader was updated here; undefined if it is not tracked. */
  updatesOf(leader: number): number | undefined {
    return this.#updates[this.#tracked.find(leader)]
  }

  /** The pair at a place, 0 to `places` − 1; −1 if there is none. */
  pairAt(place: number): number {
    return this.#tracked.pairAt(place)
  }

  get places(): number {
    return this.#tracked.used
  }

  /** The place was given to another pair. */
  #recycle(place: number, pairId: number): void {
    this.recycled++
    this.#restored.forget(pairId)
    this.#clear(place)
  }

  #clear(place: number): void {
    this.#mined?.forget(place)
    if (place >= this.#updates.length) return
    this.#reads.clear(place)
    if ((this.#updates[place] as number) > 0) this.#pairs--
    this.#updates[place] = 0
  }

  /** The pair's place; one that is not tracked yet is met, if edges of its are waiting. */
  #find(pairId: number): number {
    const place = this.#tracked.find(pairId)
    if (!this.#waiting?.size || (this.#updates[place] ?? 0) > 0) return place
    this.#meet(pairId)
    return this.#tracked.find(pairId)
  }

  #meet(pairId: number): void {
    const waiting = this.#waiting
    const edges = waiting !== undefined && waiting.size > 0 ? waiting.take(pairId) : undefined
    if (edges !== undefined) this.restore(pairId, edges)
  }

  /** Writes the edges that were mined here, with the ids of their followers, into `into`; returns their number. */
  #minedHere(place: number, into: readonly MinedEdge[]): number {
    const count = this.#mined?.after(place, into) ?? 0
    for (let e = 0; e < count; e++) {
      const edge = into[e] as MinedEdge
      edge.mark = this.#tracked.pairAt(edge.mark >> 1) * 2 + (edge.mark & READ_BIT)
    }
    return count
  }

  /** The pair's place, with room in the tables; −1, and counted, if it has none. */
  #see(pairId: number): number {
    const place = this.#tracked.see(pairId)
    if (place < 0) this.refusedCalls++
    else if (place >= this.#updates.length) this.#reserve(place)
    return place
  }

  #reserve(place: number): void {
    this.#updates = enlarged(this.#updates, new Uint32Array(lengthFor(place, this.#updates.length, this.maxPairs)))
    this.#reads.reserve(place)
  }
}
