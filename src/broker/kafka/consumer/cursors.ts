import type { Batch as KafkaJsBatch } from 'kafkajs'
import { partitionName } from '../../partition-name.ts'
import type { PartitionLag, TopicPartition, TopicPartitionOffset } from '../../port.ts'
import type { Start } from './start.ts'

/** One assigned partition: the offset where it is read, and why it may be held. */
export interface Cursor extends TopicPartition {
  /** Next offset to hand out. */
  position: bigint
  /** What the group knows; undefined before it was told anything. */
  committed: bigint | undefined
  /** Next offset to be written, as of the last fetch. */
  highWatermark: bigint
  /** Attempts of its handler without progress, in a row. */
  failures: number
  /** Waits before the next attempt of its handler. */
  isBackingOff: boolean
}

/** The cursors of an assignment. There are none before their first offsets are known. */
export class Cursors {
  readonly #cursors = new Map<string, Map<number, Cursor>>()

  begin(starts: readonly Start[], committed: ReadonlyMap<string, bigint>): void {
    for (const { topic, partition, offset, highWatermark } of starts) {
      const cursors = this.#cursors.get(topic) ?? new Map<number, Cursor>()
      this.#cursors.set(topic, cursors)
      const known = committed.get(partitionName({ topic, partition }))
      const offsets = { position: offset, committed: known, highWatermark }
      cursors.set(partition, { topic, partition, ...offsets, failures: 0, isBackingOff: false })
    }
  }

  get(topic: string, partition: number): Cursor | undefined {
    return this.#cursors.get(topic)?.get(partition)
  }

  all(): Cursor[] {
    return [...this.#cursors.values()].flatMap((cursors) => [...cursors.values()])
  }

  /** Positions that the group does not know yet. */
  uncommitted(): TopicPartitionOffset[] {
    return this.all()
      .filter(({ position, committed }) => position !== committed)
      .map(({ topic, partition, position }) => ({ topic, partition, offset: position }))
  }

  markCommitted(offsets: readonly TopicPartitionOffset[]): void {
    for (const { topic, partition, offset } of offsets) {
      const cursor = this.get(topic, partition)
      if (cursor !== undefined) cursor.committed = offset
    }
  }

  lag(): PartitionLag[] {
    return this.all().map(({ topic, partition, position, highWatermark }) => ({
      topic,
      partition,
      records: highWatermark > position ? highWatermark - position : 0n,
    }))
  }
}

/** Moves past the leading `records` of the batch (at least one). Returns the offset that KafkaJS is to resolve. */
export function advance(cursor: Cursor, batch: KafkaJsBatch, records: number): string {
  const last = batch.messages[records - 1]
  if (last === undefined) throw new RangeError(`${records} records of a batch of ${batch.messages.length}`)
  // KafkaJS counts what it filtered out behind the last record as done, too.
  cursor.position = BigInt(records === batch.messages.length ? batch.lastOffset() : last.offset) + 1n
  cursor.failures = 0
  return last.offset
}

/**
 * The offset that the batch was fetched from, if it is not the cursor's position. KafkaJS begins elsewhere, without a
 * word, if that position is no longer (or not yet) in the log.
 */
export function jumpedTo(cursor: Cursor, batch: KafkaJsBatch): bigint | undefined {
  const { fetchedOffset } = batch as { readonly fetchedOffset?: string }
  if (fetchedOffset === undefined) return undefined
  const fetched = BigInt(fetchedOffset)
  return fetched === cursor.position ? undefined : fetched
}
