/**
 * The edges that are facts: which pairs are read in the handlers of a pair's updates, with the share of the updates
 * after which each was read, and how long after. Indexed by the pairs' places in tracked-pairs.ts. Edges name pairs by
 * their ids, so that an edge to the old pair of a place never becomes one to its new pair.
 */

import { enlarged, lengthFor } from '../../schemas/enlarged.ts'
import { type KnownReads, READS_PER_PAIR, type ReadEdge } from './known-reads.ts'
import type { TrackedPairs } from './tracked-pairs.ts'

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
export const FIRST_RATE = 0.5
/** An edge with a lower rate is dropped. */
const FORGET_RATE = 0.05
const NO_EDGE = 0
const NO_READER = 0
const NO_LAG = -1
/** The tables begin with room for so many pairs, and double. */
const FIRST_PAIRS = 1024

export interface ReadEdgesOptions {
  readonly maxPairs: number
  /** 1 to READS_PER_PAIR. */
  readonly top: number
  readonly tracked: Pick<TrackedPairs, 'find'>
}

export class ReadEdges {
  /** Edges kept a pair. */
  readonly top: number
  readonly #maxPairs: number
  readonly #tracked: Pick<TrackedPairs, 'find'>
  /** READS_PER_PAIR a place: the pair that is read + 1, or NO_EDGE. */
  #read: Int32Array<ArrayBuffer>
  #rates: Float32Array<ArrayBuffer>
  #lagsMs: Float32Array<ArrayBuffer>
  /** READERS_PER_PAIR a place: pairs in whose handlers it is read, + 1; the oldest is overwritten. */
  #readers: Int32Array<ArrayBuffer>
  /** Indexed by place: the index among the readers at which the next one goes. */
  #nextReaders: Uint8Array<ArrayBuffer>
  /** For each place a bit an edge that was restored, and not read since. */
  #unproven: Uint16Array<ArrayBuffer>

  constructor({ maxPairs, top, tracked }: ReadEdgesOptions) {
    this.top = Math.min(top, READS_PER_PAIR)
    this.#maxPairs = maxPairs
    this.#tracked = tracked
    const pairs = Math.min(FIRST_PAIRS, maxPairs)
    this.#read = new Int32Array(pairs * READS_PER_PAIR)
    this.#rates = new Float32Array(pairs * READS_PER_PAIR)
    this.#lagsMs = new Float32Array(pairs * READS_PER_PAIR)
    this.#readers = new Int32Array(pairs * READERS_PER_PAIR)
    this.#nextReaders = new Uint8Array(pairs)
    this.#unproven = new Uint16Array(pairs)
  }

  /** A handler of an update of the place's pair read this one. Returns the edge's number; −1 if it is not known yet. */
  learn(place: number, pairId: number, lagMs: number): number {
    const base = place * READS_PER_PAIR
    const edge = this.#find(base, pairId)
    if (edge >= 0) this.#learnLag(base + edge, lagMs)
    return edge
  }

  /**
   * What was learned later is about to be taken over: the place's edges that it lacks are in doubt, and the rarest of them
   * make room for it.
   */
  makeRoom(place: number, later: readonly ReadEdge[]): void {
    const base = place * READS_PER_PAIR
    const kept = new Set(later.map(({ pairId }) => pairId + 1))
    const others: number[] = []
    for (let edge = 0; edge < this.top; edge++) {
      const read = this.#read[base + edge] as number
      if (read !== NO_EDGE && !kept.has(read)) others.push(edge)
    }
    const rateOf = (edge: number) => this.#rates[base + edge] as number
    others.sort((a, b) => rateOf(b) - rateOf(a))
    for (const edge of others.splice(Math.max(0, this.top - kept.size))) this.#read[base + edge] = NO_EDGE
    for (const edge of others) this.#unproven[place] = (this.#unproven[place] as number) | (1 << edge)
  }

