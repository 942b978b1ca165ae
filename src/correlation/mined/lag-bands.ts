import { SURE_Z } from './edge-rows.ts'
import { SLICE_MS } from './update-log.ts'

/**
 * How much a mark of a follower proves, depending on its lag behind the leader. What follows for a reason mostly
 * follows soon: the prior of a lag is exponential, with a mean of PRIOR_LAG_MS. Slices are 5 ms.
 */
const PRIOR_LAG_MS = 50
/** The length of a slice, in mean lags. */
const STEP = SLICE_MS / PRIOR_LAG_MS

/** The first pass, which is most of the cost, looks at so many slices: 100 ms hold 86 % of what the prior expects. */
export const SCAN_SLICES = 20
/** Weights are whole numbers in units of 1 ÷ this: whole numbers have the same sum in any order. */
export const WEIGHT_ONE = 1_024
export const SLICE_WEIGHTS = Int32Array.from({ length: SCAN_SLICES }, (_, d) =>
  Math.round((WEIGHT_ONE * shareAt(d)) / shareAt(1)),
)
export const WEIGHT_SUM = SLICE_WEIGHTS.reduce((sum, weight) => sum + weight, 0)

/** Lags of up to 5, 10, 20, 40, 80, 150 ms, in slices, exclusive. */
const BAND_ENDS = [1, 2, 4, 8, 16, 30]
export const BANDS = BAND_ENDS.length
export const LAG_SLICES = 30
const BAND_STARTS = [0, ...BAND_ENDS.slice(0, -1)]
const BAND_WIDTHS = BAND_ENDS.map((end, band) => end - (BAND_STARTS[band] as number))
/** The band of each lag, indexed by slices. */
export const BAND_OF = Uint8Array.from({ length: LAG_SLICES }, (_, d) => BAND_ENDS.findIndex((end) => d < end))
const BAND_MIDDLES_MS = BAND_WIDTHS.map((width, band) => ((BAND_STARTS[band] as number) + width / 2) * SLICE_MS)

/** The share of a follower's answers that the prior expects in one slice of each band. */
const BY_PRIOR = BAND_WIDTHS.map((width, band) => {
  const start = BAND_STARTS[band] as number
  return (shareWithin(start + width) - shareWithin(start)) / shareWithin(LAG_SLICES) / width
})
/** At these lags a warm is in time; but the prior alone would miss a follower that always comes so late. */
const LATE_BANDS = [3, 4, 5]
/** The price of choosing the likeliest of the late bands and the prior: it is taken from the evidence for the chosen one. */
const CHOICE = Math.log(1 + LATE_BANDS.length)
/** How often the follower answers its leader is not known: the likeliest of these shares is taken. */
const ANSWERED = [0.02, 0.05, 0.1, 0.2, 0.4, 0.7]

/** A hypothesis L₁: for each band, the probability of an answer in one of its slices, and the logarithm of that of none. */
interface Alternative {
  readonly answers: readonly number[]
  readonly logsOfNone: readonly number[]
}

function alternativesOf(shares: readonly number[]): readonly Alternative[] {
  return ANSWERED.map((answered) => {
    const answers = shares.map((share) => answered * share)
    return { answers, logsOfNone: answers.map((p) => Math.log1p(-p)) }
  })
}

const SOON = alternativesOf(BY_PRIOR)
/** The hypotheses that the follower keeps to one late band. */
const LATE = LATE_BANDS.flatMap((late) =>
  alternativesOf(BAND_WIDTHS.map((width, band) => (band === late ? 1 / width : 0))),
)

/** A follower's marks after its leader's occurrences, counted in bands. */
export interface Answers {
  /** The leader's occurrences that were looked at. */
  readonly trials: number
  /** The probability that the follower has a mark in a slice, whatever the leader does. */
  readonly rate: number
  /** BANDS from `at`: how many slices of each band had a mark, over all occurrences. */
  readonly counts: Float32Array
  readonly at: number
}

/**
 * The signed root of the likelihood ratio, √(2 ln L₁/L₀): a z score that is still right after only three trials. L₁: the
 * follower answers its leader, at the likeliest of a few rates. L₀: it comes as it always does.
 */
export function zOf(answers: Answers): number {
  const soon = zAmong(SOON, answers, 0)
  const late = zAmong(LATE, answers, CHOICE)
  // A late follower must be sure, or it takes no place from soon ones: one of three bands is often full by chance.
  return late >= SURE_Z ? Math.max(soon, late) : soon
}

function zAmong(alternatives: readonly Alternative[], answers: Answers, choice: number): number {
  let best = choice
  for (const alternative of alternatives) best = Math.max(best, logRatio(answers, alternative))
  return Math.sqrt(2 * (best - choice))
}

function logRatio({ trials, rate, counts, at }: Answers, { answers, logsOfNone }: Alternative): number {
  const base = Math.min(Math.max(rate, 1e-9), 0.999)
  let sum = 0
  for (let band = 0; band < BANDS; band++) {
    const answer = answers[band] as number
    if (answer === 0) continue
    const count = counts[at + band] as number
    const quiet = Math.max(0, trials * (BAND_WIDTHS[band] as number) - count)
    if (count > 0) sum += count * Math.log1p((answer * (1 - base)) / base)
    sum += quiet * (logsOfNone[band] as number)
  }
  return sum
}

/** The mean lag, in milliseconds, of the marks beyond those that chance brings. */
export function lagMsOf({ trials, rate, counts, at }: Answers): number {
  let weight = 0
  let sum = 0
  for (let band = 0; band < BANDS; band++) {
    const excess = (counts[at + band] as number) - trials * (BAND_WIDTHS[band] as number) * rate
    if (excess <= 0) continue
    weight += excess
    sum += excess * (BAND_MIDDLES_MS[band] as number)
  }
  return weight === 0 ? 0 : sum / weight
}

/** The probability that the follower comes in any of the bands by chance. */
export function chanceOf(rate: number): number {
  return 1 - (1 - Math.min(rate, 1)) ** LAG_SLICES
}

/**
 * The share of answers that come within so many slices, the leader's own among them. The leader may be anywhere in its
 * slice, so that about half of the answers within 5 ms come in the next one.
 */
function shareWithin(slices: number): number {
  return slices === 0 ? 0 : 1 - ((1 - Math.exp(-STEP)) / STEP) * Math.exp(-(slices - 1) * STEP)
}

function shareAt(slice: number): number {
  return shareWithin(slice + 1) - shareWithin(slice)
}
