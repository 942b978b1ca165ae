/** A look that takes no longer is close enough, and so many looks find one. */
const CLOSE_MS = 0.005
const LOOKS = 1_000

/**
 * What the own clock lacks to the shared one. The thread may be stopped between the two looks, or compile what they call: the
 * look that took the least time counts.
 */
export function originMs(sharedMs: () => number, ownMs: () => number): number {
  let leastMs = Number.POSITIVE_INFINITY
  let origin = Number.NaN
  for (let look = 0; look < LOOKS && leastMs > CLOSE_MS; look++) {
    const beforeMs = ownMs()
    const shared = sharedMs()
    const tookMs = ownMs() - beforeMs
    if (tookMs >= leastMs) continue
    leastMs = tookMs
    origin = shared - beforeMs - tookMs / 2
  }
  return origin
}

/** What this thread's `performance.now` lacks to the time that all threads of the process share. */
const ORIGIN_MS = originMs(
  () => Number(process.hrtime.bigint() / 1_000n) / 1_000,
  () => performance.now(),
)

/** Milliseconds of a clock that never goes back and that all threads of the process share. */
export function monotonicMs(): number {
  return performance.now() + ORIGIN_MS
}

/** The shared time of a moment that this thread took from `performance.now`. */
export function sharedMs(performanceMs: number): number {
  return performanceMs + ORIGIN_MS
}
