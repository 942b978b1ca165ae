import type { Queries } from '../queries.ts'
import { type Alert, FEWEST_WARMS as WARMS } from './alert.ts'

/** Below so many a second a ratio says nothing. */
const READS = '1'
const ERROR_TODO = [
  'Look at the log: the first failed warm of a kind is there at once, with its reason.',
  'If Redis is away (`l2_state` is 0), bring it back: nodes go on from L1 and try again by themselves.',
]
const HIT_TODO = [
  'Look whether the rollout is off, shadow or killed: `forewarm rollout status`.',
  'Look whether L1 is too small for what is read: evictions, and capacity against size.',
  'After a start, or when the traffic has changed, the tracker needs minutes to learn.',
]

/** Warms that fail, and reads that miss. */
export function ratioAlerts(q: Queries): readonly Alert[] {
  return [...errors(q), ...misses(q)]
}

function errors(q: Queries): readonly Alert[] {
  const warms = `${q.rate('warming_operations_total')} > ${WARMS}`
  const tasks = (selector: string) => q.rate('warm_results_total', selector, '10m')
  return [
    {
      ...{ name: 'WarmingErrorRateHigh', severity: 'critical', layer: 'background', for: '5m' },
      expression: `(${q.errorRatio()} > 0.05) and (${warms})`,
      summary: '{{ $value | humanizePercentage }} of the warms of {{ $labels.chain }} fail (limit 5 %)',
      means: 'Warms time out or fail. Reads are answered as without warming.',
      see: 'The panel "Success and errors by chain".',
      todo: ERROR_TODO,
    },
    {
      ...{ name: 'WarmingErrorRateElevated', severity: 'warning', layer: 'background', for: '10m' },
      expression: `(${q.errorRatio()} > 0.01) and (${warms})`,
      summary: '{{ $value | humanizePercentage }} of the warms of {{ $labels.chain }} fail (1 % is much)',
      means: 'As WarmingErrorRateHigh, earlier.',
      see: 'The panel "Success and errors by chain".',
      todo: ERROR_TODO,
    },
    {
      ...{ name: 'WarmingTasksFailing', severity: 'warning', layer: 'background', for: '10m' },
      expression: `${tasks('{status=~"timeout|failed"}')} / ${tasks('')} > 0.05`,
      summary: '{{ $value | humanizePercentage }} of the warm requests of {{ $labels.chain }} end as timeout or failed',
      means: 'Requests of tasks, schedules and people do not succeed.',
      see: '`GET /cache/warm/status/{task_id}` tells how each node ended; `forewarm schedules list` the last runs.',
      todo: ERROR_TODO,
    },
  ]
}

function misses(q: Queries): readonly Alert[] {
  const reads = `${q.rate('cache_hits_total', '{cache_level="L1"}')} + ${q.rate('cache_misses_total', '{cache_level="L1"}')} > ${READS}`
  return [
    {
      ...{ name: 'CacheHitRateDropped', severity: 'critical', layer: 'hot-path', for: '10m' },
      expression: `(${q.hitRatio()} < 0.85) and (${reads})`,
      summary: 'L1 answers {{ $value | humanizePercentage }} of the reads of {{ $labels.chain }} (at least 85 %)',
      means: 'Detectors miss L1 more often than they should. They wait for Redis, or go without the price.',
      see: 'The panels "L1 hit ratio" and "Hits and misses by level".',
      todo: HIT_TODO,
    },
    {
      ...{ name: 'CacheHitRateSuboptimal', severity: 'info', layer: 'hot-path', for: '30m' },
      expression: `(${q.hitRatio()} < 0.9) and (${reads})`,
      summary: 'L1 answers {{ $value | humanizePercentage }} of the reads of {{ $labels.chain }} (90 % is usual)',
      means: 'As CacheHitRateDropped, earlier.',
      see: 'The panel "L1 hit ratio".',
      todo: HIT_TODO,
    },
  ]
}
