import { partitionName } from './partition-name.ts'
import type { Batch, PartitionLag, TopicPartition } from './port.ts'

/**
 * Knows which partitions are behind since they were assigned. One has caught up when its end was reached, or when as
 * many records were read as were waiting at the assignment. The end alone would not do: under a steady flow the lag is
 * never quite zero, and the end of a busy partition moves on as fast as it is read.
 */
export class CatchUp {
  /** For each partition that is behind, the records that were waiting at the assignment and were not read yet. */
  readonly #behind = new Map<string, bigint>()

  /** Takes the lag of the new partitions: one that is at its end is not behind. */
  assigned(partitions: readonly TopicPartition[], lag: readonly PartitionLag[]): void {
    const added = new Set(partitions.map(partitionName))
    for (const of of lag) {
      const name = partitionName(of)
      if (added.has(name) && of.records > 0n) this.#behind.set(name, of.records)
    }
  }

  revoked(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#behind.delete(partitionName(partition))
  }

  /** The records of the batch before index `end` were handled. */
  handled(batch: Batch, end: number): void {
    if (this.#behind.size === 0 || end < batch.count) return
    const name = partitionName(batch)
    const waiting = this.#behind.get(name)
    if (waiting === undefined) return
    const last = batch.offset(batch.count - 1)
    const rest = waiting - (last - batch.offset(0) + 1n)
    if (rest <= 0n || last + 1n >= batch.stableEnd) this.#behind.delete(name)
    else this.#behind.set(name, rest)
  }

  /** The number of records still to come in the partitions that are behind, by their lag now. */
  behindRecords(lag: readonly PartitionLag[]): number {
    let behind = 0n
    for (const of of lag) if (this.#behind.has(partitionName(of))) behind += of.records
    return Number(behind)
  }
}
