import { enlarged, lengthFor } from '../../../schemas/enlarged.ts'
import { EDGES_PER_ROW, emptyRow, type MinedEdge, SURE_Z } from './edge-rows.ts'
import { FAR_BANDS, FAR_SUMS, type Late, lateOf } from './far-bands.ts'
import { FAR_SHORTLIST } from './far-scan.ts'
import { type Answers, BANDS, chanceOf, lagMsOf, zOf } from './lag-bands.ts'
import { SHORTLIST } from './leader-scan.ts'
import { PIECE_COST, type Pieces } from './pieces.ts'
import { NEVER, SLICE_MS } from './update-log.ts'

/**
 * The evidence for the followers of each pair, added up over all stretches: for a slow pair that takes hours. Evidence
 * loses half its weight in an hour of event time. It stands in the miner's own memory, for more followers than a row
 * shows: one that is not among the best yet may be after the next stretch.
 */
export const HALF_LIFE_MS = 3_600_000
const HALF_LIFE_SLICES = HALF_LIFE_MS / SLICE_MS
const KEPT = 24
const MAX_CANDIDATES = KEPT + SHORTLIST + FAR_SHORTLIST
/** An edge with a lower z is as likely as not to be noise. */
const LEAST_Z = 2
/** A pair with fewer trials is mined in each stretch: a slow pair has no other way to come to many. */
const FEW_TRIALS = 1_024
/** One with more is mined once it has this share more, counted over the stretches that were passed over. */
const GROWTH = 1 / 4
const FIRST_PAIRS = 1_024
/** Pairs that are looked at in the time of a piece. */
const PAIRS_A_PIECE = 4_096
const NO_FOLLOWER = 0

/** Indices of a follower's sums over its trials. Its counts in each band come after them, then those in the late bands. */
const TRIALS = 0
const RATES = 1
const HITS = 2
const CHANCES = 3
const COUNTS = 4
const LATE_TRIALS = COUNTS + BANDS
const LATE = LATE_TRIALS + 1
const STRIDE = LATE + FAR_BANDS * FAR_SUMS

/** The evidence of one stretch: the follower came soon after `hits` of `trials`; it last came in `lastSlice`, or NEVER. */
export interface Finding {
  readonly trials: number
  /** So many of the trials were looked at for followers that come late. */
  readonly lateTrials: number
  readonly rate: number
  readonly hits: number
  readonly lastSlice: number
}

