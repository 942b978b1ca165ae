import type { Batch, BatchContext, BatchHandler } from '../../port.ts'

export type Outcome =
  | { readonly type: 'done'; readonly records: number }
  | { readonly type: 'failed'; readonly error: unknown }
  /** Nobody waits for it any longer; what it still reports is discarded. */
  | { readonly type: 'abandoned' }

/** A batch that a handler has, and since when. */
export class BatchInHand {
  readonly topic: string
  readonly partition: number
  /** Resolves when nothing will come of the batch any more. */
  readonly finished: Promise<void>
  readonly #count: number
  readonly #outcome = Promise.withResolvers<Outcome>()
  readonly #finished = Promise.withResolvers<void>()
  #progressAtMs: number

  constructor({ topic, partition, count }: Batch, nowMs: number) {
    this.topic = topic
    this.partition = partition
    this.finished = this.#finished.promise
    this.#count = count
    this.#progressAtMs = nowMs
  }

  /** Never rejects, however the handler fails. */
  run(handler: BatchHandler, batch: Batch, context: BatchContext): Promise<Outcome> {
    void this.#handle(handler, batch, context)
    return this.#outcome.promise
  }

  progress(nowMs: number): void {
    this.#progressAtMs = nowMs
  }

  idleMs(nowMs: number): number {
    return nowMs - this.#progressAtMs
  }

  abandon(): void {
    this.#outcome.resolve({ type: 'abandoned' })
  }

  finish(): void {
    this.#finished.resolve()
  }

  async #handle(handler: BatchHandler, batch: Batch, context: BatchContext): Promise<void> {
    try {
      const records = await handler(batch, context)
      if (!Number.isInteger(records))
        throw new TypeError(`the handler returned ${records}, a number of records expected`)
      this.#outcome.resolve({ type: 'done', records: Math.min(Math.max(records, 0), this.#count) })
    } catch (error) {
      this.#outcome.resolve({ type: 'failed', error })
    }
  }
}
