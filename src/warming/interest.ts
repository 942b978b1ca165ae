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
  /** Partition counts that the price topics have or had. When they grow, sources go over to the new count one by one. */
  readonly #counts: Set<number>
  /** How many topics are read in the partitions of this number. */
  readonly #assigned = new Map<number, number>()
  /** 1 for a pair that was read here, by pair id. */
  #read = new Uint8Array(1024)

  constructor(table: PairTable, partitions: number) {
    this.#table = table
    this.#counts = new Set([partitions])
    table.keep({
      forget: (pairId) => {
        this.#read[pairId] = 0
      },
    })
  }

  /** The largest number of partitions that a price topic has or had. */
  get partitions(): number {
    return Math.max(...this.#counts)
  }

  /** A price topic has so many partitions now. */
  grow(partitions: number): void {
    this.#counts.add(partitions)
  }

  assign(partitions: readonly TopicPartition[]): void {
    for (const { partition } of partitions) this.#assigned.set(partition, (this.#assigned.get(partition) ?? 0) + 1)
  }

  revoke(partitions: readonly TopicPartition[]): void {
    for (const { partition } of partitions) {
      const topics = (this.#assigned.get(partition) ?? 0) - 1
      if (topics > 0) this.#assigned.set(partition, topics)
      else this.#assigned.delete(partition)
    }
  }

  /** Whether this node gets all of the chain's updates. No other node has newer values of its pairs then. */
  holds(chain: string): boolean {
    for (const count of this.#counts) if (!this.#assigned.has(partitionOf(chain, count))) return false
    return true
  }

  read(pairId: number): void {
    if (pairId >= this.#read.length) this.#read = enlarged(this.#read, new Uint8Array(pairId * 2))
    this.#read[pairId] = 1
  }

  includes(chain: string, pair: string): boolean {
    return this.#read[this.#table.find(chain, pair)] === 1 || this.#getsSome(chain)
  }

  #getsSome(chain: string): boolean {
    for (const count of this.#counts) if (this.#assigned.has(partitionOf(chain, count))) return true
    return false
  }
}
