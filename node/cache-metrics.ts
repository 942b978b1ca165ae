import { ROLLOUT_MODES } from '../schemas/control/rollout-modes.ts'
import { WARM_KINDS } from '../src/cache/l1/usage.ts'
import type { Config } from '../src/config/settings.ts'
import { threadReads } from '../src/detect/thread-reads.ts'
import { REFUSALS } from '../src/patterns/pattern-entry.ts'
import type { Metrics } from '../src/telemetry/slab.ts'
import type { Caches } from './options.ts'
import { observeStrategies } from './strategies/strategies.ts'

/** A figure that cannot be measured yet is not shown. */
function observeBenefit(metrics: Metrics, { measurement, l1, promotion }: Caches): void {
  const figures = () => measurement.figures({ usage: l1.usage, promotions: promotion.tally })
  for (const bound of ['points', 'low', 'high'] as const)
    metrics.observe(
      'warming_hit_rate_improvement_points',
      { bound },
      () => figures().hitRateImprovement?.[bound] ?? Number.NaN,
    )
  for (const bound of ['points', 'low', 'high'] as const)
    metrics.observe('warming_saved_reads', { bound }, () => {
      const { hitRateImprovement, warmed } = figures()
      return hitRateImprovement === undefined ? Number.NaN : (hitRateImprovement[bound] / 100) * warmed.reads
    })
  metrics.observe('warming_hit_ratio', { arm: 'with' }, () => figures().warmed.hitRatio ?? Number.NaN)
  metrics.observe('warming_hit_ratio', { arm: 'without' }, () => figures().control.hitRatio ?? Number.NaN)
  metrics.observe('warming_coverage_ratio', {}, () => figures().coverage ?? Number.NaN)
}

function observeRollout(metrics: Metrics, { rollout }: Caches): void {
  for (const mode of ROLLOUT_MODES) metrics.observe('rollout_mode', { mode }, () => Number(rollout.mode === mode))
  metrics.observe('rollout_killed', {}, () => Number(rollout.isKilled))
}

function observeLevels(metrics: Metrics, { l1, l2, reads }: Caches): void {
  metrics.observe('cache_size_bytes', { cache_level: 'L1' }, () => l1.usedBytes)
  metrics.observe('cache_capacity_bytes', { cache_level: 'L1' }, () => l1.bytes)
  metrics.observe('cache_size_bytes', { cache_level: 'L2' }, () => l2.usage?.bytes ?? Number.NaN)
  metrics.observe('cache_capacity_bytes', { cache_level: 'L2' }, () => l2.usage?.capacityBytes ?? Number.NaN)
  metrics.observe('cache_evictions_total', { cache_level: 'L1' }, () => l1.usage.evictions)
  metrics.observe('thread_reads_total', { outcome: 'hit' }, () => threadReads(reads).hits)
  metrics.observe('thread_reads_total', { outcome: 'miss' }, () => threadReads(reads).misses)
  metrics.observe('l2_state', {}, () => (l2.state().status === 'up' ? 1 : 0))
}

/** What was configured, for rules that compare with it. */
function observeLimits(metrics: Metrics, { cache, correlation }: Config): void {
  const { memoryLimitMb } = cache
  metrics.observe('correlation_pairs_limit', {}, () => correlation.maxTrackedPairs)
  if (memoryLimitMb !== undefined) metrics.observe('memory_ceiling_bytes', {}, () => memoryLimitMb * 1024 * 1024)
}

