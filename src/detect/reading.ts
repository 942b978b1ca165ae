import type { Extra } from '../../schemas/price-update.ts'
import type { Absence } from '../cache/absences.ts'
import { type CachedPrice, extraOf } from '../cache/cached-price.ts'
import type { Unaccepted } from '../cache/price-reads.ts'

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
  /** The update's fields of your own (docs/formats.md), if the cache keeps them: with CACHE_USE_PRICE_MATRIX off. */
  readonly extra: Extra | undefined
  readonly eventTimeMs: number
  /** The node's clock minus the event time. */
  readonly ageMs: number
  /** At most so long ago the value was known to be the newest. Infinity if that is not known. */
  readonly behindMs: number
  /** Rises with every newer value of the pair. A later read never gives a lower version. */
  readonly version: number
}

/**
 * The answers of a read that found no price. No level has one: `missing`. It is not here yet: `unknown`. A level that would
 * know is away: `unavailable`. The price is older than accepted: `stale`. It is not known to be recent enough: `behind`.
 */
export type NoReading = Absence | Unaccepted

/** The values that a reader accepts. */
export interface ReadOptions {
  /** A value older than this is 'stale'. From 0; a ForewarmError 'bad-value' otherwise. */
  readonly maxAgeMs?: number
  /** A value that was last known to be the newest longer ago than this is 'behind'. */
  readonly maxBehindMs?: number
}

/** A pair's price as it was found in a cache. */
export interface FoundPrice {
  readonly chain: string
  readonly pair: string
  readonly price: Readonly<CachedPrice>
}

/** How old the price is, and how long ago it was known to be the newest. */
export interface Distance {
  readonly ageMs: number
  readonly behindMs: number
}

/** Makes a reading of the price, or says why the options do not accept it. */
export function readingOf(
  { chain, pair, price }: FoundPrice,
  { ageMs, behindMs }: Distance,
  options: ReadOptions | undefined,
): Reading | Unaccepted {
  if (options?.maxAgeMs !== undefined && ageMs > options.maxAgeMs) return 'stale'
  if (options?.maxBehindMs !== undefined && behindMs > options.maxBehindMs) return 'behind'
  return {
    pair,
    chain,
    price: price.price,
    bid: present(price.bid),
    ask: present(price.ask),
    reserve0: present(price.reserve0),
    reserve1: present(price.reserve1),
    liquidity: present(price.liquidity),
    extra: extraOf(price),
    eventTimeMs: price.eventTimeMs,
    ageMs,
    behindMs,
    version: price.version,
  }
}

function present(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value
}