  /** Takes over an edge that was learned elsewhere, if there is room; one that comes late only if it is not known. */
  takeOver(place: number, edge: ReadEdge, isLate: boolean): boolean {
    if (isLate && this.#find(place * READS_PER_PAIR, edge.pairId) >= 0) return false
    return this.set(place, edge, true) >= 0
  }

  /** Makes the edge, or gives it this rate and lag. Returns its number; −1 if there is no room for it. */
  set(place: number, { pairId, rate, lagMs }: ReadEdge, isRestored = false): number {
    const base = place * READS_PER_PAIR
    const known = this.#find(base, pairId)
    const edge = known >= 0 ? known : this.#read.subarray(base, base + this.top).indexOf(NO_EDGE)
    if (edge < 0) return -1
    this.#read[base + edge] = pairId + 1
    this.#rates[base + edge] = rate
    this.#lagsMs[base + edge] = lagMs
    const unproven = this.#unproven[place] as number
    this.#unproven[place] = isRestored ? unproven | (1 << edge) : unproven & ~(1 << edge)
    return edge
  }

  /** The handlers of an update have ended; bit e of `readEdges` says that they read edge e. */
  settle(place: number, readEdges: number): void {
    const read = this.#read
    const rates = this.#rates
    const base = place * READS_PER_PAIR
    const doubted = (this.#unproven[place] as number) & ~readEdges
    this.#unproven[place] = doubted
    for (let edge = 0; edge < this.top; edge++) {
      const at = base + edge
      if (read[at] === NO_EDGE) continue
      const rate = rates[at] as number
      const isDoubted = doubted !== 0 && ((doubted >> edge) & 1) === 1
      const next = isDoubted ? doubtedRate(rate) : rate + (((readEdges >> edge) & 1) - rate) * LEARNING_RATE
      rates[at] = next
      if (next < FORGET_RATE) read[at] = NO_EDGE
    }
  }

  /** Adds the place's edges to `into`. */
  collect(place: number, into: KnownReads): void {
    const reads = this.#read
    const rates = this.#rates
    const lagsMs = this.#lagsMs
    const base = place * READS_PER_PAIR
    for (let edge = 0; edge < this.top; edge++) {
      const read = reads[base + edge] as number
      if (read !== NO_EDGE) into.add(read - 1, rates[base + edge] as number, lagsMs[base + edge] as number)
    }
  }

  /** Siblings read each other: the pair's readers, and what these read, are likely read after it, with the same lags. */
  borrow(place: number, pairId: number, into: KnownReads): void {
    into.areBorrowed = true
    const base = place * READERS_PER_PAIR
    for (let r = 0; r < READERS_PER_PAIR; r++) {
      const reader = (this.#readers[base + r] as number) - 1
      const at = reader < 0 ? -1 : this.#tracked.find(reader)
      const lagMs = at < 0 ? NO_LAG : this.#lagOf(at, pairId)
      if (lagMs === NO_LAG) continue
      into.addNew(reader, FIRST_RATE, lagMs)
      this.#borrowFrom(at, pairId, into)
    }
  }

  addReader(place: number, reader: number): void {
    const base = place * READERS_PER_PAIR
    // If the edge was dropped and has been found again, its reader is still there.
    if (this.#readers.subarray(base, base + READERS_PER_PAIR).includes(reader + 1)) return
    const next = this.#nextReaders[place] as number
    this.#readers[base + next] = reader + 1
    this.#nextReaders[place] = (next + 1) % READERS_PER_PAIR
  }

  clear(place: number): void {
    this.#read.fill(NO_EDGE, place * READS_PER_PAIR, (place + 1) * READS_PER_PAIR)
    this.#readers.fill(NO_READER, place * READERS_PER_PAIR, (place + 1) * READERS_PER_PAIR)
  }

  /** Makes room for the place. */
  reserve(place: number): void {
    const before = this.#nextReaders.length
    if (place < before) return
    const pairs = lengthFor(place, before, this.#maxPairs)
    this.#read = enlarged(this.#read, new Int32Array(pairs * READS_PER_PAIR))
    this.#rates = enlarged(this.#rates, new Float32Array(pairs * READS_PER_PAIR))
    this.#lagsMs = enlarged(this.#lagsMs, new Float32Array(pairs * READS_PER_PAIR))
    this.#readers = enlarged(this.#readers, new Int32Array(pairs * READERS_PER_PAIR))
    this.#nextReaders = enlarged(this.#nextReaders, new Uint8Array(pairs))
    this.#unproven = enlarged(this.#unproven, new Uint16Array(pairs))
  }

  #find(base: number, pairId: number): number {
    const read = this.#read
    for (let edge = 0; edge < this.top; edge++) if (read[base + edge] === pairId + 1) return edge
    return -1
  }

  #borrowFrom(place: number, pairId: number, into: KnownReads): void {
    const base = place * READS_PER_PAIR
    for (let edge = 0; edge < this.top; edge++) {
      const read = (this.#read[base + edge] as number) - 1
      if (read >= 0 && read !== pairId) into.addNew(read, FIRST_RATE, this.#lagsMs[base + edge] as number)
    }
  }

  /** The edge's lag; NO_LAG if the place's pair no longer reads the pair. */
  #lagOf(place: number, pairId: number): number {
    const edge = this.#find(place * READS_PER_PAIR, pairId)
    return edge < 0 ? NO_LAG : (this.#lagsMs[place * READS_PER_PAIR + edge] as number)
  }

  #learnLag(at: number, lagMs: number): void {
    const longer = lagMs - (this.#lagsMs[at] as number)
    this.#lagsMs[at] = (this.#lagsMs[at] as number) + longer * (longer < 0 ? EARLIER_RATE : LATER_RATE)
  }
}

/**
 * The rate of a restored edge after an update that did not read it. The edge may be out of date, as likely as not: then it
 * is never read, else it is not read after 1 − rate of the updates. So it holds with (1 − rate) ÷ (2 − rate) (Bayes).
 */
function doubtedRate(rate: number): number {
  return (rate * (1 - rate)) / (2 - rate)
}
