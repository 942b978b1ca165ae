/**
 * Which pairs are read after which, as far as it is known for certain: a read made in the handler of A's update belongs
 * to A, so A → B is a fact after one occurrence. Each pair keeps up to `top` such edges with the share of A's
 * updates after which B was read, and how long after. A pair that was never handled borrows the edges of those who read
 * it: siblings read each other.
 *
 * What is known by statistics alone is mined off this path, from what `observe` and `missed` log.
 *
 * Pure and synchronous; pairs are integers below `maxPairs`; time is passed in.
 */

import { emptyRow, type MinedEdge } from './edge-rows.ts'
import { type MinedEdges, type PairToWarm, scoreOf } from './mined-edges.ts'

/** The most edges that a pair can keep. */
export const READS_PER_PAIR = 16
const READERS_PER_PAIR = 8
/** The weight of the newest observation in an edge's rate and lag. */
const LEARNING_RATE = 1 / 8
/** A first read is as likely to be repeated as not. */
const FIRST_RATE = 0.5
/** An edge below it gives its place up. */
const FORGET_RATE = 0.05
const NONE = 0
/** Room at first; doubled as pairs come. */
const FIRST_PAIRS = 1024

export class Tracker {
  readonly maxPairs: number
  readonly #mined: MinedEdges | undefined
  /** Edges kept a pair. */
  readonly top: number
  /** READS_PER_PAIR a pair: the pair read + 1, 0 where there is no edge. */
  #read: Int32Array<ArrayBuffer>
  #rates: Float32Array<ArrayBuffer>
  #lagsMs: Float32Array<ArrayBuffer>
  /** READERS_PER_PAIR a pair: those whose handlers read it, + 1, the oldest overwritten. */
  #readers: Int32Array<ArrayBuffer>
  /** The place of the next one. */
  #nextReaders: Uint8Array<ArrayBuffer>
  #updates: Uint32Array<ArrayBuffer>
  #pairs = 0
  /** False until the first read: a node without detectors pays nothing for asking. */
  hasEdges = false
  totalUpdates = 0
  /** Updates and reads of pairs beyond `maxPairs`, which are served and not learned from. */
  refusedCalls = 0

  /** `top`: 1 to READS_PER_PAIR, which it is unless given. */
  constructor(options: { readonly maxPairs: number; readonly top?: number; readonly mined?: MinedEdges }) {
    this.maxPairs = options.maxPairs
    this.#mined = options.mined
    this.top = Math.min(options.top ?? READS_PER_PAIR, READS_PER_PAIR)
    const pairs = Math.min(FIRST_PAIRS, options.maxPairs)
    this.#read = new Int32Array(pairs * READS_PER_PAIR)
    this.#rates = new Float32Array(pairs * READS_PER_PAIR)
    this.#lagsMs = new Float32Array(pairs * READS_PER_PAIR)
    this.#readers = new Int32Array(pairs * READERS_PER_PAIR)
    this.#nextReaders = new Uint8Array(pairs)
    this.#updates = new Uint32Array(pairs)
  }

  /** Pairs that were updated at least once. */
  get totalPairs(): number {
    return this.#pairs
  }

