import { L1 } from '../src/cache/l1/l1.ts'
import type { SharedPrices } from '../src/detect/attached-prices.ts'
import { ForewarmError } from '../src/forewarm-error.ts'
import type { Caches } from './options.ts'

/** The memory that other threads of the process read. Throws a ForewarmError 'refused' if L1 is not in shared memory. */
export function sharedPricesOf({
  l1,
  table,
  sources,
  reads,
}: Pick<Caches, 'l1' | 'table' | 'sources' | 'reads'>): SharedPrices {
  if (!(l1 instanceof L1))
    throw new ForewarmError('refused', 'L1 is not in shared memory: CACHE_USE_PRICE_MATRIX is off')
  return { l1: l1.buffer, names: table.log.buffer, sources: sources.buffer, reads }
}
