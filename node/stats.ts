import type { Consumer } from '../src/broker/port.ts'
import type { DetectorStats } from '../src/detect/runner.ts'
import type { MetricSlab } from '../src/telemetry/metrics.ts'
import type { StrategyComparison } from '../src/warming/arms/comparison.ts'
import type { WarmingFigures } from '../src/warming/measurement.ts'
import type { Vitals } from './health.ts'

/** Counts of a node since its start. */
export interface NodeStats {
  readonly updates: number
  readonly pairs: number
  readonly reads: { readonly hits: number; readonly misses: number }
  readonly warms: {
    readonly admitted: number
    readonly used: number
    readonly unused: number
    readonly resident: number
  }
  /** What warming brings, measured against the control group. */
  readonly warming: WarmingFigures
  /** Undefined while there is only one strategy (WARMING_STRATEGY_B). */
  readonly strategies: StrategyComparison | undefined
  readonly l1: { readonly slots: number; readonly resident: number; readonly bytes: number; readonly evictions: number }
  readonly l2: { readonly state: 'up' | 'degraded'; readonly waitingEntries: number; readonly skippedEntries: number }
  /** What went wrong with each detector. */
  readonly detectors: readonly DetectorStats[]
  /** Errors of detectors' code that no call carried: in timers, after a forgotten `await`, in the module itself. */
  readonly strayErrors: number
  /** Milliseconds from an update's event time until it can be read in L1. Undefined before the first update. */
  readonly endToEndMs: { readonly p50: number; readonly p99: number } | undefined
  readonly lagRecords: number
  readonly warmRequests: {
    readonly lagRecords: number
    /** Requests that were read and have not begun. Those that are held until they are due do not count. */
    readonly waiting: number
  }
}

interface StatsSources extends Vitals {
  readonly metrics: MetricSlab
  readonly strayErrors: number
}

export function statsOf({ caches, streams, strayErrors, metrics }: StatsSources): NodeStats {
  const { l1, l2, table, tracker, hierarchy, writeBehind } = caches
  const latency = metrics.histogram('end_to_end_latency_seconds')
  const [p50, p99] = [latency.quantile(0.5), latency.quantile(0.99)]
  const { admitted, used, unused } = l1.usage.warmCounts
  const { waitingRequests = 0, heldRequests = 0 } = streams?.warmer.stats() ?? {}
  return {
    updates: tracker.totalUpdates,
    pairs: table.size,
    reads: { hits: hierarchy.hits, misses: hierarchy.misses },
    warms: { admitted, used, unused, resident: l1.usage.warm },
    warming: caches.measurement.figures({ usage: l1.usage, promotions: caches.promotion.tally }),
    strategies: caches.comparison.figures({ usage: l1.usage, promotions: caches.promotion }),
    l1: { slots: l1.slots, resident: l1.usage.resident, bytes: l1.bytes, evictions: l1.usage.evictions },
    l2: { state: l2.state().status, waitingEntries: writeBehind.pendingEntries, skippedEntries: writeBehind.skipped },
    detectors: streams?.detectors() ?? [],
    strayErrors,
    endToEndMs: p50 === undefined || p99 === undefined ? undefined : { p50: p50 * 1000, p99: p99 * 1000 },
    lagRecords: lagRecordsOf(streams?.prices),
    warmRequests: { lagRecords: lagRecordsOf(streams?.warmRequests), waiting: waitingRequests - heldRequests },
  }
}

function lagRecordsOf(consumer: Consumer | undefined): number {
  return Number(consumer?.lag().reduce((sum, { records }) => sum + records, 0n) ?? 0n)
}
