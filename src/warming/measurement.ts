import type { Usage } from '../cache/l1/usage.ts'
import type { ControlGroup } from './control-group.ts'

/** A difference of hit ratios in percentage points, and between what it lies with 95 % certainty. */
export interface Improvement {
  readonly points: number
  readonly low: number
  readonly high: number
}

/** What warming has brought and cost since the start; undefined where nothing can be said yet. */
export interface WarmingFigures {
  /** Warms read before they left ÷ warms that have ended. */
  readonly accuracy: number | undefined
  /** Misses saved ÷ misses without warming, by the control group. */
  readonly coverage: number | undefined
  /** Warms that were read ÷ these and those that a read was faster than. */
  readonly timeliness: number | undefined
  /** Misses of what a warm had pushed out ÷ misses. */
  readonly pollution: number | undefined
  /** Pairs asked for that were there already ÷ pairs asked for. */
  readonly redundancy: number | undefined
  readonly l2ReadsPerSavedMiss: number | undefined
  /** Of the reads of updates that were warmed for against those of the control group. */
  readonly hitRateImprovement: Improvement | undefined
  readonly control: GroupFigures
  readonly warmed: GroupFigures
}

/** Updates whose detectors read anything, and those reads. */
export interface GroupFigures {
  readonly updates: number
  readonly reads: number
  readonly hitRatio: number | undefined
}

export interface MeasurementSources {
  readonly usage: Pick<Usage, 'warmCounts' | 'pushedOut'>
  readonly promotions: {
    readonly asked: number
    readonly alreadyInL1: number
    readonly late: number
    readonly loaded: number
  }
}

/** Updates in each group below which their difference says nothing. */
const FEWEST_UPDATES = 30
/** Of the normal distribution. */
const Z_95 = 1.96

/**
 * Reads of detectors by whether their update was warmed for. The reads of one update stand and fall together, so the
 * uncertainty comes from the spread between updates: the variance of a ratio of sums over clusters (Cochran, "Sampling
 * Techniques", 1977, section 6.3), not that of single reads. Updates are taken to be independent of each other.
 *
 * Hit ratios are near 1, where a group may have had no miss yet and would be certain of having none ever. So the interval
 * is that of the groups with two more updates each, one with nothing but hits and one with nothing but misses (Agresti
 * and Caffo, "Simple and effective confidence intervals", The American Statistician 54, 2000).
 *
 * Where both groups read the same pairs, a warm for one is a hit for the other, and what a warm pushes out is a miss for
 * both: the difference leaves out both.
 */
export class Measurement {
  readonly #control: ControlGroup
  readonly #unwarmed = new Clusters()
  readonly #warmed = new Clusters()

  constructor(control: ControlGroup) {
    this.#control = control
  }

  /** The handlers of an update are through: so many reads, of which so many were hits. */
  settled(update: { readonly pairId: number; readonly eventTimeMs: number }, reads: number, hits: number): void {
    if (reads === 0) return
    const group = this.#control.includes(update.pairId, update.eventTimeMs) ? this.#unwarmed : this.#warmed
    group.add(reads, hits)
  }

  figures({ usage, promotions }: MeasurementSources): WarmingFigures {
    const { used, unused } = usage.warmCounts
    const control = this.#unwarmed.ratio
    const warmed = this.#warmed.ratio
    const enough = Math.min(this.#unwarmed.count, this.#warmed.count) >= FEWEST_UPDATES
    const gain = enough && control !== undefined && warmed !== undefined ? warmed - control : undefined
    const saved = gain === undefined ? 0 : gain * this.#warmed.reads
    return {
      accuracy: ratio(used, used + unused),
      coverage: gain === undefined || control === undefined || control === 1 ? undefined : gain / (1 - control),
      timeliness: ratio(used, used + promotions.late),
      pollution: ratio(usage.pushedOut.missed, this.#warmed.misses + this.#unwarmed.misses),
      redundancy: ratio(promotions.alreadyInL1, promotions.asked),
      l2ReadsPerSavedMiss: saved > 0 ? promotions.loaded / saved : undefined,
      hitRateImprovement: gain === undefined ? undefined : this.#interval(gain),
      control: this.#unwarmed.figures(),
      warmed: this.#warmed.figures(),
    }
  }

  #interval(gain: number): Improvement {
    const [warmed, unwarmed] = [this.#warmed.cautious(), this.#unwarmed.cautious()]
    const middle = (warmed.ratio ?? 0) - (unwarmed.ratio ?? 0)
    const error = Z_95 * Math.sqrt(warmed.variance + unwarmed.variance)
    return {
      points: gain * 100,
      low: Math.max(-1, middle - error) * 100,
      high: Math.min(1, middle + error) * 100,
    }
  }
}

/** Sums over updates; all that the ratio of hits to reads and its variance need. */
class Clusters {
  count = 0
  reads = 0
  #hits = 0
  #readsSquared = 0
  #hitsSquared = 0
  #product = 0

  add(reads: number, hits: number): void {
    this.count++
    this.reads += reads
    this.#hits += hits
    this.#readsSquared += reads * reads
    this.#hitsSquared += hits * hits
    this.#product += reads * hits
  }

  get ratio(): number | undefined {
    return ratio(this.#hits, this.reads)
  }

  get misses(): number {
    return this.reads - this.#hits
  }

  /** With an update of nothing but hits and one of nothing but misses, both with as many reads as others have. */
  cautious(): Clusters {
    const more = new Clusters()
    const reads = this.reads / this.count
    more.count = this.count
    more.reads = this.reads
    more.#hits = this.#hits
    more.#readsSquared = this.#readsSquared
    more.#hitsSquared = this.#hitsSquared
    more.#product = this.#product
    more.add(reads, reads)
    more.add(reads, 0)
    return more
  }

  get variance(): number {
    const mean = this.ratio
    if (mean === undefined || this.count < 2) return Number.POSITIVE_INFINITY
    const squares = this.#hitsSquared - 2 * mean * this.#product + mean * mean * this.#readsSquared
    return (Math.max(0, squares) * this.count) / (this.count - 1) / (this.reads * this.reads)
  }

  figures(): GroupFigures {
    return { updates: this.count, reads: this.reads, hitRatio: this.ratio }
  }
}

function ratio(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole
}
