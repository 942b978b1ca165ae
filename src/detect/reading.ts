import type { CachedPrice } from '../cache/cached-price.ts'

/** A price as a detector reads it. Numbers that the update did not have are undefined. */
export interface Reading {
  readonly pair: string
  readonly chain: string
  readonly price: number
  readonly bid: number | undefined
  readonly ask: number | undefined
  readonly reserve0: number | undefined
  readonly reserve1: number | undefined
  readonly liquidity: number | undefined
  readonly eventTimeMs: number
  /** The node's clock minus the event time. */
  readonly ageMs: number
  /** Rises with every newer value of the pair. A later read never gives a lower version. */
  readonly version: number
}

/** What a reader accepts. */
export interface ReadOptions {
  /** A value older than this is 'stale'. */
  readonly maxAgeMs?: number
}

/** A pair's record as it was found in a cache. */
export interface FoundPrice {
  readonly chain: string
  readonly pair: string
  readonly record: Readonly<CachedPrice>
}

/** Makes a reading of the record, or 'stale' if it is older than the options accept. */
export function readingOf(
  { chain, pair, record }: FoundPrice,
  ageMs: number,
  options: ReadOptions | undefined,
): Reading | 'stale' {
  if (options?.maxAgeMs !== undefined && ageMs > options.maxAgeMs) return 'stale'
  return {
    pair,
    chain,
    price: record.price,
    bid: present(record.bid),
    ask: present(record.ask),
    reserve0: present(record.reserve0),
    reserve1: present(record.reserve1),
    liquidity: present(record.liquidity),
    eventTimeMs: record.eventTimeMs,
    ageMs,
    version: record.version,
  }
}

function present(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value
}
