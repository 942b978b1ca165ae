import type { Queries } from '../queries.ts'
import type { Alert } from './alert.ts'
import { objectiveAlerts } from './objectives.ts'

/** Below so many a second a ratio says nothing. */
const READS = '1'
const WARMS = '0.1'
const MOST_PAIRS = 8_000

/** All alerts. Thresholds are those of the service's contract; docs/runbook has a page for each. */
export function alerts(q: Queries): readonly Alert[] {
  return [...latency(q), ...ratios(q), ...throughput(q), ...capacity(q), ...objectiveAlerts(q)]
}

const NODES = 'Compare nodes with `forewarm top --url URL`.'

function latency(q: Queries): readonly Alert[] {
  const tracking = q.quantile(0.95, 'correlation_tracking_duration_seconds')
  const warming = q.quantile(0.95, 'warming_duration_seconds')
  const trackingTodo = [
    'Look whether the machine is short of processor time: other processes, or a garbage collector under memory pressure.',
    'Look at the number of tracked pairs (TooManyPairsTracked) and lower MAX_TRACKED_PAIRS if it is far above what detectors read.',
  ]
  const warmingTodo = [
    'Look at the latency of Redis from this machine (`redis-cli --latency`), and at `l2_unavailable_total`.',
    'Lower WARMING_MAX_PAIRS, or set the rollout to shadow (`forewarm rollout set shadow`) until Redis is well.',
  ]
  return [
    {
      ...{ name: 'CorrelationTrackingSlow', severity: 'critical', layer: 'hot-path', for: '5m' },
      expression: `${tracking} > 100e-6`,
      summary: 'Tracking takes {{ $value | humanizeDuration }} at the 95th percentile (limit 100 µs)',
      means: 'The tracker observes each update before detectors run. It usually takes a microsecond.',
      see: NODES,
      todo: trackingTodo,
    },
    {
      ...{ name: 'CorrelationTrackingDegraded', severity: 'warning', layer: 'hot-path', for: '10m' },
      expression: `${tracking} > 75e-6`,
      summary: 'Tracking takes {{ $value | humanizeDuration }} at the 95th percentile (75 µs is much)',
      means: 'As CorrelationTrackingSlow, earlier.',
      see: NODES,
      todo: trackingTodo,
    },
    {
      ...{ name: 'WarmingOperationsSlow', severity: 'critical', layer: 'background', for: '5m' },
      expression: `${warming} > 0.02`,
      summary: 'Warms of {{ $labels.chain }} take {{ $value | humanizeDuration }} at the 95th percentile (limit 20 ms)',
      means: 'A warm that takes longer than a detector waits before it reads comes too late.',
      see: 'The panel "Duration of warms", and `warms late` in `/cache/warming/stats`.',
      todo: warmingTodo,
    },
    {
      ...{ name: 'WarmingOperationsDegraded', severity: 'warning', layer: 'background', for: '10m' },
      expression: `${warming} > 0.015`,
      summary:
        'Warms of {{ $labels.chain }} take {{ $value | humanizeDuration }} at the 95th percentile (15 ms is much)',
      means: 'As WarmingOperationsSlow, earlier.',
      see: 'The panel "Duration of warms".',
      todo: warmingTodo,
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

function ratios(q: Queries): readonly Alert[] {
  const warms = `${q.rate('warming_operations_total')} > ${WARMS}`
  const reads = `${q.rate('cache_hits_total', '{cache_level="L1"}')} + ${q.rate('cache_misses_total', '{cache_level="L1"}')} > ${READS}`
  const errorTodo = [
    'Look at the log: the first failed warm of a kind is there at once, with its reason.',
    'If Redis is away (`l2_state` is 0), bring it back: nodes go on from L1 and try again by themselves.',
  ]
  const hitTodo = [
    'Look whether the rollout is off, shadow or killed: `forewarm rollout status`.',
    'Look whether L1 is too small for what is read: evictions, and capacity against size.',
    'After a start, or when the traffic has changed, the tracker needs minutes to learn.',
  ]
  const tasks = (selector: string) => q.rate('warm_results_total', selector, '10m')
  return [
    {
      ...{ name: 'WarmingErrorRateHigh', severity: 'critical', layer: 'background', for: '5m' },
      expression: `(${q.errorRatio()} > 0.05) and (${warms})`,
      summary: '{{ $value | humanizePercentage }} of the warms of {{ $labels.chain }} fail (limit 5 %)',
      means: 'Warms time out or fail. Reads are answered as without warming.',
      see: 'The panel "Success and errors by chain".',
      todo: errorTodo,
    },
    {
      ...{ name: 'WarmingErrorRateElevated', severity: 'warning', layer: 'background', for: '10m' },
      expression: `(${q.errorRatio()} > 0.01) and (${warms})`,
      summary: '{{ $value | humanizePercentage }} of the warms of {{ $labels.chain }} fail (1 % is much)',
      means: 'As WarmingErrorRateHigh, earlier.',
      see: 'The panel "Success and errors by chain".',
      todo: errorTodo,
    },
    {
      ...{ name: 'CacheHitRateDropped', severity: 'critical', layer: 'hot-path', for: '10m' },
      expression: `(${q.hitRatio()} < 0.85) and (${reads})`,
      summary: 'L1 answers {{ $value | humanizePercentage }} of the reads of {{ $labels.chain }} (at least 85 %)',
      means: 'Detectors miss L1 more often than they should. They wait for Redis, or go without the price.',
      see: 'The panels "L1 hit ratio" and "Hits and misses by level".',
      todo: hitTodo,
    },
    {
      ...{ name: 'CacheHitRateSuboptimal', severity: 'info', layer: 'hot-path', for: '30m' },
      expression: `(${q.hitRatio()} < 0.9) and (${reads})`,
      summary: 'L1 answers {{ $value | humanizePercentage }} of the reads of {{ $labels.chain }} (90 % is usual)',
      means: 'As CacheHitRateDropped, earlier.',
      see: 'The panel "L1 hit ratio".',
      todo: hitTodo,
    },
    {
      ...{ name: 'WarmingTasksFailing', severity: 'warning', layer: 'background', for: '10m' },
      expression: `${tasks('{status=~"timeout|failed"}')} / ${tasks('')} > 0.05`,
      summary: '{{ $value | humanizePercentage }} of the warm requests of {{ $labels.chain }} end as timeout or failed',
      means: 'Requests of tasks, schedules and people do not succeed.',
      see: '`GET /cache/warm/status/{task_id}` tells how each node ended; `forewarm schedules list` the last runs.',
      todo: errorTodo,
    },
  ]
}

function throughput(q: Queries): readonly Alert[] {
  // Little traffic is no fault. It is one while records wait.
  const waiting = `on () (sum(${q.metric('consumer_lag_records')}) > 0)`
  const perWarm = `${q.rate('warming_pairs_warmed_total', '', '30m')} / ${q.rate('warming_operations_total', '', '30m')}`
  return [
    {
      ...{ name: 'WarmingThroughputLow', severity: 'info', layer: 'background', for: '15m' },
      expression: `sum(rate(${q.metric('warming_operations_total')}[5m])) < 50 and ${waiting}`,
      summary: '{{ $value | humanize }} warms a second while records wait (50 are usual)',
      means: 'The service does not keep up, and warms less than it could. With little traffic this never fires.',
      see: 'The panels "Operations a second" and "Lag".',
      todo: ['Look at the lag by topic, and add a node or partitions if it grows.'],
    },
    {
      ...{ name: 'TrackingThroughputLow', severity: 'info', layer: 'hot-path', for: '15m' },
      expression: `sum(rate(${q.metric('price_updates_total')}[5m])) < 15000 and ${waiting}`,
      summary: '{{ $value | humanize }} updates a second while records wait (a node handles 15,000 and far more)',
      means: 'Updates wait in Kafka and are handled slowly. With little traffic this never fires.',
      see: 'The panel "Lag in seconds", and `detector_duration_seconds`: a detector that waits holds up its partition.',
      todo: [
        'Look for a slow detector first. Then for processor time, and for the network to Kafka.',
        'Add a node, if there are partitions for it.',
      ],
    },
    {
      ...{ name: 'LowPairsPerWarming', severity: 'info', layer: 'background', for: '30m' },
      expression: `(${perWarm} < 2) and (${q.rate('warming_operations_total', '', '30m')} > ${WARMS})`,
      summary: 'A warm of {{ $labels.chain }} brings {{ $value | humanize }} pairs into L1 (2 are usual)',
      means: 'Most of what is asked for is in L1 already, or not in Redis.',
      see: 'The panel "Pairs an operation", and `promotions_total` by outcome.',
      todo: [
        'If most are `alreadyInL1`, warm less often or with a higher WARMING_MIN_SCORE. If `notFound`, look at the TTL of L2.',
      ],
    },
  ]
}

function capacity(q: Queries): readonly Alert[] {
  // Other processes tell of their memory under the same name.
  const ofNodes = `and on (job, instance) ${q.metric('correlation_pairs_tracked')}`
  const resident = 'process_resident_memory_bytes'
  const [size, full] = ['cache_size_bytes', 'cache_capacity_bytes'].map(
    (name) => `sum by (instance) (${q.metric(name)}{cache_level="L1"})`,
  )
  const predicted = `sum by (instance) (predict_linear(${q.metric('cache_size_bytes')}{cache_level="L1"}[1h], 4 * 3600))`
  const memoryTodo = [
    'Look at L1 (`L1_SIZE_MB`) and at the tracked pairs. Both have bounds, and are allocated as they fill.',
    'Take a heap snapshot (`node --inspect`) if the heap grows and neither of them does.',
  ]
  return [
    {
      ...{ name: 'MemoryGrowthHigh', severity: 'warning', layer: 'background', for: '30m' },
      expression: `(deriv(${resident}[1h]) * 3600 > 100e6) ${ofNodes}`,
      summary: '{{ $labels.instance }} grows by {{ $value | humanize1024 }}B an hour (limit 100 MB)',
      means: 'Resident memory grows. After a start it does until L1 and the tables are full.',
      see: 'The panel "Bytes and capacity", and `nodejs_heap_size_used_bytes`.',
      todo: memoryTodo,
    },
    {
      ...{ name: 'TooManyPairsTracked', severity: 'warning', layer: 'background', for: '15m' },
      expression: `sum by (instance) (${q.metric('correlation_pairs_tracked')}) > ${MOST_PAIRS}`,
      summary: '{{ $labels.instance }} tracks {{ $value }} pairs (limit 8,000)',
      means: 'More pairs are tracked than was planned for. Beyond MAX_TRACKED_PAIRS old ones make room for new ones.',
      see: 'The panel "Pairs tracked", and `correlation_pairs_recycled_total`.',
      todo: ['Look whether a feed invents names. Raise the limit of the alert if the market is that large.'],
    },
    {
      ...{ name: 'CacheCapacityWarning', severity: 'capacity', layer: 'background', for: '15m' },
      expression: `(${predicted} > 0.8 * ${full}) and (${size} < 0.8 * ${full})`,
      summary: 'L1 of {{ $labels.instance }} will reach 80 % of its capacity within 4 hours',
      means:
        'L1 fills. A full L1 works: it evicts what is least likely to be read. This is the time to plan, not to act.',
      see: 'The panel "Bytes and capacity".',
      todo: ['Raise `L1_SIZE_MB` before it is full if the hit ratio matters and there is memory.'],
    },
    {
      ...{ name: 'HighMemoryUsage', severity: 'capacity', layer: 'background', for: '10m' },
      expression: `(${resident} / node_memory_MemTotal_bytes > 0.8) ${ofNodes}`,
      summary:
        '{{ $labels.instance }} uses {{ $value | humanizePercentage }} of the memory of its machine (limit 80 %)',
      means: 'The operating system will end the process when memory runs out.',
      see: 'The panel "Bytes and capacity".',
      todo: memoryTodo,
    },
    {
      ...{ name: 'MemoryCeilingNear', severity: 'warning', layer: 'background', for: '10m' },
      expression: `${resident} / on (job, instance) group_left () ${q.metric('memory_ceiling_bytes')} > 0.85`,
      summary: '{{ $labels.instance }} uses {{ $value | humanizePercentage }} of its memory ceiling (85 % is much)',
      means: 'The process comes near to the resident memory that was set for it. Without a ceiling this never fires.',
      see: 'The panel "Bytes and capacity".',
      todo: memoryTodo,
    },
  ]
}
