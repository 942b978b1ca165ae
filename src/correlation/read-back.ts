import type { Confidence } from './confidence.ts'
import { TrackedPairs } from './tracked-pairs.ts'

/**
 * Predicts the next reads from the log of reads alone. When a pair is read, its latest occurrences in the log (at most
 * OCCURRENCES) are looked up, and the pairs in the SPAN entries after each of them are counted. Only the log is stored, an
 * association counts from its first repetition, and a change shows at once.
 *
 *   log   … A x B y … A B z x … A B …            A is read now:
 *             └─────┘   └─────┘   └──┘           B came after 3 of 3, x after 2 of 3
 *
 * Pairs are integers below `maxPairs`. Occurrences are kept for `maxTracked` of them at a time: a pair that was not read
 * for long makes room for a new one (tracked-pairs.ts), which has none yet. The log itself names pairs by their ids, so the
 * new pair inherits nothing from the old one. Pure and synchronous; its clock is the number of reads.
 */

/** The latest occurrences of a pair are looked up, as many as four bits can count. */
const OCCURRENCES = 15
/** Entries that are looked at after each occurrence. */
export const SPAN = 12
/** The most candidates of one read. */
export const MAX_CANDIDATES = OCCURRENCES * SPAN
/** Occurrences in a row, a ring: a power of two of 4 B each, which is a line of the processor's cache. */
const RING = OCCURRENCES + 1

export interface ReadBackOptions {
  readonly maxPairs: number
  /** All pairs unless given. */
  readonly maxTracked?: number | undefined
  /** Reads that the log holds, a power of two; older ones are forgotten. */
  readonly logReads?: number | undefined
  readonly confidence: Confidence
  /** The threshold to begin with. */
  readonly threshold: number
  /** The most proposals of one read, to begin with; MAX_CANDIDATES at most. */
  readonly limit: number
}

/** They take 32 MB; with an eighth of that, a trace of 76,000 keys loses half a point of its hit ratio. */
const LOG_READS = 2 ** 23

/** The cache that proposed pairs would be warmed into. */
export interface AtHand {
  /** Whether the pair is resident, so that it needs no warm. */
  has(pairId: number): boolean
  /** The pair is resident, and would be proposed if it were not. */
  renew(pairId: number): void
}

/** A pair that came after `count` of another pair's last `occurrences` reads, and the probability that it does so again. */
export interface ScoredPair {
  readonly pairId: number
  readonly score: number
  readonly count: number
  readonly occurrences: number
}

export class ReadBack {
  readonly #options: ReadBackOptions
  /** Each entry is a pair's id + 1: memory of zeros takes no room before it is written. */
  readonly #log: Int32Array
  readonly #mask: number
  /** Gives each tracked pair a row. */
  readonly #tracked: TrackedPairs
  /** RING a row: the pair's last occurrences in the log, as unsigned integers of 32 bits. */
  readonly #occurrences: Uint32Array
  /** A row's pair was read so many times. */
  readonly #counts: Uint32Array
  /** Reads so far, which is the next one's position in the log. */
  #now = 0
  /**
   * One a pair, for the current read. The lowest four bits: the number of occurrences that the pair came after. The next
   * four: the last of these. The rest: its kind, which is the band of its first distance × 2, + 1 if it came after the
   * latest occurrence.
   */
  readonly #seen: Uint16Array
  readonly #candidates = new Int32Array(MAX_CANDIDATES)
  /** A pair is proposed if the probability of its read, 0 to 1, is at least this. */
  threshold: number
  /** The most proposals of one read; MAX_CANDIDATES at most. */
  limit: number
  /** The proposals of the last read, the most probable first. */
  readonly pairIds: Int32Array
  readonly scores: Float64Array
  count = 0
  /** Reads that were not learned from, as there was no row for their pair. */
  refusedReads = 0
  /** Pairs that lost their row to another one. */
  recycled = 0