  /** An update. Its time and chain are what mining goes by. */
  observe(pairId: number, eventTimeMs = 0, chainId = 0): void {
    this.totalUpdates++
    if (!this.#reserve(pairId)) return
    this.#mined?.update(pairId, chainId, eventTimeMs)
    if (this.#updates[pairId] === 0) this.#pairs++
    this.#updates[pairId] = (this.#updates[pairId] as number) + 1
  }

  /** The handler of `trigger`'s update read `pairId`, `lagMs` after it began. The edge's place, for `settle`; -1: not kept. */
  read(trigger: number, pairId: number, lagMs: number): number {
    this.#mined?.read(pairId)
    if (trigger === pairId || !this.#reserve(trigger) || !this.#reserve(pairId)) return -1
    const base = trigger * READS_PER_PAIR
    let free = -1
    for (let edge = 0; edge < this.top; edge++) {
      const known = this.#read[base + edge] as number
      if (known === pairId + 1) {
        const at = base + edge
        this.#lagsMs[at] = (this.#lagsMs[at] as number) + (lagMs - (this.#lagsMs[at] as number)) * LEARNING_RATE
        return edge
      }
      if (known === NONE && free < 0) free = edge
    }
    if (free < 0) return -1
    this.hasEdges = true
    this.#read[base + free] = pairId + 1
    this.#rates[base + free] = FIRST_RATE
    this.#lagsMs[base + free] = lagMs
    this.#addReader(pairId, trigger)
    return free
  }

  /** A read of the pair missed. */
  missed(pairId: number, chainId: number, atMs: number): void {
    this.#mined?.missed(pairId, chainId, atMs)
  }

  /** What was mined of the pair: edges to pairs that are read here, into `into`; how many. */
  minedAfter(pairId: number, into: readonly MinedEdge[]): number {
    return this.#mined?.after(pairId, into) ?? 0
  }

  /** Up to `limit` pairs that are read here and come after the pair's updates with at least `minScore`, likeliest first. */
  getPairsToWarm(pairId: number, options: { nowMs: number; limit: number; minScore: number }): readonly PairToWarm[] {
    const mined = this.#mined
    if (mined === undefined) return []
    const row = emptyRow()
    return row
      .slice(0, mined.after(pairId, row))
      .map((edge) => ({
        ...{ pairId: edge.event >> 1, score: scoreOf(edge), lagMs: edge.lagMs },
        reason: mined.reasonOf(edge, options.nowMs),
      }))
      .filter(({ score }) => score >= options.minScore)
      .sort((a, b) => b.score - a.score)
      .slice(0, options.limit)
  }

  /** Of an edge that `minedAfter` gave: what it rests on. */
  reasonOf(edge: MinedEdge, nowMs: number): string {
    return this.#mined?.reasonOf(edge, nowMs) ?? ''
  }

  /** The handlers of `trigger`'s update are through; bit e of `readEdges` says that edge e was read. */
  settle(trigger: number, readEdges: number): void {
    if (trigger >= this.#updates.length) return
    const base = trigger * READS_PER_PAIR
    for (let edge = 0; edge < this.top; edge++) {
      const at = base + edge
      if (this.#read[at] === NONE) continue
      const rate = this.#rates[at] as number
      const next = rate + ((((readEdges >> edge) & 1) as number) - rate) * LEARNING_RATE
      this.#rates[at] = next
      if (next < FORGET_RATE) this.#read[at] = NONE
    }
  }

  /** The pairs read after `trigger`'s updates, into `into`; how many. */
  readsAfter(trigger: number, into: KnownReads): number {
    into.count = 0
    if (!this.hasEdges || trigger >= this.#updates.length) return 0
    this.#collect(trigger, into)
    if (into.count === 0) this.#borrow(trigger, into)
    return into.count
  }

  /** A delisted pair neither reads nor is read. Edges to it fade by themselves. */
  forget(pairId: number): void {
    this.#mined?.forget(pairId)
    if (pairId >= this.#updates.length) return
    this.#read.fill(NONE, pairId * READS_PER_PAIR, (pairId + 1) * READS_PER_PAIR)
    this.#readers.fill(NONE, pairId * READERS_PER_PAIR, (pairId + 1) * READERS_PER_PAIR)
    if ((this.#updates[pairId] as number) > 0) this.#pairs--
    this.#updates[pairId] = 0
  }

  #collect(trigger: number, into: KnownReads): void {
    const base = trigger * READS_PER_PAIR
    for (let edge = 0; edge < this.top; edge++) {
      const read = this.#read[base + edge] as number
      if (read !== NONE) into.add(read - 1, this.#rates[base + edge] as number, this.#lagsMs[base + edge] as number)
    }
  }

  /** Siblings read each other: who reads the pair is likely read after it, and as much later. */
  #borrow(trigger: number, into: KnownReads): void {
    const base = trigger * READERS_PER_PAIR
    for (let r = 0; r < READERS_PER_PAIR; r++) {
      const reader = (this.#readers[base + r] as number) - 1
      if (reader >= 0) into.add(reader, FIRST_RATE, this.#lagOf(reader, trigger))
    }
  }

  #lagOf(trigger: number, pairId: number): number {
    const base = trigger * READS_PER_PAIR
    for (let edge = 0; edge < this.top; edge++)
      if (this.#read[base + edge] === pairId + 1) return this.#lagsMs[base + edge] as number
    return 0
  }

  #addReader(pairId: number, reader: number): void {
    const base = pairId * READERS_PER_PAIR
    // An edge that was forgotten and found again has its reader there still.
    if (this.#readers.subarray(base, base + READERS_PER_PAIR).includes(reader + 1)) return
    const next = this.#nextReaders[pairId] as number
    this.#readers[base + next] = reader + 1
    this.#nextReaders[pairId] = (next + 1) % READERS_PER_PAIR
  }

  #reserve(pairId: number): boolean {
    if (pairId < this.#updates.length) return true
    if (pairId >= this.maxPairs) {
      this.refusedCalls++
      return false
    }
    let pairs = this.#updates.length
    while (pairs <= pairId) pairs = Math.min(pairs * 2, this.maxPairs)
    this.#read = enlarged(this.#read, new Int32Array(pairs * READS_PER_PAIR))
    this.#rates = enlarged(this.#rates, new Float32Array(pairs * READS_PER_PAIR))
    this.#lagsMs = enlarged(this.#lagsMs, new Float32Array(pairs * READS_PER_PAIR))
    this.#readers = enlarged(this.#readers, new Int32Array(pairs * READERS_PER_PAIR))
    this.#nextReaders = enlarged(this.#nextReaders, new Uint8Array(pairs))
    this.#updates = enlarged(this.#updates, new Uint32Array(pairs))
    return true
  }
}

/** Pairs that are read after an update, with the share of updates after which they are, and the lag. Reused by its owner. */
export class KnownReads {
  count = 0
  readonly pairIds = new Int32Array(READS_PER_PAIR)
  readonly rates = new Float32Array(READS_PER_PAIR)
  readonly lagsMs = new Float32Array(READS_PER_PAIR)

  add(pairId: number, rate: number, lagMs: number): void {
    if (this.count >= READS_PER_PAIR) return
    this.pairIds[this.count] = pairId
    this.rates[this.count] = rate
    this.lagsMs[this.count] = lagMs
    this.count++
  }

  includes(pairId: number): boolean {
    for (let i = 0; i < this.count; i++) if (this.pairIds[i] === pairId) return true
    return false
  }
}

function enlarged<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from)
  return to
}
