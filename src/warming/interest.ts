import { enlarged } from '../../schemas/enlarged.ts'
import { partitionOf } from '../../schemas/topics.ts'
import type { TopicPartition } from '../broker/port.ts'
import type { PairTable } from '../cache/names/pair-table.ts'

/**
 * The pairs that concern this node: all pairs of the chains that are assigned to it, which its detectors may read at
 * any time, and the pairs of other chains that its detectors have read.
 */
export class Interest {
  readonly #table: PairTable
  /** The partition count of the price topics. */
  readonly #partitions: number
  readonly #assigned = new Set<number>()
  /** 1 for a pair that was read here, by pair id. */
  #read = new Uint8Array(1024)

  constructor(table: PairTable, partitions: number) {
    this.#table = table
    this.#partitions = partitions
  }

  /** Replaces the assignment before. */
  assign(partitions: readonly TopicPartition[]): void {
    this.#assigned.clear()
    for (const { partition } of partitions) this.#assigned.add(partition)
  }

  /** Whether this node gets the chain's updates. No other node has newer values of its pairs then. */
  holds(chain: string): boolean {
    return this.#assigned.has(partitionOf(chain, this.#partitions))
  }

  read(pairId: number): void {
    if (pairId >= this.#read.length) this.#read = enlarged(this.#read, new Uint8Array(pairId * 2))
    this.#read[pairId] = 1
  }

  includes(chain: string, pair: string): boolean {
    return this.holds(chain) || this.#read[this.#table.find(chain, pair)] === 1
  }
}