  constructor(options: ReadBackOptions) {
    const { maxPairs, maxTracked = maxPairs, logReads = LOG_READS, threshold, limit } = options
    if (logReads < 1 || (logReads & (logReads - 1)) !== 0)
      throw new RangeError(`logReads: expected a power of two, got ${logReads}`)
    this.#options = options
    this.threshold = threshold
    this.limit = limit
    this.#log = new Int32Array(logReads)
    this.#mask = logReads - 1
    const rows = Math.min(maxTracked, maxPairs)
    this.#occurrences = new Uint32Array(rows * RING)
    this.#counts = new Uint32Array(rows)
    this.#tracked = new TrackedPairs(rows, (row) => {
      this.#counts[row] = 0
      this.recycled++
    })
    this.#seen = new Uint16Array(maxPairs)
    this.pairIds = new Int32Array(MAX_CANDIDATES)
    this.scores = new Float64Array(MAX_CANDIDATES)
  }

  /** The pair is read: fills `pairIds` and `scores` with the pairs that are likely to be read next. */
  read(pairId: number, atHand: AtHand): void {
    // Even if it has no row: the log knows it from earlier, so it may have been proposed.
    this.#options.confidence.read(pairId, this.#now)
    const row = this.#tracked.see(pairId)
    this.count = 0
    if (row < 0) {
      this.refusedReads++
      return
    }
    const count = this.#counts[row] as number
    if (count > 0) this.#propose(pairId, row, atHand)
    this.#occurrences[row * RING + (count % RING)] = this.#now
    this.#counts[row] = count + 1
    this.#log[this.#now & this.#mask] = pairId + 1
    this.#now++
  }

  /** The pairs that are likely to be read after the pair, resident ones too, the likeliest first. Nothing is learned. */
  following(pairId: number): readonly ScoredPair[] {
    const row = this.#tracked.find(pairId)
    if (row < 0) return []
    const last = (this.#counts[row] as number) - 1
    // Nothing was read yet after a read that was the last of all.
    const isNow = last >= 0 && ((this.#occurrences[row * RING + (last % RING)] as number) + 1) >>> 0 === this.#now >>> 0
    const latest = isNow ? last - 1 : last
    const occurrences = Math.min(latest + 1, OCCURRENCES)
    const candidates = this.#gather(row, occurrences, latest)
    const found: ScoredPair[] = []
    for (let c = 0; c < candidates; c++) {
      const candidate = this.#candidates[c] as number
      const seen = this.#seen[candidate] as number
      this.#seen[candidate] = 0
      const score = this.#options.confidence.of(this.#options.confidence.bucketOf(occurrences, seen & 15, seen >> 8))
      if (candidate !== pairId) found.push({ pairId: candidate, score, count: seen & 15, occurrences })
    }
    return found.sort((a, b) => b.score - a.score)
  }

  #propose(pairId: number, row: number, atHand: AtHand): void {
    const { confidence } = this.#options
    const occurrences = Math.min(this.#counts[row] as number, OCCURRENCES)
    const candidates = this.#gather(row, occurrences, (this.#counts[row] as number) - 1)
    for (let c = 0; c < candidates; c++) {
      const candidate = this.#candidates[c] as number
      const seen = this.#seen[candidate] as number
      this.#seen[candidate] = 0
      if (candidate === pairId) continue
      const bucket = confidence.bucketOf(occurrences, seen & 15, seen >> 8)
      const score = confidence.of(bucket)
      if (atHand.has(candidate)) {
        if (score >= this.threshold) atHand.renew(candidate)
        continue
      }
      confidence.propose(candidate, bucket, this.#now)
      if (score >= this.threshold) this.#keep(candidate, score)
    }
  }

  /** Counts the pairs that follow the row's occurrences, the number `latest` and earlier ones. Returns the number of candidates. */
  #gather(row: number, occurrences: number, latest: number): number {
    let found = 0
    for (let p = 0; p < occurrences; p++) {
      const ago = (this.#now - (this.#occurrences[row * RING + ((latest - p) % RING)] as number)) >>> 0
      if (ago > this.#mask) break
      const occurrence = this.#now - ago
      const end = Math.min(occurrence + SPAN, this.#now - 1)
      for (let at = occurrence + 1; at <= end; at++) {
        const candidate = (this.#log[at & this.#mask] as number) - 1
        const seen = this.#seen[candidate] as number
        if (seen === 0) {
          this.#candidates[found++] = candidate
          this.#seen[candidate] = ((bandOf(at - occurrence) * 2 + (p === 0 ? 1 : 0)) << 8) | (p << 4) | 1
        } else if (((seen >> 4) & 15) !== p) this.#seen[candidate] = ((seen & ~0xf0) | (p << 4)) + 1
      }
    }
    return found
  }

  /** Inserts the candidate among the best, in order. */
  #keep(candidate: number, score: number): void {
    const { limit } = this
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

/** The distances in a band (1, 2–3, 4–6, more) are about equally good evidence. */
function bandOf(distance: number): number {
  if (distance <= 1) return 0
  if (distance <= 3) return 1
  return distance <= 6 ? 2 : 3
}
