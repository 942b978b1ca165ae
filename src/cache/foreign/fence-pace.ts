/** How often the stamps are read while foreign pairs are. */
const FENCE_MS = 10
/** Many stamps are read less often: so one reader never takes more than a hundredth of Redis's time. */
const STAMPS_A_MS = 13

/** The time from one reading of so many stamps to the next, in ms, and at least `leastMs`. */
export function fenceMsFor(stamps: number, leastMs = FENCE_MS): number {
  return Math.max(leastMs, stamps / STAMPS_A_MS)
}