export class Evidence {
  readonly #maxPairs: number
  readonly #lateWidths: readonly number[]
  /** KEPT a pair: mark + 1. */
  #marks = new Int32Array(0)
  #lastSlices = new Int32Array(0)
  #sums = new Float32Array(0)
  /** Indexed by pair: trials that still count, and the slice up to which it was mined. */
  #trials = new Float32Array(0)
  #minedTo = new Int32Array(0)
  /** Indexed by pair: its occurrences since then. */
  #passedOver = new Float32Array(0)
  /** The candidates of the current pair. */
  readonly #open = {
    count: 0,
    marks: new Int32Array(MAX_CANDIDATES),
    lastSlices: new Int32Array(MAX_CANDIDATES),
    sums: new Float32Array(MAX_CANDIDATES * STRIDE),
    scores: new Float64Array(MAX_CANDIDATES),
  }
  readonly row: readonly MinedEdge[] = emptyRow()

  /** `lateWidths`: the widths of the late bands, in slices. */
  constructor(maxPairs: number, lateWidths: readonly number[]) {
    this.#maxPairs = maxPairs
    this.#lateWidths = lateWidths
  }

  /** Whether so many more occurrences of the pair, up to the slice, are worth mining; if not, they are passed over. */
  isWorthMining(pairId: number, occurrences: number, slice: number): boolean {
    this.#reserve(pairId)
    const trials = (this.#trials[pairId] as number) * this.#keptAt(pairId, slice)
    const passedOver = (this.#passedOver[pairId] as number) + occurrences
    if (trials < FEW_TRIALS || passedOver >= trials * GROWTH) return true
    this.#passedOver[pairId] = passedOver
    return false
  }

  /** The number of candidates of the current pair. */
  get count(): number {
    return this.#open.count
  }

  markAt(candidate: number): number {
    return this.#open.marks[candidate] as number
  }

  /** Makes the pair current, at a slice; its evidence loses the weight that it has lost until then. */
  open(pairId: number, slice: number): void {
    this.#reserve(pairId)
    const open = this.#open
    const kept = this.#keptAt(pairId, slice)
    this.#trials[pairId] = (this.#trials[pairId] as number) * kept
    open.count = 0
    for (let at = pairId * KEPT; at < (pairId + 1) * KEPT; at++) {
      if (this.#marks[at] === NO_FOLLOWER) continue
      open.marks[open.count] = (this.#marks[at] as number) - 1
      open.lastSlices[open.count] = this.#lastSlices[at] as number
      for (let sum = 0; sum < STRIDE; sum++)
        open.sums[open.count * STRIDE + sum] = (this.#sums[at * STRIDE + sum] as number) * kept
      open.count++
    }
  }

  /** Adds a candidate, unless it is one already. */
  propose(mark: number): void {
    const open = this.#open
    if (open.count === MAX_CANDIDATES || open.marks.subarray(0, open.count).includes(mark)) return
    open.marks[open.count] = mark
    open.sums.fill(0, open.count * STRIDE, (open.count + 1) * STRIDE)
    open.count++
  }

  /** The array to which a candidate's counts are added: BANDS from `at`, and FAR_SUMS for each late band from `lateAt`. */
  countsOf(candidate: number): { readonly counts: Float32Array; readonly at: number; readonly lateAt: number } {
    return { counts: this.#open.sums, at: candidate * STRIDE + COUNTS, lateAt: candidate * STRIDE + LATE }
  }

  add(candidate: number, { trials, lateTrials, rate, hits, lastSlice }: Finding): void {
    const { sums, lastSlices } = this.#open
    const at = candidate * STRIDE
    sums[at + TRIALS] = (sums[at + TRIALS] as number) + trials
    sums[at + LATE_TRIALS] = (sums[at + LATE_TRIALS] as number) + lateTrials
    sums[at + RATES] = (sums[at + RATES] as number) + rate * trials
    sums[at + HITS] = (sums[at + HITS] as number) + hits
    sums[at + CHANCES] = (sums[at + CHANCES] as number) + chanceOf(rate) * trials
    if (lastSlice !== NEVER) lastSlices[candidate] = lastSlice
  }

  /** Keeps the pair's best candidates, after so many more trials; writes the best into `row` and returns their number. */
  close(pairId: number, trials: number, slice: number): number {
    const { count, scores } = this.#open
    for (let c = 0; c < count; c++) scores[c] = this.#late(c)?.z ?? zOf(this.#answers(c))
    const order = Array.from({ length: count }, (_, c) => c).sort(
      (a, b) => (scores[b] as number) - (scores[a] as number) || this.markAt(a) - this.markAt(b),
    )
    for (let place = 0; place < KEPT; place++) this.#keep(pairId * KEPT + place, order[place])
    this.#trials[pairId] = (this.#trials[pairId] as number) + trials
    this.#minedTo[pairId] = slice
    this.#passedOver[pairId] = 0
    let edges = 0
    for (const candidate of order.slice(0, EDGES_PER_ROW)) {
      const edge = this.row[edges]
      if (edge === undefined || (scores[candidate] as number) < LEAST_Z) break
      this.#describe(candidate, edge)
      edges++
    }
    return edges
  }

  /** Removes forgotten pairs, both as leaders and as followers. */
  *forget(isForgotten: (pairId: number) => boolean): Pieces<void> {
    for (let pairId = 0; pairId < this.#trials.length; pairId++) {
      if (isForgotten(pairId)) this.#clear(pairId)
      for (let at = pairId * KEPT; at < (pairId + 1) * KEPT; at++) {
        const mark = this.#marks[at] as number
        if (mark !== NO_FOLLOWER && isForgotten((mark - 1) >> 1)) this.#marks[at] = NO_FOLLOWER
      }
      if (pairId % PAIRS_A_PIECE === PAIRS_A_PIECE - 1) yield PIECE_COST
    }
  }

  /** The share of the weight that the pair's evidence still has at a slice, since it was last mined. */
  #keptAt(pairId: number, slice: number): number {
    return 0.5 ** (Math.max(0, (slice - (this.#minedTo[pairId] as number)) | 0) / HALF_LIFE_SLICES)
  }

  #clear(pairId: number): void {
    this.#marks.fill(NO_FOLLOWER, pairId * KEPT, (pairId + 1) * KEPT)
    this.#trials[pairId] = 0
    this.#passedOver[pairId] = 0
  }

  #keep(at: number, candidate: number | undefined): void {
    const open = this.#open
    if (candidate === undefined || (open.scores[candidate] as number) === 0) {
      this.#marks[at] = NO_FOLLOWER
      return
    }
    this.#marks[at] = this.markAt(candidate) + 1
    this.#lastSlices[at] = open.lastSlices[candidate] as number
    for (let sum = 0; sum < STRIDE; sum++) this.#sums[at * STRIDE + sum] = open.sums[candidate * STRIDE + sum] as number
  }

  #answers(candidate: number): Answers {
    const { sums } = this.#open
    const at = candidate * STRIDE
    const trials = sums[at + TRIALS] as number
    return { trials, rate: trials === 0 ? 0 : (sums[at + RATES] as number) / trials, counts: sums, at: at + COUNTS }
  }

  #describe(candidate: number, edge: MinedEdge): void {
    const { sums, scores, lastSlices } = this.#open
    const at = candidate * STRIDE
    edge.mark = this.markAt(candidate)
    edge.hits = sums[at + HITS] as number
    edge.trials = sums[at + TRIALS] as number
    edge.lastSlice = lastSlices[candidate] as number
    edge.lagMs = lagMsOf(this.#answers(candidate))
    edge.lift = edge.hits / Math.max(sums[at + CHANCES] as number, 1e-9)
    edge.z = scores[candidate] as number
    const late = this.#late(candidate)
    if (late === undefined) return
    edge.hits = late.hits
    edge.trials = sums[at + LATE_TRIALS] as number
    edge.lagMs = late.lagMs
    edge.lift = late.hits / Math.max(edge.trials * late.chance, 1e-9)
  }

  /** Undefined if the follower comes soon, or in no late band in particular. */
  #late(candidate: number): Late | undefined {
    const { sums } = this.#open
    const at = candidate * STRIDE
    const trials = sums[at + LATE_TRIALS] as number
    if (trials === 0) return undefined
    const { rate } = this.#answers(candidate)
    const late = lateOf({ trials, rate, widths: this.#lateWidths, sums, at: at + LATE })
    // A late follower that is not sure takes no place from those that come soon.
    return late !== undefined && late.z >= SURE_Z && zOf(this.#answers(candidate)) < SURE_Z ? late : undefined
  }

  #reserve(pairId: number): void {
    if (pairId < this.#trials.length) return
    const pairs = lengthFor(pairId, Math.max(FIRST_PAIRS, this.#trials.length), this.#maxPairs)
    this.#marks = enlarged(this.#marks, new Int32Array(pairs * KEPT))
    this.#lastSlices = enlarged(this.#lastSlices, new Int32Array(pairs * KEPT))
    this.#sums = enlarged(this.#sums, new Float32Array(pairs * KEPT * STRIDE))
    this.#trials = enlarged(this.#trials, new Float32Array(pairs))
    this.#minedTo = enlarged(this.#minedTo, new Int32Array(pairs))
    this.#passedOver = enlarged(this.#passedOver, new Float32Array(pairs))
  }
}
