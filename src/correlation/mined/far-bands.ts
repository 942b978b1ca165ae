import { LAG_SLICES } from './lag-bands.ts'
import { SLICE_MS } from './update-log.ts'

/**
 * Late followers come up to a second after their leader, always about equally late: in one of a few bands beyond those
 * of lag-bands.ts.
 */

/** The longest lag that is looked for. */
export const LONGEST_LAG_MS = 1_000
/** In slices, exclusive: 300, 600, 1,000 ms. The first band begins at 150 ms. */
const BAND_ENDS = [60, 120, LONGEST_LAG_MS / SLICE_MS]
export const FAR_BANDS = BAND_ENDS.length
const FAR_SLICES = LONGEST_LAG_MS / SLICE_MS
const BAND_STARTS = [LAG_SLICES, ...BAND_ENDS.slice(0, -1)]
/** The band of each lag, indexed by slices beyond LAG_SLICES. */
export const FAR_BAND_OF = Uint8Array.from({ length: FAR_SLICES - LAG_SLICES }, (_, d) =>
  BAND_ENDS.findIndex((end) => d + LAG_SLICES < end),
)

/** The width of each band up to a lag of `windowMs`, in slices; 0 for bands beyond that. */
export function widthsWithin(windowMs: number): readonly number[] {
  const slices = Math.floor(windowMs / SLICE_MS)
  return BAND_ENDS.map((end, band) => Math.max(0, Math.min(end, slices) - (BAND_STARTS[band] as number)))
}

/** Indices of a follower's sums within those of a band. The first one: its marks, each by the weight of its slice. */
export const FAR_COUNTS = 0
/** The trials after which it came at least once. */
export const FAR_HITS = 1
/** The sum of the lags of its marks, in slices. */
export const FAR_LAGS = 2
export const FAR_SUMS = 3

/** The evidence must outweigh this: at most one of a hundred pairs follows so late for a reason, in any of the bands. */
const DOUBT = Math.log(100 * FAR_BANDS)
/** How often the follower answers its leader is not known: the likeliest of these shares is taken. */
const ANSWERED = [0.05, 0.1, 0.2, 0.4, 0.7]

/** A follower's marks in the late bands. */
export interface LateAnswers {
  readonly trials: number
  /** The probability that the follower has a mark in a slice, whatever the leader does. */
  readonly rate: number
  /** The width of each band, in slices. */
  readonly widths: readonly number[]
  /** FAR_SUMS a band, from `at`. */
  readonly sums: Float32Array
  readonly at: number
}

export interface Late {
  readonly z: number
  readonly hits: number
  readonly lagMs: number
  /** The probability of a hit by chance. */
  readonly chance: number
}

/** The follower in its likeliest band, z as in `zOf`; undefined if no band speaks for it. */
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
  // Bystanders are not spread quite so evenly, but followers come within the band.
  const lagMs = Math.max(start, Math.min(start + width, lag)) * SLICE_MS
  const hits = sums[from + FAR_HITS] as number
  return { z: Math.sqrt(2 * best), hits, lagMs, chance: 1 - (1 - base) ** width }
}

/** How often the follower comes in the other late bands: a pair that is merely active at the same time comes there, too. */
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
