import { BrokerError, type TopicPartition } from '../../port.ts'
import { nextEpoch, type ProducerId } from './producer-id.ts'
import type { Batch } from './send.ts'

/** Sequence numbers are below this; after the highest one comes 0. */
const NUMBERS = 2 ** 31
const NO_NUMBER = -1

/** The batches of one partition, in the order of the calls. Only the first may be in flight, so none overtakes it. */
export class PartitionQueue implements TopicPartition {
  readonly topic: string
  readonly partition: number
  /** Undefined until metadata tells. */
  leader: number | undefined
  /** The wait before the next attempt, in milliseconds. */
  restMs = 0
  /** The number of attempts since the last acknowledgement. */
  attempts = 0
  /** The reason why the last attempt failed. */
  failure: BrokerError | undefined
  readonly #batches: Batch[] = []
  #producer: ProducerId | undefined
  #sequence = 0

  constructor({ topic, partition }: TopicPartition) {
    this.topic = topic
    this.partition = partition
  }

  /** The id and epoch of the batches' numbers; undefined until there is one. */
  get producer(): ProducerId | undefined {
    return this.#producer
  }

  /**
   * Counts batches from 0 under this id. A batch that may be stored under the one before is rejected, because the leader
   * would not recognize it under the new one.
   */
  set producer(producer: ProducerId | undefined) {
    this.#producer = producer
    this.#sequence = 0
    for (const batch of this.#batches) if (batch.mayBeStored) batch.fail(this.failure ?? inDoubt())
  }

  /** The number of the first record in the next batch. */
  get sequence(): number {
    return this.#producer !== undefined && this.#producer.id >= 0n ? this.#sequence : NO_NUMBER
  }

  /** Begins the next epoch: the leader counts from 0 again, and refuses batches of the epoch before. */
  renumber(): void {
    this.producer = this.#producer && nextEpoch(this.#producer)
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0
  }

  add(batch: Batch): void {
    this.#batches.push(batch)
  }

  /** The first batch that somebody waits for. Removes those before it. */
  first(): Batch | undefined {
    for (;;) {
      const [batch] = this.#batches
      if (batch === undefined || batch.isOpen) return batch
      this.#batches.shift()
      // Nobody knows whether the leader has counted it.
      if (batch.mayBeStored) this.renumber()
    }
  }

  /** Removes the first batch, which the leader has stored. */
  acknowledge(offset: bigint | undefined): void {
    const batch = this.#batches.shift()
    if (batch === undefined) return
    this.#sequence = (this.#sequence + batch.records.length) % NUMBERS
    this.attempts = 0
    this.failure = undefined
    batch.stored(offset)
  }

  replaceFirst(parts: readonly Batch[]): void {
    this.#batches.splice(0, 1, ...parts)
  }

  /** Rejects all batches. */
  refuse(error: BrokerError): void {
    for (const batch of this.#batches) batch.fail(error)
  }
}

function inDoubt(): BrokerError {
  return new BrokerError('unreachable', 'nobody can find out any more whether it is stored', { retriable: true })
}
