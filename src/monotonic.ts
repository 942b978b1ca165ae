/** What this thread's `performance.now` lacks to the time that all threads of the process share. */
const ORIGIN_MS = Number(process.hrtime.bigint() / 1_000n) / 1_000 - performance.now()

/** Milliseconds of a clock that never goes back and that all threads of the process share. */
export function monotonicMs(): number {
  return performance.now() + ORIGIN_MS
}

/** The shared time of a moment that this thread took from `performance.now`. */
export function sharedMs(performanceMs: number): number {
  return performanceMs + ORIGIN_MS
}
