import type {
  BatchContext,
  BatchHandler,
  BrokerEvent,
  PartitionLag,
  PartitionPosition,
  TopicPartition,
} from '../port.ts'
import type { AssignedPartition } from './group.ts'
import { MemoryBatch } from './log.ts'

/** The state that the readers of one consumer share. Only `onBatch` may throw. */
export interface ReaderOwner {
  readonly groupId: string
  readonly maxBatchRecords: number
  readonly onBatch: BatchHandler
  readonly onEvent: (event: BrokerEvent) => void
  /** The user's code threw. It is called again after `delayMs`. */
  readonly onFailure: (error: unknown, delayMs: number) => void
  /** Whether the partition may not be read now: it is paused, or the broker is away. */
  readonly isHeld: (partition: TopicPartition) => boolean
}

interface Outcome {
  readonly done: number
  readonly failure: { readonly error: unknown } | undefined
}

/** The first delay. It doubles after each further attempt without progress. */
const FIRST_RETRY_MS = 20
const LONGEST_RETRY_MS = 1000

/**
 * Reads one assigned partition and hands it to the handler a batch at a time. It sleeps until records come, or until
 * the consumer is resumed or reconnected. It delivers from `setImmediate`: never in the stack of the producer, and
 * never in a chain of microtasks that would keep timers and sockets waiting.
 */
export class PartitionReader {
  readonly #assigned: AssignedPartition
  readonly #owner: ReaderOwner
  readonly #context: BatchContext
  #position: number
  #busy = false
  #failures = 0
  #scheduled: NodeJS.Immediate | undefined
  #retry: NodeJS.Timeout | undefined
  #ended = false
  #fenced = false
  #stopListening: () => void = () => undefined
  readonly #drained = Promise.withResolvers<void>()

  constructor(assigned: AssignedPartition, owner: ReaderOwner, context: BatchContext) {
    this.#assigned = assigned
    this.#owner = owner
    this.#context = context
    this.#position = assigned.position
  }

  lag(): PartitionLag {
    const { topic, partition, log } = this.#assigned
    return { topic, partition, records: BigInt(Math.max(0, log.high - this.#position)) }
  }

  position(): PartitionPosition {
    const { topic, partition, log } = this.#assigned
    const end = BigInt(log.high)
    const isAtEnd = this.#position >= log.high && !this.#busy
    return {
      ...{ topic, partition, topicId: undefined, position: BigInt(this.#position), stableEnd: end, highWatermark: end },
      // Records are here as soon as they are sent, so the end that is seen is that of now.
      readToEndAtMs: isAtEnd ? performance.now() : undefined,
    }
  }

  begin(): void {
    if (this.#ended) return
    this.#stopListening = this.#assigned.log.onAppended(() => this.wake())
    this.wake()
  }

  wake(): void {
    if (this.#scheduled !== undefined || this.#retry !== undefined || !this.#mayDeliver()) return
    this.#scheduled = setImmediate(() => {
      this.#scheduled = undefined
      if (this.#mayDeliver()) void this.#deliver()
    })
  }

  /** Delivers no more. Resolves when the batch in hand is done or fenced. */
  end(): Promise<void> {
    this.#ended = true
    this.#stopListening()
    clearImmediate(this.#scheduled)
    clearTimeout(this.#retry)
    if (!this.#busy) this.#drained.resolve()
    return this.#drained.promise
  }

  /** The batch in hand has not ended within `ms`. Its result will belong to an older assignment, and is discarded. */
  fence(ms: number): void {
    if (!this.#busy || this.#fenced) return
    this.#fenced = true
    this.#drained.resolve()
    const { topic, partition } = this.#assigned
    this.#owner.onEvent({ type: 'stuck', groupId: this.#owner.groupId, topic, partition, ms })
  }

  /** A position beyond the end, from a wrong start, may deliver: `#clampToLog` corrects it then. */
  #mayDeliver(): boolean {
    if (this.#ended || this.#busy || this.#position === this.#limit) return false
    return !this.#owner.isHeld(this.#assigned)
  }

  async #deliver(): Promise<void> {
    this.#clampToLog()
    const { topic, partition, log } = this.#assigned
    if (this.#position >= this.#limit) return
    this.#busy = true
    const most = Math.min(this.#owner.maxBatchRecords, this.#limit - this.#position)
    const slice = log.read(this.#position, most)
    const outcome = await this.#handle(new MemoryBatch(topic, partition, { ...slice, high: log.high }))
    this.#busy = false
    if (this.#fenced) return
    this.#settle(outcome)
    if (this.#ended) this.#drained.resolve()
  }

  get #limit(): number {
    const { log, end = log.high } = this.#assigned
    return Math.min(end, log.high)
  }

  /** Retention may have overtaken the position, or the start was beyond the end. */
  #clampToLog(): void {
    const { topic, partition, log } = this.#assigned
    const from = this.#position
    const to = Math.min(Math.max(from, log.low), log.high)
    if (to === from) return
    this.#position = to
    this.#owner.onEvent({ type: 'offset-jump', topic, partition, from: BigInt(from), to: BigInt(to) })
  }

  async #handle(batch: MemoryBatch): Promise<Outcome> {
    try {
      const done = await this.#owner.onBatch(batch, this.#context)
      return { done: Math.min(batch.count, done), failure: undefined }
    } catch (error) {
      return { done: 0, failure: { error } }
    }
  }

  #settle({ done, failure }: Outcome): void {
    if (done > 0) {
      this.#position += done
      this.#failures = 0
      this.#assigned.commit(this.#position)
      this.wake()
      return
    }
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** this.#failures, LONGEST_RETRY_MS)
    this.#failures += 1
    if (failure !== undefined) this.#owner.onFailure(failure.error, delayMs)
    if (this.#ended) return
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      this.wake()
    }, delayMs)
  }
}
