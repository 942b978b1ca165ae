import type { Context, Span } from '@opentelemetry/api'
import type { WarmRequest } from '../../schemas/warm-request.ts'
import type { WarmResult } from '../../schemas/warm-result.ts'
import type { Due } from './due-queue.ts'

/** A warm request that was admitted, until its result is known. */
export interface WarmJob extends Due {
  readonly request: WarmRequest
  /** In the order of the request's pairs; UNKNOWN_PAIR where nobody here is interested, TABLE_FULL where it has no id. */
  readonly pairIds: readonly number[]
  /** Place in PRIORITIES: 0 is served first and never shed. */
  readonly rank: number
  /** Its `process` or `warm` span, and the trace below it. */
  readonly span: Span
  readonly trace: Context
  /** By the monotonic clock, when it could be worked on: it came in, or became due. */
  startedAtMs: number
  /** By how much later than `dueMs` it was begun: timers are late, the more so where the thread has much to do. */
  lateMs: number
  readonly settle: (result: WarmResult) => void
  readonly fail: (error: unknown) => void
}

/** What it weighs in a bounded queue. */
export function weightOf(job: WarmJob): number {
  return job.pairIds.length
}
