import { setTimeout as delay } from 'node:timers/promises'

const EVERY_MS = 10

export interface UntilOptions {
  /** Default 45,000: enough on a machine that is ten times too busy, yet before Jest's own timeout, which names nothing. */
  readonly timeoutMs?: number
}

/**
 * Checks the condition every 10 ms and resolves to its first truthy value. Rejects after `timeoutMs` milliseconds with a
 * message that names `what` and the last value; the cause is the condition's own last error. It checks once more when
 * the time is up, as a stalled machine may have left no turn before.
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  { timeoutMs = 45_000 }: UntilOptions = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const isLast = performance.now() >= deadline
    let last: string
    let cause: unknown
    try {
      const value = await condition()
      if (value) return value
      last = String(value)
    } catch (error) {
      last = String(error)
      cause = error
    }
    if (isLast) throw new Error(`waited ${timeoutMs} ms in vain until ${what}; at last: ${last}`, { cause })
    await delay(EVERY_MS)
  }
}
