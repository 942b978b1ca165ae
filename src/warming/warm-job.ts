import type { Context, Span } from '@opentelemetry/api'
import type { WarmRequest } from '../../schemas/warm-request.ts'
import type { WarmResult } from '../../schemas/warm-result.ts'
import type { Due } from './due-queue.ts'

/** An admitted warm request, until its result is known. */
export interface WarmJob extends Due {
  readonly request: WarmRequest
  /** In the order of the request's pairs. UNKNOWN_PAIR: the pair does not concern this node. TABLE_FULL: no id. */
  readonly pairIds: readonly number[]
  /** The index of its priority in PRIORITIES: 0 is served first and never shed. */
  readonly rank: number
  /** Its `process` or `warm` span, and the context for spans below it. */
  readonly span: Span
  readonly trace: Context
  /** When work on it could begin, by the monotonic clock: when it came or became due. */
  startedAtMs: number
  /** How long after `dueMs` it was begun: timers are late, and later still on a busy thread. */
  lateMs: number
  readonly settle: (result: WarmResult) => void
  readonly fail: (error: unknown) => void
}
