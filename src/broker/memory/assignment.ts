import { setTimeout as delay } from 'node:timers/promises'
import type { ConsumerOptions, TopicPartition } from '../port.ts'
import type { AssignedPartition } from './group.ts'
import { PartitionReader, type ReaderOwner } from './partition-reader.ts'

export interface AssignmentOptions {
  readonly epoch: number
  readonly partitions: readonly AssignedPartition[]
  readonly owner: ReaderOwner
  readonly callbacks: Pick<ConsumerOptions, 'onAssigned' | 'onRevoked'>
}

const RETRY_MS = 100

/** The partitions of a member between two rebalances: `begin` hands them over, `end` drains them and gives them up. */
export class Assignment {
  readonly partitions: readonly TopicPartition[]
  readonly readers: readonly PartitionReader[]
  readonly #options: AssignmentOptions
  readonly #abort = new AbortController()
  readonly #fenced = Promise.withResolvers<void>()
  #handedOver = false
  #beginning: Promise<void> | undefined
  #ending: Promise<void> | undefined

  constructor(options: AssignmentOptions) {
    this.#options = options
    this.partitions = options.partitions.map(({ topic, partition }) => ({ topic, partition }))
    const context = { signal: this.#abort.signal, heartbeat: () => Promise.resolve() }
    this.readers = options.partitions.map((assigned) => new PartitionReader(assigned, options.owner, context))
  }

  /** Resolves when `onAssigned` has returned, or `end` was called before. Never rejects. */
  begin(): Promise<void> {
    this.#beginning ??= this.#handOver()
    return this.#beginning
  }

  /** Readers that were held may deliver again. */
  wake(): void {
    if (!this.#handedOver) return
    for (const reader of this.readers) reader.wake()
  }

  /**
   * Aborts the signal, waits for the batches in hand at most `drainMs`, and calls onRevoked. A second call joins the
   * first and may shorten its wait. Never rejects.
   */
  end(drainMs: number): Promise<void> {
    this.#ending ??= this.#giveUp()
    const deadline = setTimeout(() => this.#fence(drainMs), drainMs)
    return this.#ending.finally(() => clearTimeout(deadline))
  }

  async #handOver(): Promise<void> {
    const { callbacks, owner, epoch } = this.#options
    while (!this.#abort.signal.aborted) {
      try {
        await callbacks.onAssigned?.(this.partitions, epoch)
        this.#handedOver = true
        for (const reader of this.readers) reader.begin()
        return
      } catch (error) {
        owner.onFailure(error, RETRY_MS)
        await delay(RETRY_MS, undefined, { signal: this.#abort.signal }).catch(() => undefined)
      }
    }
  }

  async #giveUp(): Promise<void> {
    const { callbacks, owner, epoch } = this.#options
    this.#abort.abort()
    const drained = Promise.all([this.#beginning, ...this.readers.map((reader) => reader.end())])
    await Promise.race([drained, this.#fenced.promise])
    try {
      await callbacks.onRevoked?.(this.partitions, epoch)
    } catch (error) {
      owner.onFailure(error, 0)
    }
  }

  #fence(drainMs: number): void {
    for (const reader of this.readers) reader.fence(drainMs)
    this.#fenced.resolve()
  }
}
