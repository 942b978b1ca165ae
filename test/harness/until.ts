import { setTimeout as delay } from 'node:timers/promises'

const EVERY_MS = 10

export interface UntilOptions {
  /** Default 45,000: enough for a machine that is ten times too busy, and before Jest ends the test without a word. */
  readonly timeoutMs?: number
}

/**
 * Resolves to the first truthy value of the condition, which is asked every 10 ms, and once more when the time is up: a
 * machine that stalls may have left no turn before. Rejects after `timeoutMs` milliseconds with a message that names
 * `what` and the last value, or with the condition's own last error as cause.
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
