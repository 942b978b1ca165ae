import { partitionName } from '../src/broker/partition-name.ts'
import type { Batch, BatchContext, BatchHandler } from '../src/broker/port.ts'

/**
 * The loop that all consumers share. A record is done when it was handled, or when its dead letter was acknowledged;
 * only then does its offset move. Nothing that a record holds, and no bug of ours, stops a consumer or reaches the
 * Kafka client.
 */
export interface RecordHandler {
  /**
   * Handles records from index `from` on, as many as it likes; the index after the last one handled. It may hand work
   * out that `settle` waits for. What it throws is a fault of the record at `from`.
   */
  handle(batch: Batch, from: number, context: BatchContext): number | Promise<number>
  /** Resolves when the work that was handed out is done. */
  settle(): Promise<void>
}

/** A record that can't be handled, on its way to `<topic>.dlq`; resolves when it is there. Never rejects. */
export type DeadLetters = (letter: DeadLetter) => Promise<void>

export interface DeadLetter {
  readonly batch: Batch
  readonly index: number
  readonly reason: string
  readonly detail: string
}

export interface LoopOptions {
  /** The handler of a partition. Batches of one partition follow each other; those of different ones may overlap. */
  readonly handlerOf: (topic: string, partition: number) => RecordHandler
  readonly deadLetters: DeadLetters
  /** An exception that should not have been: told, and the record becomes a dead letter. */
  readonly onFault: (error: unknown, letter: DeadLetter) => void
}

export function createLoop(options: LoopOptions): BatchHandler {
  /** By partition: its last batch. */
  const last = new Map<string, Promise<unknown>>()
  return (batch, context) => {
    const partition = partitionName(batch)
    // A batch that the broker gave up, because it took too long, may not have ended when its partition comes back.
    const handled = (last.get(partition) ?? Promise.resolve()).then(() => handleBatch(options, batch, context))
    last.set(
      partition,
      handled.catch(() => undefined),
    )
    return handled
  }
}

async function handleBatch(options: LoopOptions, batch: Batch, context: BatchContext): Promise<number> {
  const handler = options.handlerOf(batch.topic, batch.partition)
  let index = 0
  while (index < batch.count && !context.signal.aborted) {
    try {
      const next = handler.handle(batch, index, context)
      index = typeof next === 'number' ? next : await next
    } catch (error) {
      const letter = { batch, index, reason: 'handler-fault', detail: String(error) }
      options.onFault(error, letter)
      await options.deadLetters(letter)
      index++
    }
  }
  await handler.settle()
  return index
}
