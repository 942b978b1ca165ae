import type { TopicPartition } from '../../../src/broker/port.ts'
import { mulberry32 } from '../../../src/simulate/mulberry32.ts'

/** Pairs in a few chains. A pair's number is its rank: pair 0 is updated most often, after Zipf. */
export const PAIRS = 5_000
export const CHAINS = 4
/** How many of the most active pairs are read. */
export const READ = 200
const SYMBOL_TOPICS = 200
/** The chain of updates that only ask which node gets them. */
export const PROBES = 'probes'

export function pairOf(rank: number): string {
  return `P${rank}`
}

export function rankOf(pair: string): number {
  return Number(pair.slice(1))
}

export function chainOf(rank: number): string {
  return `c${rank % CHAINS}`
}

/** How a feed shares its pairs out among topics and partitions. */
export interface Layout {
  readonly name: string
  readonly pairs: number
  readonly topics: number
  readonly partitionsATopic: (nodes: number) => number
  readonly keyOf: (rank: number) => string
  /** The place of each pair, if the owner has some partitions of all. */
  readonly places: (owned: readonly TopicPartition[], all: readonly TopicPartition[]) => readonly TopicPartition[]
}

function spread(pairs: number, over: readonly TopicPartition[]): readonly TopicPartition[] {
  return Array.from({ length: pairs }, (_, rank) => over[rank % over.length] as TopicPartition)
}

/** All chains are the owner's, so that every pair is foreign to the readers. */
export const BY_CHAIN: Layout = {
  ...{ name: 'keyed by chain', pairs: PAIRS, topics: 1, partitionsATopic: (nodes) => 2 * nodes, keyOf: chainOf },
  places: (owned) =>
    Array.from({ length: PAIRS }, (_, rank) => owned[(rank % CHAINS) % owned.length] as TopicPartition),
}

/** Each node has pairs of every chain. */
export const BY_PAIR: Layout = {
  ...{ name: 'keyed by pair', pairs: PAIRS, topics: 1, partitionsATopic: (nodes) => 4 * nodes, keyOf: pairOf },
  places: (_, all) => spread(PAIRS, all),
}

/** Each node has as many partitions as the others, and about as many pairs. */
export const SHARED: Layout = { ...BY_PAIR, name: 'shared' }

export const BY_SYMBOL: Layout = {
  ...{
    name: 'one topic a symbol',
    pairs: SYMBOL_TOPICS,
    topics: SYMBOL_TOPICS,
    partitionsATopic: () => 1,
    keyOf: pairOf,
  },
  places: (_, all) => spread(SYMBOL_TOPICS, all),
}

/** A source of ranks, the same for each seed. */
export function zipf(pairs: number, seed: number): () => number {
  const random = mulberry32(seed)
  const sums = new Float64Array(pairs)
  let sum = 0
  for (let rank = 0; rank < pairs; rank++) sums[rank] = sum += 1 / (rank + 1)
  return () => {
    const at = random() * sum
    let [low, high] = [0, pairs - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((sums[middle] as number) < at) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** The share of all updates that goes to these ranks. */
export function zipfShare(pairs: number, ranks: readonly number[]): number {
  const weight = (of: Iterable<number>): number => {
    let sum = 0
    for (const rank of of) sum += 1 / (rank + 1)
    return sum
  }
  return weight(ranks) / weight(Array(pairs).keys())
}
