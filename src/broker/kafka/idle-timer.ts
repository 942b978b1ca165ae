import { createRequire } from 'node:module'

/**
 * KafkaJS 2.2.4 re-arms a timer in every connection's request queue with a negative delay, minus the time since 1970.
 * Node makes that 1 ms, so each idle connection wakes up about 900 times a second, and newer Node prints a
 * TimeoutNegativeWarning (tulios/kafkajs#1751). A second timer looks for timed-out requests ten times a second,
 * whatever the timeout. The guard replaces both methods, but only in that version: others may be fixed or different.
 */

const GUARDED_VERSION = '2.2.4'
/** KafkaJS's own value, for requests that wait because too many are in flight. */
const PENDING_CHECK_MS = 10
/** A timed-out request is noticed at most a tenth of its timeout too late. */
const TIMEOUT_CHECKS_A_TIMEOUT = 10
const LEAST_TIMEOUT_CHECK_MS = 100

interface RequestQueue {
  readonly pending: readonly unknown[]
  readonly inflight: ReadonlyMap<
    number,
    { readonly sentAt: number; readonly requestTimeout: number; timeoutRequest(): void }
  >
  readonly requestTimeout: number
  readonly enforceRequestTimeout: boolean
  readonly throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  requestTimeoutIntervalId: NodeJS.Timeout | undefined
  isConnected(): boolean
  destroy(): void
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
  scheduleRequestTimeoutCheck(): void
}

export type IdleTimerGuard = 'guarded' | 'not-needed'

/** A second call changes nothing. Returns `not-needed` for any other version of KafkaJS, which is left as it is. */
export function guardIdleTimers(installed?: string): IdleTimerGuard {
  const require = createRequire(import.meta.url)
  const version = installed ?? (require('kafkajs/package.json') as { version: string }).version
  if (version !== GUARDED_VERSION) return 'not-needed'
  const { prototype } = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue }
  prototype.scheduleCheckPendingRequests = scheduleCheckPendingRequests
  prototype.scheduleRequestTimeoutCheck = scheduleRequestTimeoutCheck
  return 'guarded'
}

/** Arms the timer only while requests wait. The next one that is pushed arms it again. */
function scheduleCheckPendingRequests(this: RequestQueue): void {
  if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return
  const throttledMs = this.throttledUntil - Date.now()
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    },
    throttledMs > 0 ? throttledMs : PENDING_CHECK_MS,
  )
}

function scheduleRequestTimeoutCheck(this: RequestQueue): void {
  if (!this.enforceRequestTimeout) return
  this.destroy()
  const everyMs = Math.max(LEAST_TIMEOUT_CHECK_MS, this.requestTimeout / TIMEOUT_CHECKS_A_TIMEOUT)
  this.requestTimeoutIntervalId = setInterval(() => {
    const nowMs = Date.now()
    for (const request of [...this.inflight.values()]) {
      if (nowMs - request.sentAt > request.requestTimeout) request.timeoutRequest()
    }
    if (!this.isConnected()) this.destroy()
  }, everyMs)
}
