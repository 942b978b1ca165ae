import { LAG_SLICES } from './lag-bands.ts'
import { SLICE_MS } from './update-log.ts'

/**
 * Followers that come late, up to a second after their leader, and keep to their time: in one of a few bands beyond those
 * that are looked at closely.
 */

/** The longest lag that is looked for. */
export const LONGEST_LAG_MS = 1_000
/** In slices, exclusive: 150 to 300, 600, 1,000 ms. */
const BAND_ENDS = [60, 120, LONGEST_LAG_MS / SLICE_MS]
export const FAR_BANDS = BAND_ENDS.length
const FAR_SLICES = LONGEST_LAG_MS / SLICE_MS
const BAND_STARTS = [LAG_SLICES, ...BAND_ENDS.slice(0, -1)]
/** By lag in slices beyond LAG_SLICES. */
export const FAR_BAND_OF = Uint8Array.from({ length: FAR_SLICES - LAG_SLICES }, (_, d) =>
  BAND_ENDS.findIndex((end) => d + LAG_SLICES < end),
)

/** By band, the slices of it that a lag of up to `windowMs` comes to; 0 for those beyond. */
export function widthsWithin(windowMs: number): readonly number[] {
  const slices = Math.floor(windowMs / SLICE_MS)
  return BAND_ENDS.map((end, band) => Math.max(0, Math.min(end, slices) - (BAND_STARTS[band] as number)))
}

/** What is known of a follower in a band: sums over trials. A band's stand together, the bands' one behind the other. */
export const FAR_COUNTS = 0
/** Trials after which it came at least once. */
export const FAR_HITS = 1
/** Of the lags, in slices. */
export const FAR_LAGS = 2
export const FAR_SUMS = 3

/** Of a hundred pairs of leader and follower, one at most is so late for a reason; and of three bands it keeps to one. */
const DOUBT = Math.log(100 * FAR_BANDS)
/** How often a leader is answered is not known: the likeliest of these is taken. */
const ANSWERED = [0.05, 0.1, 0.2, 0.4, 0.7]

/** A follower's events in the late bands. */
export interface LateAnswers {
  readonly trials: number
  /** The probability that the follower has an event in a slice: at any time, or around these trials where that is more. */
  readonly rate: number
  /** By band, in slices. */
  readonly widths: readonly number[]
  /** FAR_SUMS a band, from `at`. */
  readonly sums: Float32Array
  readonly at: number
}

export interface Late {
  readonly z: number
  readonly hits: number
  readonly lagMs: number
  /** The probability of a hit, whatever the leader does. */
  readonly chance: number
}

/** The band that says most, as in `zOf`; undefined where none says anything. */
export function lateOf(answers: LateAnswers): Late | undefined {
  let best: Late | undefined
  for (let band = 0; band < FAR_BANDS; band++) {
    const late = lateIn(band, answers)
    if (late !== undefined && late.z > (best?.z ?? 0)) best = late
  }
  return best
}

function lateIn(band: number, answers: LateAnswers): Late | undefined {
  const { trials, rate, widths, sums, at } = answers
  const from = at + band * FAR_SUMS
  const width = widths[band] as number
  const count = sums[from + FAR_COUNTS] as number
  const around = elsewhere(band, answers)
  const base = Math.min(Math.max(rate, around, 1e-9), 0.999)
  if (count <= trials * width * base) return undefined
  const quiet = Math.max(0, trials * width - count)
  let best = 0
  for (const answered of ANSWERED) {
    const answer = answered / width
    best = Math.max(best, count * Math.log1p((answer * (1 - base)) / base) + quiet * Math.log1p(-answer) - DOUBT)
  }
  if (best === 0) return undefined
  const bystanders = trials * width * around
  const start = BAND_STARTS[band] as number
  const lag = ((sums[from + FAR_LAGS] as number) - bystanders * (start + width / 2)) / (count - bystanders)
  // Bystanders are not quite as evenly spread as that: followers come within the band.
  const lagMs = Math.max(start, Math.min(start + width, lag)) * SLICE_MS
  const hits = sums[from + FAR_HITS] as number
  return { z: Math.sqrt(2 * best), hits, lagMs, chance: 1 - (1 - base) ** width }
}

/** How often the follower comes in the other late bands: pairs that are awake together are no leaders and followers. */
function elsewhere(band: number, { trials, widths, sums, at }: LateAnswers): number {
  let count = 0
  let width = 0
  for (let other = 0; other < FAR_BANDS; other++) {
    if (other === band) continue
    count += sums[at + other * FAR_SUMS + FAR_COUNTS] as number
    width += widths[other] as number
  }
  return width === 0 ? 0 : count / (trials * width)
}
