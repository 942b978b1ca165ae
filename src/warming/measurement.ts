import type { Usage } from '../cache/l1/usage.ts'
import type { ComparedCounts, SettledUpdate } from './arms/compared-counts.ts'
import type { Comparison } from './arms/comparison.ts'
import type { ControlGroup } from './control-group.ts'

/** A difference of hit ratios in percentage points, and its 95 % confidence interval. */
export interface Improvement {
  readonly points: number
  readonly low: number
  readonly high: number
}

/** What warming brings and costs. A figure is undefined until it can be measured. */
export interface WarmingRatios {
  /** Warms that were read before they left L1 ÷ all warms that were read or have left. */
  readonly accuracy: number | undefined
  /** Misses saved ÷ misses without warming. Below 0: warming costs hits. */
  readonly coverage: number | undefined
  /** Warms that were read ÷ these and the warms that came after their read. */
  readonly timeliness: number | undefined
  /** Misses of pairs that a warm had evicted ÷ all misses. */
  readonly pollution: number | undefined
  /** Requested pairs that were in L1 already ÷ all requested pairs. */
  readonly redundancy: number | undefined
  /** Values read from L2 for warms, also for those that came late ÷ misses saved. */
  readonly l2ReadsPerSavedMiss: number | undefined
}

/**
 * The ratios of a node since its start, where the control group shows what would be without warming. What is compared with
 * that group begins anew when its share changes.
 */
export interface WarmingFigures extends WarmingRatios {
  /** The hit ratio after updates that were warmed for, less the hit ratio after those of the control group. */
  readonly hitRateImprovement: Improvement | undefined
  readonly control: GroupFigures
  readonly warmed: GroupFigures
}

/** The updates after which detectors read anything, and these reads. */
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

/** With fewer updates in a group, the difference between the groups says nothing. */
const FEWEST_UPDATES = 30
/** 95 % of a normal distribution lie within so many standard deviations. */
const Z_95 = 1.96

export interface MeasurementOptions {
  readonly control: ControlGroup
  /** Is told of the same updates, to compare strategies. */
  readonly comparison?: Pick<Comparison, 'control' | 'warmed' | 'again'>
  /** Whether updates of the pair warm at the moment, as far as the control group lets them; all do unless given. */
  readonly isWarming?: (pairId: number) => boolean
  /** Counts what is compared, for rates over any time. */
  readonly counts?: ComparedCounts
}

/**
 * Compares the reads of detectors after updates that were warmed for with those after the updates of the control group.
 *
 * The reads of one update hit or miss together. So the uncertainty comes from the spread between updates and not
 * between reads: it is the variance of a ratio of sums over clusters (Cochran, "Sampling Techniques", 1977, section
 * 6.3). Updates are taken to be independent of each other.
 *
 * Hit ratios are near 1, and a group without a miss so far would seem certain never to have one. So the interval is
 * computed with two more updates in each group, one of hits only and one of misses only (Agresti and Caffo, "Simple and
 * effective confidence intervals", The American Statistician 54, 2000).
 *
 * If both groups read the same pairs, a warm for one group is also a hit for the other, and an eviction by a warm is a
 * miss for both. The difference between the groups leaves both effects out.
 */
export class Measurement {
  readonly #options: MeasurementOptions
  #unwarmed = new Clusters()
  #warmed = new Clusters()
  /** The share of the control group in both. */
  #share: number
  /** What was counted with other shares. */
  readonly #earlier = { warmedReads: 0, misses: 0 }

  constructor(options: MeasurementOptions) {
    this.#options = options
    this.#share = options.control.share
  }

  /** Counts an update whose handlers have settled, with their reads and how many of these were hits. */
  settled(update: SettledUpdate, reads: number, hits: number): void {
    const { control, comparison, isWarming, counts } = this.#options
    if (reads === 0 || isWarming?.(update.pairId) === false) return
    if (control.share !== this.#share) this.#restart()
    const isControl = control.includes(update.pairId, update.eventTimeMs)
    const group = isControl ? this.#unwarmed : this.#warmed
    group.add(reads, hits)
    counts?.settled(isControl, update, { reads, hits })
    comparison?.[isControl ? 'control' : 'warmed'].settled(update.pairId, reads, hits)
  }

  figures({ usage, promotions }: MeasurementSources): WarmingFigures {
    const { used, unused } = usage.warmCounts
    const control = this.#unwarmed.ratio
    const warmed = this.#warmed.ratio
    const enough = Math.min(this.#unwarmed.count, this.#warmed.count) >= FEWEST_UPDATES
    const gain = enough && control !== undefined && warmed !== undefined ? warmed - control : undefined
    const { warmedReads, misses } = this.#earlier
    const saved = gain === undefined ? 0 : gain * (warmedReads + this.#warmed.reads)
    return {
      accuracy: ratio(used, used + unused),
      coverage: gain === undefined || control === undefined || control === 1 ? undefined : gain / (1 - control),
      timeliness: ratio(used, used + promotions.late),
      pollution: ratio(usage.pushedOut.missed, misses + this.#warmed.misses + this.#unwarmed.misses),
      redundancy: ratio(promotions.alreadyInL1, promotions.asked),
      l2ReadsPerSavedMiss: saved > 0 ? promotions.loaded / saved : undefined,
      hitRateImprovement: gain === undefined ? undefined : this.#interval(gain),
      control: this.#unwarmed.figures(),
      warmed: this.#warmed.figures(),
    }
  }

  /**
   * With another share, the groups would be of different times: the one whose share grows has more of the later updates, and
   * the difference would tell of the times.
   */
  #restart(): void {
    const { control, comparison } = this.#options
    this.#share = control.share
    this.#earlier.warmedReads += this.#warmed.reads
    this.#earlier.misses += this.#warmed.misses + this.#unwarmed.misses
    this.#unwarmed = new Clusters()
    this.#warmed = new Clusters()
    comparison?.again()
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

/** The sums over updates that the ratio of hits to reads and its variance need. */
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

  /** With two more updates of average size, one of hits only and one of misses only. */
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
