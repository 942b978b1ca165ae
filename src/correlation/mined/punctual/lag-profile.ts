/** Lags, in whole milliseconds, that are looked at. */
export const PROFILE_MS = 150
/** What is left for lags that were not seen yet. */
const UNSEEN = 0.1
/** Counts are halved here, so that what was long ago fades. */
const MAX_SEEN = 4_096

/**
 * Which lags there are between updates and the reads that follow punctually, counted over all leaders: detectors of one kind take the same
 * time, and what follows with the lag of many others is sooner believed.
 */
export class LagProfile {
  readonly #counts = new Float64Array(PROFILE_MS)
  #seen = 0

  add(lagMs: number): void {
    this.#counts[lagMs] = (this.#counts[lagMs] as number) + 1
    this.#seen++
    if (this.#seen < MAX_SEEN) return
    for (let lag = 0; lag < PROFILE_MS; lag++) this.#counts[lag] = (this.#counts[lag] as number) / 2
    this.#seen /= 2
  }

  /** The probability, 0 to 1, that a follower has this lag, before anything is known of it. */
  of(lagMs: number): number {
    if (this.#seen === 0) return 1 / PROFILE_MS
    return ((1 - UNSEEN) * (this.#counts[lagMs] as number)) / this.#seen + UNSEEN / PROFILE_MS
  }
}
