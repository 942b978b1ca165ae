import { setTimeout as delay } from 'node:timers/promises'
import { StackError } from './stack-error.ts'

const RETRY_MS = 20

export interface Wait {
  readonly timeoutMs: number
  /** Ends the wait with its reason: the process that should answer is gone. */
  readonly signal: AbortSignal
}

/**
 * Asks `isReady` until it resolves to true; a rejection means "not yet". Throws a StackError with code `not-ready`
 * after `timeoutMs` milliseconds, with the last rejection as its cause.
 */
export async function untilReady(wait: Wait, what: string, isReady: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + wait.timeoutMs
  let cause: unknown
  do {
    wait.signal.throwIfAborted()
    try {
      if (await isReady()) return
    } catch (error) {
      cause = error
    }
    await delay(RETRY_MS)
  } while (performance.now() < deadline)
  wait.signal.throwIfAborted()
  throw new StackError('not-ready', `${what} was not ready after ${wait.timeoutMs / 1000} s.`, { cause })
}
