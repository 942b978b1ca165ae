import { type CachedPrice, emptyPrice } from './cached-price.ts'
import type { Hierarchy } from './hierarchy.ts'
import type { Fetched } from './trips.ts'

/** How one reader reads: whose id a name has, what counts as a hit, what it makes of a price. */
export interface PriceReads<R> {
  readonly hierarchy: Pick<Hierarchy, 'fetch' | 'newest'>
  /** The pair's id, negative where it has none. Notes who asked. */
  ask(pair: string): number
  /** A demand read of L1. */
  get(pairId: number, into: CachedPrice): boolean
  readingOf(pair: string, price: Readonly<CachedPrice>): R | 'stale'
  /** A stale value's way through L2; undefined where L2 has nothing newer. */
  renew(pairId: number): Promise<Fetched> | undefined
}

/** Reads several pairs, in their order: L1 at once, and one trip for all that it lacks or has stale. */
export async function readMany<R>(
  reads: PriceReads<R>,
  pairs: readonly string[],
): Promise<(R | 'missing' | 'stale')[]> {
  const readings: (R | 'missing' | 'stale')[] = []
  const fetches: { readonly at: number; readonly pairId: number; readonly fetch: Promise<Fetched> }[] = []
  for (const [at, pair] of pairs.entries()) {
    const pairId = reads.ask(pair)
    readings.push('missing')
    if (pairId < 0) continue
    const isHit = reads.get(pairId, PRICE)
    if (isHit) readings[at] = reads.readingOf(pair, PRICE)
    const fetch = isHit ? readings[at] === 'stale' && reads.renew(pairId) : reads.hierarchy.fetch(pairId)
    if (fetch) fetches.push({ at, pairId, fetch })
  }
  for (const { at, pairId, fetch } of fetches) {
    const fetched = await fetch
    if (reads.hierarchy.newest(pairId, fetched, PRICE)) readings[at] = reads.readingOf(pairs[at] as string, PRICE)
  }
  return readings
}

/** Filled and read within one synchronous step, so one serves all. */
const PRICE = emptyPrice()
