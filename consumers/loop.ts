import { partitionName } from '../src/broker/partition-name.ts'
import type { Batch, BatchContext, BatchHandler } from '../src/broker/port.ts'
import { Turn } from './turn.ts'

/** Handles the records of one partition. */
export interface RecordHandler {
  /**
   * Handles records from index `from` on, as many as it likes, and returns the index after the last one. It returns
   * `from` if that record cannot be handled yet: the records are handed out again after a while. It may start work that
   * goes on; `settle` waits for it. An exception is a fault of the record at `from`.
   */
  handle(batch: Batch, from: number, context: BatchContext): number | Promise<number>
  /** Resolves when the work that was started is done. */
  settle(): Promise<void>
}

/** Sends a record that cannot be handled to `<topic>.dlq`. Resolves when it is there or given up. Never rejects. */
export type DeadLetters = (letter: DeadLetter) => Promise<void>

export interface DeadLetter {
  readonly batch: Batch
  readonly index: number
  readonly reason: string
  readonly detail: string
}

export interface LoopOptions {
  /** Returns the handler of a partition. Batches of one partition come one by one, those of several may overlap. */
  readonly handlerOf: (topic: string, partition: number) => RecordHandler
  readonly deadLetters: DeadLetters
  /** Called for an exception that a handler should not throw. The record becomes a dead letter. */
  readonly onFault: (error: unknown, letter: DeadLetter) => void
  /** Whether callers over HTTP wait at the moment: the event loop turns more often for them. */
  readonly isAsked?: (() => boolean) | undefined
}

/**
 * The loop that all consumers share. A record's offset moves when the record is handled, or its dead letter is stored or
 * given up, not before. No content of a record and no bug of ours stops a consumer or reaches the Kafka client.
 */
export function createLoop(options: LoopOptions): BatchHandler {
  /** The last batch of each partition. */
  const last = new Map<string, Promise<unknown>>()
  const turn = new Turn(options.isAsked)
  return (batch, context) => {
    const partition = partitionName(batch)
    // The broker may give up a batch that takes too long. It may still run when its partition comes back.
    const handled = (last.get(partition) ?? Promise.resolve()).then(() =>
      handleBatch({ ...options, turn }, batch, context),
    )
    last.set(
      partition,
      handled.catch(() => undefined),
    )
    return handled
  }
}

async function handleBatch(
  { turn, ...options }: LoopOptions & { readonly turn: Turn },
  batch: Batch,
  context: BatchContext,
): Promise<number> {
  const handler = options.handlerOf(batch.topic, batch.partition)
  let index = 0
  while (index < batch.count && !context.signal.aborted) {
    const wait = turn.wait()
    if (wait !== undefined) {
      await wait
      continue
    }
    try {
      const handled = handler.handle(batch, index, context)
      const next = typeof handled === 'number' ? handled : await handled
      if (next === index) break
      index = next
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
