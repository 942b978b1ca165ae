import type { Histogram, Metrics } from '../telemetry/slab.ts'
import type { Hierarchy } from './hierarchy.ts'
import type { FirstLevel } from './l1/first-level.ts'
import type { Upkeep } from './l1/upkeep.ts'
import type { L2 } from './l2/l2.ts'

/** How long reads of one level take, in milliseconds; undefined while nothing was read from it. */
export interface LatencyStats {
  readonly p50?: number
  readonly p90?: number
  readonly p99?: number
  readonly avg?: number
}

/** Reads and size of one level. */
export interface LevelStats {
  readonly hits: number
  readonly misses: number
  /** Hits ÷ the reads that came as far as this level; undefined while there were none. */
  readonly hit_rate_pct: number | undefined
  readonly latency_ms: LatencyStats
  readonly entries?: number
  readonly bytes?: number
  readonly capacity_bytes?: number
  /** 0: there is memory enough, 1: the level uses as little as it may. */
  readonly pressure?: number
}

/** Demand reads since the start, level by level. Entries and bytes of L2 are the whole server's, as last measured. */
export interface HierarchyStats {
  readonly overall: {
    /** Reads that any level answered ÷ all reads; undefined while there were none. */
    readonly overall_hit_rate_pct: number | undefined
    /** Over the last ten seconds; undefined in the first second. */
    readonly requests_per_s: number | undefined
    readonly latency_ms: LatencyStats
  }
  readonly levels: { readonly L1: LevelStats; readonly L2: LevelStats; readonly L3: LevelStats }
}

export interface HierarchyStatsParts {
  readonly l1: FirstLevel
  readonly l2: Pick<L2, 'usage'>
  readonly hierarchy: Hierarchy
  readonly upkeep: Upkeep
  readonly metrics: Metrics
}

export function hierarchyStats({ l1, l2, hierarchy, upkeep, metrics }: HierarchyStatsParts): HierarchyStats {
  const latency = (level: string) => metrics.histogram('cache_get_duration_seconds', { cache_level: level })
  const slower = (level: string): LevelStats => {
    const hits = metrics.counter('cache_hits_total', { cache_level: level }).value
    const misses = metrics.counter('cache_misses_total', { cache_level: level }).value
    return { hits, misses, hit_rate_pct: percent(hits, hits + misses), latency_ms: latencyOf(latency(level)) }
  }
  const levels = {
    L1: {
      hits: hierarchy.hits,
      misses: hierarchy.misses,
      hit_rate_pct: percent(hierarchy.hits, hierarchy.hits + hierarchy.misses),
      latency_ms: latencyOf(latency('L1')),
      entries: l1.usage.resident,
      bytes: l1.usedBytes,
      capacity_bytes: l1.bytes,
      pressure: upkeep.pressure.level,
    },
    L2: { ...slower('L2'), ...usageOf(l2) },
    L3: slower('L3'),
  }
  const answered = [levels.L1.hits, levels.L2.hits, levels.L3.hits]
  const reads = levels.L1.hits + levels.L1.misses
  return {
    overall: {
      overall_hit_rate_pct: percent(Math.min(sum(answered), reads), reads),
      requests_per_s: upkeep.readsPerSecond,
      latency_ms: overall(answered, ['L1', 'L2', 'L3'].map(latency)),
    },
    levels,
  }
}

function usageOf({ usage }: Pick<L2, 'usage'>): Partial<LevelStats> {
  if (usage === undefined) return {}
  const { entries, bytes, capacityBytes } = usage
  return { entries, bytes, ...(capacityBytes !== undefined && { capacity_bytes: capacityBytes }) }
}

function percent(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : (part / whole) * 100
}

function latencyOf(seconds: Histogram): LatencyStats {
  if (seconds.count === 0) return {}
  const ms = (q: number) => (seconds.quantile(q) ?? 0) * 1000
  return { p50: ms(0.5), p90: ms(0.9), p99: ms(0.99), avg: (seconds.sum / seconds.count) * 1000 }
}

/**
 * The latency of all reads that were answered. It is put together from the levels' shares of these reads, as if every read
 * of a slower level were slower than every read of a faster one. The histograms cannot be added up, because L1 times only
 * one read in many.
 */
function overall(answered: readonly number[], seconds: readonly Histogram[]): LatencyStats {
  const total = sum(answered)
  const known = answered.every((reads, level) => reads === 0 || (seconds[level]?.count ?? 0) > 0)
  if (total === 0 || !known) return {}
  const quantile = (q: number) => {
    let rest = q * total
    for (const [level, reads] of answered.entries()) {
      if (reads > 0 && rest <= reads) return (seconds[level]?.quantile(rest / reads) ?? 0) * 1000
      rest -= reads
    }
    return 0
  }
  const mean = (level: number) => (seconds[level]?.sum ?? 0) / Math.max(seconds[level]?.count ?? 0, 1)
  const avg = (sum(answered.map((reads, level) => reads * mean(level))) / total) * 1000
  // With few reads, the slowest may have been one of L1, while the machine was busy.
  const p50 = quantile(0.5)
  const p90 = Math.max(p50, quantile(0.9))
  return { p50, p90, p99: Math.max(p90, quantile(0.99)), avg }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
