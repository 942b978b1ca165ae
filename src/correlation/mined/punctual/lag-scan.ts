import { enlarged } from '../../../../schemas/enlarged.ts'
import { PROFILE_MS } from './lag-profile.ts'
import type { ReadHistory } from './read-history.ts'

/** The last updates of a leader that are looked at; more find little more. */
export const TRIALS = 8
/** Fewer are looked at if more reads than this come after them. */
const MAX_ENTRIES = 2 ** 16
/** A follower that answers less than one update of three is not worth a warm, and a single read is no rule. */
const LEAST_SHARE = 1 / 3
const LEAST_HITS = 2
/** A read costs as much as so many entries of the log: places in the table are further apart. */
const LOOKING_COST = 4
const FIRST_READERS = 1_024

/** A pair that was read at one lag after `hits` of the updates. */
export interface LagHits {
  readonly pairId: number
  readonly lagMs: number
  readonly hits: number
  /** The pair's reads at all lags. */
  readonly total: number
}

/** A place in the table has hits × TRIALS + the last trial with a hit. */
const TRIAL_MASK = TRIALS - 1

/**
 * Counts which pairs are read how many milliseconds after a leader's updates. Its table, of pairs by lags, has the number
 * of updates with a read at that lag. A read may be in the history twice, if one of another millisecond came in between:
 * it counts once.
 */
export class LagScan {
  /** The times of the current leader's updates, the last first. */
  readonly trialsMs = new Float64Array(TRIALS)
  trials = 0
  /** Indexed by lag: the reads after all trials. `allReads`: their sum. */
  readonly reads = new Int32Array(PROFILE_MS)
  allReads = 0
  /** The cost over all leaders: entries that a scan by bands looks at in that time. */
  looked = 0
  /** Indexed by pair: its row in the table + 1, 0 if it has none. */
  readonly #rowOf: Int32Array
  #rows = 0
  /** Indexed by row: its pair, and the pair's reads. */
  #pairIds = new Int32Array(FIRST_READERS)
  #totals = new Int32Array(FIRST_READERS)
  /** PROFILE_MS a row. */
  #hits = new Uint8Array(FIRST_READERS * PROFILE_MS)
  /** Places in the table with enough hits. */
  readonly #found: number[] = []

  constructor(maxPairs: number) {
    this.#rowOf = new Int32Array(maxPairs)
  }

  /** Finds the pairs that were often enough read at one lag after the first `trials` of `trialsMs`, or fewer of them. */
  scan(history: ReadHistory, trials: number): readonly LagHits[] {
    this.#begin()
    this.trials = this.#trialsWithin(history, trials)
    if (this.trials < LEAST_HITS) return []
    const least = Math.ceil(Math.max(LEAST_HITS, this.trials * LEAST_SHARE))
    for (let trial = 0; trial < this.trials; trial++) this.#count(history, trial, least)
    this.allReads = this.reads.reduce((sum, reads) => sum + reads, 0)
    this.looked += this.allReads * LOOKING_COST
    return this.#found.map((place) => this.#hitsAt(place))
  }

  #begin(): void {
    this.#hits.fill(0, 0, this.#rows * PROFILE_MS)
    for (let row = 0; row < this.#rows; row++) this.#rowOf[this.#pairIds[row] as number] = 0
    this.#rows = 0
    this.#found.length = 0
    this.reads.fill(0)
  }

  #trialsWithin(history: ReadHistory, trials: number): number {
    let entries = 0
    for (let trial = 0; trial < trials; trial++) {
      const atMs = this.trialsMs[trial] as number
      // Reads from so long ago are no longer remembered.
      if (atMs + PROFILE_MS <= history.sinceMs) return trial
      entries += history.indexAt(atMs + PROFILE_MS) - history.indexAt(atMs)
      if (entries > MAX_ENTRIES) return trial
    }
    return trials
  }

  #count(history: ReadHistory, trial: number, least: number): void {
    const { timesMs, pairIds } = history
    const atMs = this.trialsMs[trial] as number
    const from = history.indexAt(atMs)
    const end = history.indexAt(atMs + PROFILE_MS)
    this.#reserve(this.#rows + end - from)
    const [hits, totals, reads, found] = [this.#hits, this.#totals, this.reads, this.#found]
    for (let at = from; at < end; at++) {
      const lag = ((timesMs[at] as number) - atMs) | 0
      const row = this.#rowOfPair(pairIds[at] as number)
      const place = row * PROFILE_MS + lag
      const before = hits[place] as number
      if (before > 0 && (before & TRIAL_MASK) === trial) continue
      const count = Math.floor(before / TRIALS) + 1
      hits[place] = count * TRIALS + trial
      if (count === least) found.push(place)
      totals[row] = (totals[row] as number) + 1
      reads[lag] = (reads[lag] as number) + 1
    }
  }

  #rowOfPair(pairId: number): number {
    const known = this.#rowOf[pairId] as number
    if (known > 0) return known - 1
    const row = this.#rows++
    this.#rowOf[pairId] = row + 1
    this.#pairIds[row] = pairId
    this.#totals[row] = 0
    return row
  }

  #hitsAt(place: number): LagHits {
    const row = Math.floor(place / PROFILE_MS)
    return {
      pairId: this.#pairIds[row] as number,
      lagMs: place - row * PROFILE_MS,
      hits: Math.floor((this.#hits[place] as number) / TRIALS),
      total: this.#totals[row] as number,
    }
  }

  #reserve(atLeast: number): void {
    if (atLeast <= this.#pairIds.length) return
    const rows = Math.max(atLeast, this.#pairIds.length * 2)
    this.#pairIds = enlarged(this.#pairIds, new Int32Array(rows))
    this.#totals = enlarged(this.#totals, new Int32Array(rows))
    this.#hits = enlarged(this.#hits, new Uint8Array(rows * PROFILE_MS))
  }
}
