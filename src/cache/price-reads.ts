import { checkedNames } from '../../schemas/price-object.ts'
import type { Absence } from './absences.ts'
import { type CachedPrice, emptyPrice } from './cached-price.ts'
import type { Hierarchy } from './hierarchy.ts'
import type { IdHolds } from './names/id-holders.ts'
import type { Fetched } from './trips/trips.ts'

/** Why a price that is there is not what the reader accepts. */
export type Unaccepted = 'stale' | 'behind'

/** What a detector's prices and a cache do differently in `readMany`. */
export interface PriceReads<R> {
  readonly hierarchy: Pick<Hierarchy, 'fetch' | 'newest' | 'isAbsent'>
  readonly chain: string
  /** Holds the ids of pairs that are fetched. */
  readonly holds: IdHolds
  /** The pair's id, negative if it has none. Notes who asked. */
  ask(pair: string): number
  /** A demand read of L1. */
  get(pairId: number, into: CachedPrice): boolean
  readingOf(pairId: number, pair: string, price: Readonly<CachedPrice>): R | Unaccepted
  /** Whether L2 may have a newer value than L1 although no bound of the reader says so. */
  mayBeOutdated?(pairId: number): boolean
  /** Asks L2 for a newer value than one that was not accepted; undefined if L2 cannot have one. */
  renew(pairId: number, price: Readonly<CachedPrice>): Promise<Fetched> | undefined
}

/** A pair gets no id if all are taken: some level may have it. No level has a pair of an impossible name. */
export function absenceWithoutId(chain: string, pair: string): Absence {
  return checkedNames(chain, pair) === undefined ? 'unavailable' : 'missing'
}

/** Reads several pairs, in their order: L1 at once, and one trip for all that it lacks or has stale. */
export async function readMany<R>(
  reads: PriceReads<R>,
  pairs: readonly string[],
): Promise<(R | Absence | Unaccepted)[]> {
  const readings: (R | Absence | Unaccepted)[] = []
  const fetches: { readonly at: number; readonly pairId: number; readonly fetch: Promise<Fetched> }[] = []
  for (const [at, pair] of pairs.entries()) {
    const pairId = reads.ask(pair)
    readings.push(pairId < 0 ? absenceWithoutId(reads.chain, pair) : 'unknown')
    if (pairId < 0) continue
    const isHit = reads.get(pairId, PRICE)
    if (isHit) readings[at] = reads.readingOf(pairId, pair, PRICE)
    let fetch: Promise<Fetched> | undefined
    if (!isHit) fetch = reads.hierarchy.fetch(pairId)
    else if (readings[at] === 'stale' || readings[at] === 'behind' || reads.mayBeOutdated?.(pairId) === true)
      fetch = reads.renew(pairId, PRICE)
    if (fetch === undefined) continue
    fetches.push({ at, pairId, fetch })
    reads.holds.hold([pairId])
  }
  try {
    for (const { at, pairId, fetch } of fetches) {
      const fetched = await fetch
      // A stale value may have turned out to be deleted.
      const isThere = reads.hierarchy.newest(pairId, fetched, PRICE)
      readings[at] = isThere
        ? reads.readingOf(pairId, pairs[at] as string, PRICE)
        : absenceAfter(reads, pairId, fetched)
    }
  } finally {
    reads.holds.letGo(fetches.map(({ pairId }) => pairId))
  }
  return readings
}

/** What was fetched and is not the newest is older than a value that L1 has had: L2 does not have that one yet. */
function absenceAfter<R>({ hierarchy }: PriceReads<R>, pairId: number, fetched: Fetched): Absence {
  if (fetched.has(pairId)) return 'unknown'
  return hierarchy.isAbsent(pairId) ? 'missing' : 'unavailable'
}

/** Filled and read within one synchronous step, so one serves all. */
const PRICE = emptyPrice()
