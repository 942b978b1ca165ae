import type { Context } from '@opentelemetry/api'
import { parseWarmRequest, type WarmRequest } from '../schemas/warm-request.ts'
import type { WarmResult } from '../schemas/warm-result.ts'
import type { Batch } from '../src/broker/port.ts'
import { InFlight } from '../src/in-flight.ts'
import { isTask, type TaskQueue } from '../src/tasks/task-queue.ts'
import type { Metrics } from '../src/telemetry/slab.ts'
import { traceOf } from '../src/telemetry/spans.ts'
import type { Warmer } from '../src/warming/warmer.ts'
import type { RecordHandler } from './loop.ts'

export interface WarmRequestsOptions {
  readonly warmer: Pick<Warmer, 'submit' | 'room'>
  /** Requests of people and schedules wait in it for their turn; without it, they go to the warmer at once. */
  readonly tasks?: TaskTurns
  readonly metrics: Metrics
  readonly publish: (result: WarmResult) => void
  /** Called for an exception that should not happen. Its request gets no result. */
  readonly onFault: (error: unknown) => void
}

export interface TaskTurns {
  readonly queue: Pick<TaskQueue, 'run' | 'room'>
  /** False if the warmer is to decide at once: it holds the request until that is due, or the node stays silent. */
  takes(request: WarmRequest): boolean
  refuse(request: WarmRequest): WarmResult
  /** Whether it is the same run of a schedule, sent again by a successor of its leader. */
  isRepeated(request: WarmRequest): boolean
}

/**
 * Hands warm requests to the warmer and publishes its results, if the node has an interest in them. Every node reads
 * every request, so a request that cannot be parsed is only counted: dead letters would be there once for each node.
 */
export class WarmRequests implements RecordHandler {
  readonly #options: WarmRequestsOptions
  readonly #unanswered = new InFlight()

  constructor(options: WarmRequestsOptions) {
    this.#options = options
  }

  handle(batch: Batch, index: number): number {
    const value = batch.value(index)
    const parsed = parseWarmRequest(value ?? Buffer.alloc(0))
    if (!parsed.ok) this.#countRefusal(parsed.reason)
    // Not awaited: a request may be held until its time, and the others must not wait for it. `settle` bounds them all.
    else void this.#unanswered.add(this.#answer(this.#submit(parsed.value, traceOf(batch.headers(index)))))
    return index + 1
  }

  async settle(): Promise<void> {
    await this.#options.warmer.room()
    await this.#options.tasks?.queue.room()
  }

  /** Resolves when every request is answered. It is awaited when the warmer is closed. */
  answered(): Promise<void> {
    return this.#unanswered.settled()
  }

  async #submit(request: WarmRequest, trace: Context | undefined): Promise<WarmResult | undefined> {
    const { warmer, tasks } = this.#options
    const submit = () => warmer.submit(request, trace)
    if (!isTask(request) || tasks?.takes(request) !== true) return submit()
    if (tasks.isRepeated(request)) return undefined
    const outcome = await tasks.queue.run(request, submit)
    return typeof outcome === 'string' ? tasks.refuse(request) : outcome
  }

  async #answer(submitted: Promise<WarmResult | undefined>): Promise<void> {
    try {
      const result = await submitted
      if (result !== undefined) this.#options.publish(result)
    } catch (error) {
      this.#options.onFault(error)
    }
  }

  #countRefusal(reason: string): void {
    this.#options.metrics.counter('warm_requests_refused_total', { reason }).add(1)
  }
}
