import type { Queries } from '../queries.ts'
import type { Alert } from './alert.ts'

const TRACKING_TODO = [
  'Look whether the machine is short of processor time: other processes, or a garbage collector under memory pressure.',
  'Look at the number of tracked pairs (TooManyPairsTracked) and lower MAX_TRACKED_PAIRS if it is far above what detectors read.',
]
const WARMING_TODO = [
  'Look at the latency of Redis from this machine (`redis-cli --latency`), and at `l2_unavailable_total`.',
  'Lower WARMING_MAX_PAIRS, or set the rollout to shadow (`forewarm rollout set shadow`) until Redis is well.',
]

/** Tracking, warms and reads that take long. */
export function latencyAlerts(q: Queries): readonly Alert[] {
  return [...tracking(q), ...warms(q)]
}

function tracking(q: Queries): readonly Alert[] {
  const tracked = q.quantile(0.95, 'correlation_tracking_duration_seconds')
  return [
    {
      ...{ name: 'CorrelationTrackingSlow', severity: 'critical', layer: 'hot-path', for: '5m' },
      expression: `${tracked} > 100e-6`,
      summary: 'Tracking takes {{ $value | humanizeDuration }} at the 95th percentile (limit 100 µs)',
      means: 'The tracker observes each update before detectors run. It usually takes a microsecond.',
      see: 'Compare nodes with `forewarm top --url URL`.',
      todo: TRACKING_TODO,
    },
    {
      ...{ name: 'CorrelationTrackingDegraded', severity: 'warning', layer: 'hot-path', for: '10m' },
      expression: `${tracked} > 75e-6`,
      summary: 'Tracking takes {{ $value | humanizeDuration }} at the 95th percentile (75 µs is much)',
      means: 'As CorrelationTrackingSlow, earlier.',
      see: 'Compare nodes with `forewarm top --url URL`.',
      todo: TRACKING_TODO,
    },
  ]
}

function warms(q: Queries): readonly Alert[] {
  const warmed = q.quantile(0.95, 'warming_duration_seconds')
  return [
    {
      ...{ name: 'WarmingOperationsSlow', severity: 'critical', layer: 'background', for: '5m' },
      expression: `${warmed} > 0.02`,
      summary: 'Warms of {{ $labels.chain }} take {{ $value | humanizeDuration }} at the 95th percentile (limit 20 ms)',
      means: 'A warm that takes longer than a detector waits before it reads comes too late.',
      see: 'The panel "Duration of warms", and `warms late` in `/cache/warming/stats`.',
      todo: WARMING_TODO,
    },
    {
      ...{ name: 'WarmingOperationsDegraded', severity: 'warning', layer: 'background', for: '10m' },
      expression: `${warmed} > 0.015`,
      summary:
        'Warms of {{ $labels.chain }} take {{ $value | humanizeDuration }} at the 95th percentile (15 ms is much)',
      means: 'As WarmingOperationsSlow, earlier.',
      see: 'The panel "Duration of warms".',
      todo: WARMING_TODO,
    },
    {
      ...{ name: 'CacheReadSlow', severity: 'critical', layer: 'hot-path', for: '5m' },
      expression: `${q.quantile(0.99, 'cache_get_duration_seconds')} > 0.1`,
      summary:
        'Reads of {{ $labels.chain }} take {{ $value | humanizeDuration }} at the 99th percentile (limit 100 ms)',
      means: 'Reads that go through the levels wait for Redis or ClickHouse. L1 itself answers within microseconds.',
      see: 'The panel "Read latency by level" tells which level is slow.',
      todo: [
        'If it is L2: look at Redis and the network to it.',
        'If it is L3: look at ClickHouse; without CLICKHOUSE_URL a miss of L2 is answered at once.',
      ],
    },
  ]
}
