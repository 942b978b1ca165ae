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
import { emptyRow, type MinedEdge } from './mined/edge-rows.ts'
import { type MinedEdges, markKindOf, scoreOf } from './mined/mined-edges.ts'
import { READ_BIT } from './mined/update-log.ts'
import type { PairToWarm } from './pair-to-warm.ts'
import { TrackedPairs } from './tracked-pairs.ts'

const READERS_PER_PAIR = 8
/** The weight of the newest observation in an edge's rate and lag. */
const LEARNING_RATE = 1 / 8
/**
 * Weights of an observed lag that is shorter than the kept one, and of a longer one. A late warm is wasted, an early one
 * is not: so the kept lag settles where about seven of eight reads come later.
 */
const EARLIER_RATE = 1 / 4
const LATER_RATE = 1 / 32
/** After a first read, a second one is as likely as not. */
const FIRST_RATE = 0.5
/** An edge with a lower rate is dropped. */
const FORGET_RATE = 0.05
/** A pair that reads nothing borrows edges until it had so many updates: then it is known to read nothing. */
const BORROWING = 8
const NO_EDGE = 0
const NO_READER = 0
const NO_LAG = -1
/** The tables begin with room for so many pairs, and double. */
const FIRST_PAIRS = 1024

export class Tracker {
  readonly maxPairs: number
  readonly #tracked: TrackedPairs
  readonly #mined: MinedEdges | undefined
  /** Edges kept a pair. */
  readonly top: number
  /** READS_PER_PAIR a place: the pair that is read + 1, or NO_EDGE. */
  #read: Int32Array<ArrayBuffer>
  #rates: Float32Array<ArrayBuffer>
  #lagsMs: Float32Array<ArrayBuffer>
  /** READERS_PER_PAIR a place: pairs in whose handlers it is read, + 1; the oldest is overwritten. */
  #readers: Int32Array<ArrayBuffer>
  /** Indexed by place: the index among the readers at which the next one goes. */
  #nextReaders: Uint8Array<ArrayBuffer>
  #updates: Uint32Array<ArrayBuffer>
  #pairs = 0
  /** False until the first read, so that a node without detectors pays nothing for asking. */
  hasEdges = false
  totalUpdates = 0
  /** Updates and reads that were not learned from, as there was no place for their pair; they are served all the same. */
  refusedCalls = 0
  /** Reads that were not learned from, as their trigger keeps `top` other edges. */
  refusedEdges = 0
  /** Pairs that lost their place to another one. */
  recycled = 0

  /** `top`: 1 to READS_PER_PAIR, the default. */
  constructor(options: { readonly maxPairs: number; readonly top?: number; readonly mined?: MinedEdges }) {
    this.maxPairs = options.maxPairs
    this.#mined = options.mined
    this.#tracked = new TrackedPairs(options.maxPairs, (place) => this.#recycle(place))
    this.top = Math.min(options.top ?? READS_PER_PAIR, READS_PER_PAIR)
    const pairs = Math.min(FIRST_PAIRS, options.maxPairs)
    this.#read = new Int32Array(pairs * READS_PER_PAIR)
    this.#rates = new Float32Array(pairs * READS_PER_PAIR)
    this.#lagsMs = new Float32Array(pairs * READS_PER_PAIR)
    this.#readers = new Int32Array(pairs * READERS_PER_PAIR)
    this.#nextReaders = new Uint8Array(pairs)
    this.#updates = new Uint32Array(pairs)
  }

  /** Tracked pairs that were updated at least once. */
  get totalPairs(): number {
    return this.#pairs
  }

