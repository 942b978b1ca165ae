import { parseWarmRequest } from '../schemas/warm-request.ts'
import type { WarmResult } from '../schemas/warm-result.ts'
import type { Batch } from '../src/broker/port.ts'
import type { Metrics } from '../src/telemetry/slab.ts'
import { traceOf } from '../src/telemetry/spans.ts'
import type { Warmer } from '../src/warming/warmer.ts'
import type { RecordHandler } from './loop.ts'

/**
 * Warm requests -> the warmer -> a result, where this node had to do with it. Every node reads every request, so one
 * that can't be read is counted by each and put aside by none: it would be there as often as there are nodes.
 */
export interface WarmRequestsOptions {
  readonly warmer: Warmer
  readonly metrics: Metrics
  readonly publish: (result: WarmResult) => void
  /** An exception that should not have been: the request it is of has no result. */
  readonly onFault: (error: unknown) => void
}

export class WarmRequests implements RecordHandler {
  readonly #options: WarmRequestsOptions
  readonly #unanswered = new Set<Promise<void>>()

  constructor(options: WarmRequestsOptions) {
    this.#options = options
  }

  handle(batch: Batch, index: number): number {
    const { warmer } = this.#options
    const value = batch.value(index)
    const parsed = parseWarmRequest(value ?? Buffer.alloc(0))
    if (!parsed.ok) this.#refused(parsed.reason)
    // Not awaited: a request may be held for its time, and others are not to wait behind it. `room` bounds them all.
    else this.#await(this.#answer(warmer.submit(parsed.value, traceOf(batch.headers(index)))))
    return index + 1
  }

  settle(): Promise<void> {
    return this.#options.warmer.room()
  }

  /** Resolves when every request that was handed in is answered: to be awaited when the warmer is closed. */
  async answered(): Promise<void> {
    await Promise.all(this.#unanswered)
  }

  #await(answer: Promise<void>): void {
    this.#unanswered.add(answer)
    void answer.then(() => this.#unanswered.delete(answer))
  }

  async #answer(submitted: Promise<WarmResult | undefined>): Promise<void> {
    try {
      const result = await submitted
      if (result !== undefined) this.#options.publish(result)
    } catch (error) {
      this.#options.onFault(error)
    }
  }

  #refused(reason: string): void {
    this.#options.metrics.counter('warm_requests_refused_total', { reason }).add(1)
  }
}
