import type { Clock } from '../../clock.ts'
import { type CachedPrice, type PriceColumns, priceOfRow } from '../cached-price.ts'
import { jitteredTtlMs } from '../ttl.ts'
import type { L2 } from './l2.ts'

export interface MemoryL2Options {
  readonly clock: Clock
  /** Returns 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number
  readonly ttlMs: number
}

interface Stored {
  readonly price: CachedPrice
  readonly expiresAtMs: number
}

const CLOSED = { status: 'unavailable', reason: 'closed' } as const

/**
 * The second level without Redis: it is private to the process and always available. It holds one value for each pair id
 * at most, and the pair table bounds those. An expired value is removed when it is next asked for or written.
 */
export function createMemoryL2(options: MemoryL2Options): L2 {
  const stored = new Map<number, Stored>()
  let closed = false

  const live = (pairId: number): CachedPrice | undefined => {
    const entry = stored.get(pairId)
    if (entry === undefined) return undefined
    if (entry.expiresAtMs > options.clock.now()) return entry.price
    stored.delete(pairId)
    return undefined
  }

  const put = (columns: PriceColumns, row: number): boolean => {
    const pairId = columns.pairIds[row] as number
    const version = columns.versions[row] as number
    // A row of version 0 has no value: its pair was delisted while it waited.
    if (version === 0 || (live(pairId)?.version ?? 0) > version) return false
    const expiresAtMs = options.clock.now() + jitteredTtlMs(options.ttlMs, options.random)
    stored.set(pairId, { price: priceOfRow(columns, row), expiresAtMs })
    return true
  }

  return {
    start: async () => {},
    load: async (pairIds) => {
      if (closed) return CLOSED
      const rows = pairIds.map((pairId) => {
        const price = live(pairId)
        return price === undefined ? undefined : { ...price }
      })
      return { status: 'loaded', rows }
    },
    write: async (columns, from, to) => {
      if (closed) return CLOSED
      let written = 0
      for (let row = from; row < to; row++) if (put(columns, row)) written++
      return { status: 'written', written, older: to - from - written }
    },
    delete: async (pairIds) => {
      if (closed) return CLOSED
      let written = 0
      for (const pairId of pairIds) {
        if (live(pairId) === undefined) continue
        stored.delete(pairId)
        written++
      }
      return { status: 'written', written, older: 0 }
    },
    state: () => (closed ? { status: 'degraded', reason: 'closed', sinceMs: 0 } : { status: 'up' }),
    close: async () => {
      closed = true
      stored.clear()
    },
  }
}
