import type { WarmRequest } from '../schemas/warm-request.ts'
import type { WarmResult } from '../schemas/warm-result.ts'
import type { Clock } from '../src/clock.ts'
import { DEFAULT_TASK_MS, requestFacts, SETTLE_MS, type Task, type TimedResult, taskOf } from '../src/tasks/task.ts'
import { parseTaskId } from '../src/tasks/task-id.ts'
import type { Timer } from '../src/timer.ts'

/** What became of a warm request: sent, answered by as many nodes as were waited for, over, or none of these in time. */
export type WarmReceipt =
  | { readonly status: 'sent'; readonly requestId: string }
  | {
      readonly status: 'answered'
      readonly requestId: string
      /** The first result that is no refusal. */
      readonly result: WarmResult
      /** All results until enough of them were no refusals. */
      readonly results: readonly WarmResult[]
    }
  /** With `waitFor: 'all'`: no further node has answered for half a second, or in time. */
  | {
      readonly status: 'over'
      readonly requestId: string
      readonly task: Task
      readonly results: readonly WarmResult[]
    }
  | {
      readonly status: 'timeout'
      readonly requestId: string
      /** The results that came in time: refusals, and others, but too few. */
      readonly results: readonly WarmResult[]
    }

export interface WaiterOptions {
  readonly request: WarmRequest
  readonly waitFor: number | 'all'
  readonly waitMs: number
  readonly clock: Clock
  readonly timer: Timer
  /** Called once, when it is known what became of the request. */
  readonly onEnd: (receipt: WarmReceipt) => void
}

/** A request whose results are waited for. */
export class WarmWaiter {
  readonly #options: WaiterOptions
  /** The result of each node: it may be delivered twice. */
  readonly #results = new Map<string, TimedResult>()
  readonly #cancelTimeout: () => void
  #cancelSettling: () => void = () => undefined

  constructor(options: WaiterOptions) {
    const { request, waitFor, waitMs, timer } = options
    this.#options = options
    this.#cancelTimeout = timer(waitMs, () => {
      // Whoever waits for all does not wait any longer for further ones.
      if (waitFor === 'all' && this.#results.size > 0) this.#settle()
      else this.#end({ status: 'timeout', requestId: request.requestId, results: this.#all() })
    })
  }

  take(result: WarmResult): void {
    const { request, waitFor, clock, timer } = this.#options
    this.#results.set(result.node, { result, atMs: clock.now() })
    if (waitFor === 'all') {
      this.#cancelSettling()
      this.#cancelSettling = timer(SETTLE_MS, () => this.#settle())
      return
    }
    const results = this.#all()
    const answers = results.filter(({ status }) => status !== 'refused')
    const [first] = answers
    if (first === undefined || answers.length < waitFor) return
    this.#end({ status: 'answered', requestId: request.requestId, result: first, results })
  }

  /** Nothing more will come of it. May be called twice. */
  cancel(): void {
    this.#cancelTimeout()
    this.#cancelSettling()
  }

  #settle(): void {
    const { request, clock } = this.#options
    const { requestId } = request
    const id = parseTaskId(requestId)
    if (id === undefined) return
    const facts = { id, requests: [requestFacts(request)], results: [...this.#results.values()] }
    // A timer may ring a moment before the clock says so.
    const task = taskOf(facts, clock.now() + SETTLE_MS, DEFAULT_TASK_MS)
    this.#end({ status: 'over', requestId, task, results: this.#all() })
  }

  #end(receipt: WarmReceipt): void {
    this.cancel()
    this.#options.onEnd(receipt)
  }

  #all(): readonly WarmResult[] {
    return [...this.#results.values()].map(({ result }) => result)
  }
}
