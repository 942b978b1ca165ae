import { partitionName } from './partition-name.ts'
import type { Batch, PartitionLag } from './port.ts'

/**
 * Which partitions have not caught up since they were assigned: neither was their end reached, nor as many records read as
 * were waiting then. Under a steady flow the lag is never quite zero, and the end of a busy partition moves on as fast as
 * it is read.
 */
export class CatchUp {
  /** Records that were waiting and were not read yet. */
  readonly #behind = new Map<string, bigint>()

  /** `lag` as it is when the partitions come: one that is at its end has nothing to catch up with. */
  assigned(lag: readonly PartitionLag[]): void {
    this.#behind.clear()
    for (const of of lag) if (of.records > 0n) this.#behind.set(partitionName(of), of.records)
  }

  /** The batch was handled up to this index, exclusive. */
  handled(batch: Batch, end: number): void {
    if (this.#behind.size === 0 || end < batch.count) return
    const name = partitionName(batch)
    const waiting = this.#behind.get(name)
    if (waiting === undefined) return
    const last = batch.offset(batch.count - 1)
    const rest = waiting - (last - batch.offset(0) + 1n)
    if (rest <= 0n || last + 1n >= batch.highWatermark) this.#behind.delete(name)
    else this.#behind.set(name, rest)
  }

  /** Records still to come in the partitions that are behind. Asking changes nothing. */
  behindRecords(lag: readonly PartitionLag[]): number {
    let behind = 0n
    for (const of of lag) if (this.#behind.has(partitionName(of))) behind += of.records
    return Number(behind)
  }
}
