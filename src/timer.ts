/** Calls `run` once, after `delayMs` milliseconds. The returned function cancels it. */
export type Timer = (delayMs: number, run: () => void) => () => void

/** The longest delay that Node's timers take; a longer one would fire at once. */
export const MAX_DELAY_MS = 2_147_483_647

export const systemTimer: Timer = (delayMs, run) => {
  const handle = setTimeout(run, Math.min(Math.max(delayMs, 0), MAX_DELAY_MS))
  return () => clearTimeout(handle)
}

/** Settles as the promise does, or resolves to `late` if that takes longer than `delayMs`. */
export async function inTime<T, L>(
  promise: Promise<T>,
  late: L,
  { delayMs, timer = systemTimer }: { readonly delayMs: number; readonly timer?: Timer | undefined },
): Promise<T | L> {
  const { promise: elapsed, resolve } = Promise.withResolvers<L>()
  const cancel = timer(delayMs, () => resolve(late))
  return Promise.race([promise, elapsed]).finally(cancel)
}

/** Rejects with the signal's reason once it is aborted. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
