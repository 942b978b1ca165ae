import type { FirstLevel } from '../src/cache/l1/first-level.ts'
import { L1 } from '../src/cache/l1/l1.ts'
import { slotsIn } from '../src/cache/l1/memory.ts'
import { ENTRY_BYTES, ObjectL1 } from '../src/cache/l1/objects.ts'
import type { Kind } from '../src/cache/l2/value.ts'
import type { Sources } from '../src/cache/sources/sources.ts'
import type { Config } from '../src/config/settings.ts'

const MEGABYTE = 1024 * 1024
/** A smaller value of any kind has a slot of its own all the same. */
const VALUE_BYTES = 1024

export function createL1({ cache }: Config, sources: Sources, kind: Kind = 'prices'): FirstLevel {
  const { l1Slots, l1SizeMb, maxPairs, usePriceMatrix } = cache
  const options = {
    maxPairs,
    ttlMs: cache.l1TtlSeconds * 1000,
    l2TtlMs: cache.l2TtlSeconds * 1000,
    refreshThreshold: cache.refreshThreshold,
    sources,
  }
  const mostBytes = l1Slots === undefined ? { mostBytes: l1SizeMb * MEGABYTE } : {}
  if (kind === 'values') {
    const slots = Math.min(l1Slots ?? (l1SizeMb * MEGABYTE) / VALUE_BYTES, maxPairs)
    return new ObjectL1({ ...options, ...mostBytes, slots, keepsUpdates: true })
  }
  if (usePriceMatrix) return new L1({ ...options, slots: Math.min(l1Slots ?? slotsIn(l1SizeMb, maxPairs), maxPairs) })
  const slots = Math.min(l1Slots ?? Math.floor((l1SizeMb * MEGABYTE) / ENTRY_BYTES), maxPairs)
  return new ObjectL1({ ...options, ...mostBytes, slots })
}