/** Everything that the caches of a node count for themselves. */
export function observeCaches(metrics: Metrics, caches: Caches, config: Config): void {
  observeLevels(metrics, caches)
  observeLimits(metrics, config)
  observeRollout(metrics, caches)
  observeBenefit(metrics, caches)
  observeStrategies(metrics, caches)
  observeLearning(metrics, caches)
  observeFreshness(metrics, caches)
  const { table, l1, writeBehind, tracker, pushBack, kept } = caches
  metrics.observe('correlation_pairs_tracked', {}, () => tracker.totalPairs)
  metrics.observe('l2_pushed_back_total', {}, () => pushBack.pushed)
  for (const [kind, strategy] of WARM_KINDS.entries()) {
    metrics.observe('warms_used_total', { strategy }, () => l1.usage.warmsByKind[kind]?.used ?? 0)
    metrics.observe('warms_unused_total', { strategy }, () => l1.usage.warmsByKind[kind]?.unused ?? 0)
  }
  metrics.observe('correlation_pairs_recycled_total', {}, () => tracker.recycled)
  metrics.observe('correlations_restored_total', {}, () => tracker.restored)
  metrics.observe('drops_total', { reason: 'correlations-not-deleted' }, () => kept?.unwritten.refusedDeletions ?? 0)
  metrics.observe('drops_total', { reason: 'pair-not-tracked' }, () => tracker.refusedCalls)
  metrics.observe('drops_total', { reason: 'read-not-kept' }, () => tracker.refusedEdges)
  metrics.observe('drops_total', { reason: 'unknown-pair-asked' }, () => table.asksWithoutId)
  metrics.observe('drops_total', { reason: 'l2-away' }, () => writeBehind.skipped)
}

function observeLearning(metrics: Metrics, { prediction, mining, mined }: Caches): void {
  metrics.observe('drops_total', { reason: 'read-not-remembered' }, () => prediction.notRemembered)
  const { store } = prediction
  metrics.observe('pattern_saves_failed_total', {}, () => store?.failedSaves ?? 0)
  for (const reason of REFUSALS)
    metrics.observe('pattern_entries_refused_total', { reason }, () => store?.refused?.(reason) ?? 0)
  metrics.observe('prediction_pairs_recycled_total', {}, () => prediction.recycled)
  metrics.observe('drops_total', { reason: 'hour-not-forecast' }, () => prediction.notForecast)
  metrics.observe('mining_seconds_total', {}, () => (mining?.work.ms ?? 0) / 1000)
  metrics.observe('mining_runs_total', {}, () => mining?.stretches ?? 0)
  for (const outcome of ['mined', 'skipped'] as const)
    metrics.observe('mining_leaders_total', { outcome }, () => mining?.work[outcome] ?? 0)
  metrics.observe('drops_total', { reason: 'too-old-to-mine' }, () => mined?.older ?? 0)
  metrics.observe('drops_total', { reason: 'not-mined' }, () => (mined?.notTaken ?? 0) + (mining?.lost ?? 0))
  metrics.observe('drops_total', { reason: 'no-room-to-mine' }, () => mined?.refusedMarks ?? 0)
}

function observeFreshness(metrics: Metrics, { l1, freshness, foreign, sources }: Caches): void {
  metrics.observe('partitions_not_kept', {}, () => sources.unkept.size)
  metrics.observe('drops_total', { reason: 'too-many-partitions' }, () => sources.refused)
  metrics.observe('topics_with_one_code', {}, () => sources.codes.clashes)
  metrics.observe('resident_pairs', { kind: 'followed' }, () => l1.followedPairs())
  metrics.observe('resident_pairs', { kind: 'foreign' }, () => l1.usage.resident - l1.followedPairs())
  for (const kind of ['followed', 'foreign'] as const) {
    metrics.observe('price_reads_total', { kind }, () => freshness?.[kind].reads ?? 0)
    metrics.observe('largest_behind_seconds', { kind }, () => (freshness?.largestMs(kind) ?? 0) / 1000)
  }
  metrics.observe('foreign_invalidations_total', {}, () => foreign?.invalidations ?? 0)
  metrics.observe('foreign_rereads_total', {}, () => foreign?.reads ?? 0)
  metrics.observe('foreign_losses_total', {}, () => foreign?.losses ?? 0)
}
