import type { Batch, TopicPartition } from './port.ts'

/**
 * Which partitions were not yet read to their end since they were assigned. Under a steady flow the lag is never quite
 * zero; that the end was reached once is what "caught up" means.
 */
export class CatchUp {
  readonly #behind = new Set<string>()

  assigned(partitions: readonly TopicPartition[]): void {
    this.#behind.clear()
    for (const partition of partitions) this.#behind.add(nameOf(partition))
  }

  /** The batch was handled up to this index, exclusive. */
  handled(batch: Batch, end: number): void {
    if (this.#behind.size === 0 || end < batch.count) return
    if (batch.offset(batch.count - 1) + 1n >= batch.highWatermark) this.#behind.delete(nameOf(batch))
  }

  /** Records still to come in the partitions that are behind; `lag` is the consumer's. */
  behindRecords(lag: readonly (TopicPartition & { readonly records: bigint })[]): number {
    let behind = 0n
    for (const of of lag) {
      const name = nameOf(of)
      if (of.records === 0n) this.#behind.delete(name)
      else if (this.#behind.has(name)) behind += of.records
    }
    return Number(behind)
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
