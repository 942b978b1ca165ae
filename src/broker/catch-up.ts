import type { Batch, TopicPartition } from './port.ts'

/** What a consumer says of its partitions: records between the position and the end. */
export type Lag = readonly (TopicPartition & { readonly records: bigint })[]

/**
 * Which partitions were not yet read to their end since they were assigned. Under a steady flow the lag is never quite
 * zero; that the end was reached once is what "caught up" means.
 */
export class CatchUp {
  readonly #behind = new Set<string>()

  /** `lag` as it is when the partitions come: one that is at its end has nothing to catch up with. */
  assigned(lag: Lag): void {
    this.#behind.clear()
    for (const of of lag) if (of.records > 0n) this.#behind.add(nameOf(of))
  }

  /** The batch was handled up to this index, exclusive. */
  handled(batch: Batch, end: number): void {
    if (this.#behind.size === 0 || end < batch.count) return
    if (batch.offset(batch.count - 1) + 1n >= batch.highWatermark) this.#behind.delete(nameOf(batch))
  }

  /** Records still to come in the partitions that are behind. Asking changes nothing. */
  behindRecords(lag: Lag): number {
    let behind = 0n
    for (const of of lag) if (this.#behind.has(nameOf(of))) behind += of.records
    return Number(behind)
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
