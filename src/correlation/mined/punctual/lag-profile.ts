/** Lags below this are looked at, in whole milliseconds. */
export const PROFILE_MS = 150
/** This part of the probability is spread evenly over all lags, so that unseen ones have some. */
const UNSEEN = 0.1
/** Counts are halved at so many lags, so that old ones fade. */
const MAX_SEEN = 4_096

/**
 * Counts the lags between updates and the punctual reads after them, over all leaders. Detectors of one kind take the
 * same time, so a follower with the lag of many others is believed sooner.
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

  /** The prior probability, 0 to 1, that a follower has this lag. */
  of(lagMs: number): number {
    if (this.#seen === 0) return 1 / PROFILE_MS
    return ((1 - UNSEEN) * (this.#counts[lagMs] as number)) / this.#seen + UNSEEN / PROFILE_MS
  }
}