  /** The pair is updated. Time and chain are for mining. */
  observe(pairId: number, eventTimeMs = 0, chainId = 0): void {
    this.totalUpdates++
    const place = this.#see(pairId)
    if (place < 0) return
    this.#mined?.update(place, chainId, eventTimeMs)
    if (this.#updates[place] === 0) this.#pairs++
    this.#updates[place] = (this.#updates[place] as number) + 1
  }

  /** A handler of `trigger`'s update read the pair, `lagMs` after it began. Returns the edge for `settle`, −1: not kept. */
  read(trigger: number, pairId: number, lagMs: number): number {
    const readPlace = this.#see(pairId)
    if (readPlace < 0) return -1
    this.#mined?.read(readPlace)
    const place = trigger === pairId ? -1 : this.#see(trigger)
    if (place < 0) return -1
    const base = place * READS_PER_PAIR
    let free = -1
    for (let edge = 0; edge < this.top; edge++) {
      const known = this.#read[base + edge] as number
      if (known === pairId + 1) {
        this.#learnLag(base + edge, lagMs)
        return edge
      }
      if (known === NO_EDGE && free < 0) free = edge
    }
    if (free < 0) {
      this.refusedEdges++
      return -1
    }
    this.hasEdges = true
    this.#read[base + free] = pairId + 1
    this.#rates[base + free] = FIRST_RATE
    this.#lagsMs[base + free] = lagMs
    this.#addReader(readPlace, trigger)
    return free
  }

  /** The pair is read; after which update is not known. */
  readAlone(pairId: number): void {
    const place = this.#see(pairId)
    if (place >= 0) this.#mined?.read(place)
  }

  /** A read of the pair missed, or would have without a warm. `atMs`: the event time of its update + the time since then. */
  missed(pairId: number, chainId: number, atMs: number): void {
    const place = this.#tracked.find(pairId)
    if (place >= 0) this.#mined?.missed(place, chainId, atMs)
  }

  /** Writes the mined edges from the pair to pairs that are read here into `into`; returns their number. */
  minedAfter(pairId: number, into: readonly MinedEdge[]): number {
    const place = this.#tracked.find(pairId)
    if (place < 0 || this.#mined === undefined) return 0
    const count = this.#mined.after(place, into)
    for (let e = 0; e < count; e++) {
      const edge = into[e] as MinedEdge
      edge.mark = this.#tracked.pairAt(edge.mark >> 1) * 2 + (edge.mark & READ_BIT)
    }
    return count
  }

  /** Up to `limit` pairs with at least `minScore` that are read after the pair's updates, or follow them; likeliest first. */
  getPairsToWarm(pairId: number, options: { nowMs: number; limit: number; minScore: number }): readonly PairToWarm[] {
    const reads = new KnownReads()
    this.readsAfter(pairId, reads)
    const row = emptyRow()
    const mined = row
      .slice(0, this.minedAfter(pairId, row))
      .filter(({ mark }) => !reads.includes(mark >> 1))
      .map((edge) => ({
        ...{ pairId: edge.mark >> 1, kind: markKindOf(edge.mark), score: scoreOf(edge), lagMs: edge.lagMs },
        reason: this.reasonOf(edge, options.nowMs),
      }))
    return [...reads.toWarm(), ...mined]
      .filter(({ score }) => score >= options.minScore)
      .sort((a, b) => b.score - a.score)
      .slice(0, options.limit)
  }

  /** The evidence for an edge from `minedAfter`. */
  reasonOf(edge: MinedEdge, nowMs: number): string {
    return this.#mined?.reasonOf(edge, nowMs) ?? ''
  }

  /** The handlers of `trigger`'s update have ended; bit e of `readEdges` says that they read edge e. */
  settle(trigger: number, readEdges: number): void {
    const place = this.#tracked.find(trigger)
    if (place < 0) return
    const base = place * READS_PER_PAIR
    for (let edge = 0; edge < this.top; edge++) {
      const at = base + edge
      if (this.#read[at] === NO_EDGE) continue
      const rate = this.#rates[at] as number
      const next = rate + ((((readEdges >> edge) & 1) as number) - rate) * LEARNING_RATE
      this.#rates[at] = next
      if (next < FORGET_RATE) this.#read[at] = NO_EDGE
    }
  }

  /** Writes the pairs that are read after `trigger`'s updates into `into`; returns their number. */
  readsAfter(trigger: number, into: KnownReads): number {
    into.count = 0
    into.areBorrowed = false
    const place = this.hasEdges ? this.#tracked.find(trigger) : -1
    if (place < 0) return 0
    this.#collect(place, into)
    if (into.count === 0 && (this.#updates[place] as number) <= BORROWING) this.#borrow(place, trigger, into)
    return into.count
  }

  /** A delisted pair gives up its place and its edges. Edges to it fade by themselves. */
  forget(pairId: number): void {
    const place = this.#tracked.release(pairId)
    if (place >= 0) this.#clear(place)
  }

  /** The place was given to another pair. */
  #recycle(place: number): void {
    this.recycled++
    this.#clear(place)
  }

  #clear(place: number): void {
    this.#mined?.forget(place)
    if (place >= this.#updates.length) return
    this.#read.fill(NO_EDGE, place * READS_PER_PAIR, (place + 1) * READS_PER_PAIR)
    this.#readers.fill(NO_READER, place * READERS_PER_PAIR, (place + 1) * READERS_PER_PAIR)
    if ((this.#updates[place] as number) > 0) this.#pairs--
    this.#updates[place] = 0
  }

  #collect(place: number, into: KnownReads): void {
    const base = place * READS_PER_PAIR
    for (let edge = 0; edge < this.top; edge++) {
      const read = this.#read[base + edge] as number
      if (read !== NO_EDGE) into.add(read - 1, this.#rates[base + edge] as number, this.#lagsMs[base + edge] as number)
    }
  }

  /** Siblings read each other: the pair's readers, and what these read, are likely read after it, with the same lags. */
  #borrow(place: number, pairId: number, into: KnownReads): void {
    into.areBorrowed = true
    const base = place * READERS_PER_PAIR
    for (let r = 0; r < READERS_PER_PAIR; r++) {
      const reader = (this.#readers[base + r] as number) - 1
      const lagMs = reader < 0 ? NO_LAG : this.#lagOf(reader, pairId)
      if (lagMs === NO_LAG) continue
      into.addNew(reader, FIRST_RATE, lagMs)
      this.#borrowFrom(reader, pairId, into)
    }
  }

  #borrowFrom(reader: number, pairId: number, into: KnownReads): void {
    const base = this.#tracked.find(reader) * READS_PER_PAIR
    for (let edge = 0; edge < this.top; edge++) {
      const read = (this.#read[base + edge] as number) - 1
      if (read >= 0 && read !== pairId) into.addNew(read, FIRST_RATE, this.#lagsMs[base + edge] as number)
    }
  }

  /** The edge's lag; NO_LAG if the trigger no longer reads the pair, or is not tracked. */
  #lagOf(trigger: number, pairId: number): number {
    const base = this.#tracked.find(trigger) * READS_PER_PAIR
    for (let edge = 0; base >= 0 && edge < this.top; edge++)
      if (this.#read[base + edge] === pairId + 1) return this.#lagsMs[base + edge] as number
    return NO_LAG
  }

  #learnLag(at: number, lagMs: number): void {
    const longer = lagMs - (this.#lagsMs[at] as number)
    this.#lagsMs[at] = (this.#lagsMs[at] as number) + longer * (longer < 0 ? EARLIER_RATE : LATER_RATE)
  }

  #addReader(place: number, reader: number): void {
    const base = place * READERS_PER_PAIR
    // If the edge was dropped and has been found again, its reader is still there.
    if (this.#readers.subarray(base, base + READERS_PER_PAIR).includes(reader + 1)) return
    const next = this.#nextReaders[place] as number
    this.#readers[base + next] = reader + 1
    this.#nextReaders[place] = (next + 1) % READERS_PER_PAIR
  }

  /** The pair's place, with room in the tables; −1, and counted, if it has none. */
  #see(pairId: number): number {
    const place = this.#tracked.see(pairId)
    if (place < 0) this.refusedCalls++
    else if (place >= this.#updates.length) this.#reserve(place)
    return place
  }

  #reserve(place: number): void {
    const pairs = lengthFor(place, this.#updates.length, this.maxPairs)
    this.#read = enlarged(this.#read, new Int32Array(pairs * READS_PER_PAIR))
    this.#rates = enlarged(this.#rates, new Float32Array(pairs * READS_PER_PAIR))
    this.#lagsMs = enlarged(this.#lagsMs, new Float32Array(pairs * READS_PER_PAIR))
    this.#readers = enlarged(this.#readers, new Int32Array(pairs * READERS_PER_PAIR))
    this.#nextReaders = enlarged(this.#nextReaders, new Uint8Array(pairs))
    this.#updates = enlarged(this.#updates, new Uint32Array(pairs))
  }
}
