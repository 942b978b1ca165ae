import type { Confidence } from './confidence.ts'
import { TrackedPairs } from './tracked-pairs.ts'

/**
 * What is read next, told by the log of reads itself: when a pair is read, its last OCCURRENCES places in the log are
 * looked up, and what was read in the SPAN entries after each of them is counted. Nothing is stored but the log, an
 * association counts from its first repetition, and it adapts at once.
 *
 *   log   … A x B y … A B z x … A B …            A is read now:
 *             └─────┘   └─────┘   └──┘           B came after 3 of 3, x after 2 of 3
 *
 * Pairs are integers below `maxPairs`. The places in the log of `maxTracked` of them are known at a time: one that was not
 * read for long makes room for a new one (tracked-pairs.ts), which has no places yet. What is said of it in the log says
 * it of the pair itself, so nothing of the one is held of the other. Pure and synchronous; its own clock is the number of reads.
 */

/** Places of a pair that are looked up, the latest ones: as many as four bits count. */
const OCCURRENCES = 15
/** Entries looked at after each place. */
export const SPAN = 12
/** Candidates of one read, at most. */
export const MAX_CANDIDATES = OCCURRENCES * SPAN
const NO_PAIR = -1
/** Kept in a row, the latest in the ring's next place but one: a power of two of 4 B each, a line of the processor's cache. */
const RING = OCCURRENCES + 1

export interface ReadBackOptions {
  readonly maxPairs: number
  /** All of them unless given. */
  readonly maxTracked?: number | undefined
  /** Reads that the log holds; older ones are forgotten. */
  readonly logReads?: number
  readonly confidence: Confidence
  /** 0 to 1: how probable a read must be to be proposed, to begin with. */
  readonly threshold: number
  /** Proposals of one read, at most. */
  readonly limit: number
}

/** 32 MB: on a trace of 76,000 keys an eighth of it costs half a point of hit ratio. */
const LOG_READS = 2 ** 23

/** Where what is proposed would be brought to. */
export interface AtHand {
  /** Whether the pair is there, and needs no warm. */
  has(pairId: number): boolean
  /** It is, and would be proposed if it were not. */
  renew(pairId: number): void
}

export class ReadBack {
  readonly #options: ReadBackOptions
  readonly #log: Int32Array
  readonly #mask: number
  /** By which rows are kept of a pair. */
  readonly #tracked: TrackedPairs
  /** RING a row: the number of the read in which it was read, as an unsigned integer of 32 bits. */
  readonly #places: Uint32Array
  readonly #counts: Uint32Array
  /** Reads so far: where the next one goes. */
  #now = 0
  /**
   * Of the read in hand, by pair: in the lowest four bits the number of places it came after, in the next four the last
   * of them, above them its kind: the band of its first distance × 2, + 1 where it came after the latest place, too.
   */
  readonly #seen: Uint16Array
  readonly #candidates = new Int32Array(MAX_CANDIDATES)
  /** 0 to 1: how probable a read must be to be proposed. */
  threshold: number
  /** Proposals of the read in hand, the most probable first. */
  readonly pairIds: Int32Array
  readonly scores: Float64Array
  count = 0
  /** Reads of pairs for which there was no room: nothing was learned from them. */
  refusedReads = 0
  /** Pairs that made room for others. */
  recycled = 0

  constructor(options: ReadBackOptions) {
    const { maxPairs, maxTracked = maxPairs, logReads = LOG_READS, threshold, limit } = options
    if (logReads < 1 || (logReads & (logReads - 1)) !== 0)
      throw new RangeError(`logReads: a power of two expected, got ${logReads}`)
    this.#options = options
    this.threshold = threshold
    this.#log = new Int32Array(logReads).fill(NO_PAIR)
    this.#mask = logReads - 1
    const rows = Math.min(maxTracked, maxPairs)
    this.#places = new Uint32Array(rows * RING)
    this.#counts = new Uint32Array(rows)
    this.#tracked = new TrackedPairs(rows, (row) => {
      this.#counts[row] = 0
      this.recycled++
    })
    this.#seen = new Uint16Array(maxPairs)
    this.pairIds = new Int32Array(limit)
    this.scores = new Float64Array(limit)
  }

  /** A read of the pair: what will follow it, into `pairIds` and `scores`. */
  read(pairId: number, atHand: AtHand): void {
    // Also where there is no row for it: it may have been proposed, as the log knows it from before.
    this.#options.confidence.read(pairId, this.#now)
    const row = this.#tracked.see(pairId)
    this.count = 0
    if (row < 0) {
      this.refusedReads++
      return
    }
    const count = this.#counts[row] as number
    if (count > 0) this.#propose(pairId, row, atHand)
    this.#places[row * RING + (count % RING)] = this.#now
    this.#counts[row] = count + 1
    this.#log[this.#now & this.#mask] = pairId
    this.#now++
  }

  #propose(pairId: number, row: number, atHand: AtHand): void {
    const { confidence } = this.#options
    const places = Math.min(this.#counts[row] as number, OCCURRENCES)
    const candidates = this.#gather(row, places)
    for (let c = 0; c < candidates; c++) {
      const candidate = this.#candidates[c] as number
      const seen = this.#seen[candidate] as number
      this.#seen[candidate] = 0
      if (candidate === pairId) continue
      const bucket = confidence.bucketOf(places, seen & 15, seen >> 8)
      const score = confidence.of(bucket)
      if (atHand.has(candidate)) {
        if (score >= this.threshold) atHand.renew(candidate)
        continue
      }
      confidence.propose(candidate, bucket, this.#now)
      if (score >= this.threshold) this.#keep(candidate, score)
    }
  }

  /** Counts what follows the row's places; how many candidates there are. */
  #gather(row: number, places: number): number {
    const latest = (this.#counts[row] as number) - 1
    let found = 0
    for (let p = 0; p < places; p++) {
      const ago = (this.#now - (this.#places[row * RING + ((latest - p) % RING)] as number)) >>> 0
      if (ago > this.#mask) break
      const place = this.#now - ago
      const end = Math.min(place + SPAN, this.#now - 1)
      for (let at = place + 1; at <= end; at++) {
        const candidate = this.#log[at & this.#mask] as number
        const seen = this.#seen[candidate] as number
        if (seen === 0) {
          this.#candidates[found++] = candidate
          this.#seen[candidate] = ((bandOf(at - place) * 2 + (p === 0 ? 1 : 0)) << 8) | (p << 4) | 1
        } else if (((seen >> 4) & 15) !== p) this.#seen[candidate] = ((seen & ~0xf0) | (p << 4)) + 1
      }
    }
    return found
  }

  /** Among the best, in order. */
  #keep(candidate: number, score: number): void {
    const { limit } = this.#options
    let at = this.count < limit ? this.count++ : limit
    if (at === limit) {
      if (score <= (this.scores[limit - 1] as number)) return
      at = limit - 1
    }
    for (; at > 0 && (this.scores[at - 1] as number) < score; at--) {
      this.scores[at] = this.scores[at - 1] as number
      this.pairIds[at] = this.pairIds[at - 1] as number
    }
    this.scores[at] = score
    this.pairIds[at] = candidate
  }
}

/** Distances in the log that behave alike: 1, 2–3, 4–6, and more. */
function bandOf(distance: number): number {
  if (distance <= 1) return 0
  if (distance <= 3) return 1
  return distance <= 6 ? 2 : 3
}
