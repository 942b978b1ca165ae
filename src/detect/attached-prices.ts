import { emptyPrice } from '../cache/cached-price.ts'
import { L1Reader } from '../cache/l1/reader.ts'
import { NameLogReader } from '../cache/names/name-log.ts'
import type { Unaccepted } from '../cache/price-reads.ts'
import { type Clock, systemClock } from '../clock.ts'
import { assertOptions } from '../config/options.ts'
import { assertReadOptions } from '../config/read-options.ts'
import { monotonicMs } from '../monotonic.ts'
import { type Reading, type ReadOptions, readingOf } from './reading.ts'
import { ThreadReads } from './thread-reads.ts'

/** A node's L1 for other threads of its process. Pass it to a worker as it is, in `workerData` or in a message. */
export interface SharedPrices {
  readonly l1: SharedArrayBuffer
  readonly names: SharedArrayBuffer
  /** The moments as of which the values are the newest. */
  readonly sources: SharedArrayBuffer
  /** How often other threads have read. */
  readonly reads: SharedArrayBuffer
}

/**
 * L1 as another thread reads it. A value is never torn, and never older than one that this thread has read before. A
 * miss is 'unknown': it is not fetched from L2, and the node does not learn from these reads what to warm.
 */
export interface AttachedPrices {
  get(chain: string, pair: string, options?: ReadOptions): Reading | 'unknown' | Unaccepted
  stats(): { readonly hits: number; readonly misses: number }
}

/**
 * Opens a node's L1 in a worker thread, before or after the node has started. Throws a ForewarmError
 * 'bad-shared-memory' if the memory is not a node's, or comes from another version of Forewarm; 'bad-value' for an
 * unknown option.
 */
export function attachPrices(shared: SharedPrices, options: { readonly clock?: Clock } = {}): AttachedPrices {
  assertOptions('attachPrices', options, { clock: true })
  const reader = new L1Reader(shared.l1, shared.sources)
  const names = new NameLogReader(shared.names)
  const clock = options.clock ?? systemClock
  const price = emptyPrice()
  const counted = new ThreadReads(shared.reads)
  let [hits, misses] = [0, 0]
  const isThere = (chain: string, pair: string) => {
    const pairId = names.find(chain, pair)
    return pairId >= 0 && reader.get(pairId, price)
  }
  return {
    get: (chain, pair, options) => {
      assertReadOptions(options)
      // A pair that has lost its id may have another one by now.
      const isHit = isThere(chain, pair) || (names.catchUp() && isThere(chain, pair))
      if (!isHit) {
        misses++
        counted.miss()
        return 'unknown'
      }
      hits++
      counted.hit()
      const behindMs = Math.max(0, monotonicMs() - price.asOfMs)
      return readingOf({ chain, pair, price }, { ageMs: clock.now() - price.eventTimeMs, behindMs }, options)
    },
    stats: () => ({ hits, misses }),
  }
}
