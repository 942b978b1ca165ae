import { NUMBER_FIELDS } from '../schemas/price-update.ts'
import { type CachedPrice, emptyPrice } from '../src/cache/cached-price.ts'
import { ForewarmError } from '../src/forewarm-error.ts'
import { createStateHash } from '../src/replay/state-hash.ts'
import type { Caches } from './options.ts'

const PAIRS_A_TRIP = 1_000

/**
 * The state hash over each pair's newest value: L2's, the one that waits to be written there, or L1's.
 * Throws a ForewarmError 'refused' while L2 is away, because L1 alone does not hold every pair.
 */
export async function stateHashOf({ table, l1, l2, writeBehind }: Caches): Promise<string> {
  const hash = createStateHash({ maxPairs: table.maxPairs })
  const price = emptyPrice()
  const take = (pairId: number, { version, ...numbers }: CachedPrice) =>
    hash.updateValue({
      ...table.namesOf(pairId),
      version,
      numbers: NUMBER_FIELDS.map((field) => numbers[field]),
    })
  await writeBehind.flush()
  for (let from = 0; from < table.end; from += PAIRS_A_TRIP) {
    const ids = Array.from({ length: Math.min(PAIRS_A_TRIP, table.end - from) }, (_, i) => from + i)
    const pairIds = ids.filter((pairId) => table.chainOf(pairId) >= 0)
    const load = await table.holds.during(pairIds, () => l2.load(pairIds))
    if (load.status === 'unavailable')
      throw new ForewarmError('refused', `no state hash without L2, which is away: ${load.reason}`, { retriable: true })
    if (load.unknown !== undefined)
      throw new ForewarmError('refused', 'no state hash without all of L2: a part of it is away', { retriable: true })
    for (const [i, pairId] of pairIds.entries()) {
      const row = load.rows[i]
      if (row !== undefined && row.version >= l1.floor(pairId)) take(pairId, row)
      if (writeBehind.pending(pairId, price)) take(pairId, price)
      if (l1.peek(pairId, price)) take(pairId, price)
    }
  }
  return hash.digest()
}
