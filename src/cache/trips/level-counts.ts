import type { Counter, Histogram, Metrics } from '../../telemetry/slab.ts'
import type { L2Load } from '../l2/l2.ts'

/** The assumed duration of a trip before the first was measured. It follows shorter ones at once, and longer ones slowly. */
const FIRST_FAST_MS = 1
const SHORTER_WEIGHT = 1 / 4
const LONGER_WEIGHT = 1 / 256

/** What is counted of the trips to a level. */
export interface LevelCounts {
  readonly hits: Counter
  readonly misses: Counter
  readonly loads: Counter
  readonly seconds: Histogram
  /** How long a trip takes that has not to wait for others, milliseconds. */
  fastMs: number
}

export function levelCounts(metrics: Metrics, cache_level: 'L2' | 'L3'): LevelCounts {
  return {
    hits: metrics.counter('cache_hits_total', { cache_level }),
    misses: metrics.counter('cache_misses_total', { cache_level }),
    loads: metrics.counter('cache_loads_total', { cause: 'read', cache_level }),
    seconds: metrics.histogram('cache_get_duration_seconds', { cache_level }),
    fastMs: FIRST_FAST_MS,
  }
}

/** Counts a trip, and what it found. */
export async function timed(
  counts: LevelCounts,
  pairIds: readonly number[],
  load: () => Promise<L2Load>,
): Promise<L2Load> {
  const startMs = performance.now()
  const loaded = await load()
  counts.seconds.record((performance.now() - startMs) / 1000)
  counts.loads.add(pairIds.length)
  if (loaded.status === 'unavailable') return loaded
  const longerMs = performance.now() - startMs - counts.fastMs
  counts.fastMs += longerMs * (longerMs < 0 ? SHORTER_WEIGHT : LONGER_WEIGHT)
  const found = loaded.rows.filter((row) => row !== undefined).length
  counts.hits.add(found)
  counts.misses.add(pairIds.length - found - (loaded.unknown?.size ?? 0))
  return loaded
}
