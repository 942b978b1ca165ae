/** A panel of the dashboard. */
export interface PanelOf {
  readonly title: string
  readonly kind: 'gauge' | 'stat' | 'timeseries'
  readonly about: string
  /** Grafana's name of the unit. */
  readonly unit: string
  readonly queries: readonly (readonly [legend: string, expression: string])[]
  /** From which value on the colour changes; the first colour is that below all of them. */
  readonly thresholds?: readonly (readonly [colour: string, from: number | null])[]
  readonly isStacked?: true
  /** The alert whose page of the runbook is linked. */
  readonly alert?: string
}

export interface RowOf {
  readonly title: string
  readonly panels: readonly PanelOf[]
}

const OF = 'chain=~"$chain|all"'
const L1 = `${OF},cache_level="L1"`
const RISING = (yellow: number, red: number) =>
  [
    ['green', null],
    ['yellow', yellow],
    ['red', red],
  ] as const
const FALLING = (red: number, yellow: number) =>
  [
    ['red', null],
    ['yellow', red],
    ['green', yellow],
  ] as const

function rate(name: string, selector: string, by?: string): string {
  const grouped = by === undefined ? 'sum' : `sum by (${by})`
  return `${grouped} (rate(${name}{${selector}}[$__rate_interval]))`
}

function quantile(q: number, name: string, by = ''): string {
  const labels = ['le', ...(by === '' ? [] : [by])].join(', ')
  return `histogram_quantile(${q}, sum by (${labels}) (rate(${name}_bucket{${OF}}[$__rate_interval])))`
}

function quantiles(name: string, ...of: readonly number[]): PanelOf['queries'] {
  return of.map((q) => [`p${q * 100}`, quantile(q, name)])
}

/** The panels in four rows; `p` is the prefix of the metrics. */
export function rows(p: string): readonly RowOf[] {
  return [
    { title: 'Overview', panels: [...overview(p), ...benefit(p)] },
    { title: 'Cache', panels: cache(p) },
    { title: 'Warming', panels: warming(p) },
    { title: 'Errors', panels: errors(p) },
  ]
}

function hitRatio(p: string): string {
  const [hits, misses] = [rate(`${p}cache_hits_total`, L1), rate(`${p}cache_misses_total`, L1)]
  return `${hits} / (${hits} + ${misses})`
}

function overview(p: string): readonly PanelOf[] {
  return [
    {
      ...{ title: 'L1 hit ratio', kind: 'gauge', unit: 'percentunit', thresholds: FALLING(0.85, 0.92) },
      about: 'Reads that L1 answered. Below 92 % detectors wait more often than they should.',
      queries: [['hit ratio', hitRatio(p)]],
      alert: 'CacheHitRateDropped',
    },
    {
      ...{ title: 'Tracking, p95', kind: 'gauge', unit: 's', thresholds: RISING(75e-6, 100e-6) },
      about: 'What the tracker costs each update.',
      queries: [['p95', quantile(0.95, `${p}correlation_tracking_duration_seconds`)]],
      alert: 'CorrelationTrackingSlow',
    },
    {
      ...{ title: 'Duration of warms, p95', kind: 'gauge', unit: 's', thresholds: RISING(0.015, 0.02) },
      about: 'From a request until its last pair is in L1.',
      queries: [['p95', quantile(0.95, `${p}warming_duration_seconds`)]],
      alert: 'WarmingOperationsSlow',
    },
    {
      ...{ title: 'Operations a second by status', kind: 'timeseries', unit: 'ops' },
      about: 'Warms that succeeded, and those that failed or came too late.',
      queries: [['{{status}}', rate(`${p}warming_operations_total`, OF, 'status')]],
      alert: 'WarmingThroughputLow',
    },
  ]
}

function benefit(p: string): readonly PanelOf[] {
  return [
    {
      ...{ title: 'Hit ratio with and without warming', kind: 'stat', unit: 'percentunit' },
      about: 'After updates that were warmed for, and after those of the control group.',
      queries: [['{{arm}}', `avg by (arm) (${p}warming_hit_ratio{${OF}})`]],
    },
    {
      ...{ title: 'Reads of Redis saved', kind: 'stat', unit: 'short' },
      about: 'Misses that warming saved since the comparison with the control group began, and the bounds of 95 %.',
      queries: [['{{bound}}', `sum by (bound) (${p}warming_saved_reads{${OF}})`]],
    },
    {
      ...{ title: 'Detectors, p95, with and without warming', kind: 'stat', unit: 's' },
      about: 'The slowest detector call of an update.',
      queries: [['{{arm}}', quantile(0.95, `${p}warming_compared_duration_seconds`, 'arm')]],
    },
    {
      ...{ title: 'Alerts that fire', kind: 'stat', unit: 'short', thresholds: RISING(1, 1) },
      about: 'Rules of Prometheus that fire now.',
      queries: [
        ['{{alertname}}', 'count by (alertname) (ALERTS{component="warming",alertstate="firing"}) or vector(0)'],
      ],
    },
  ]
}

function cache(p: string): readonly PanelOf[] {
  const [hits, misses] = ['hits', 'misses'].map((what) => rate(`${p}cache_${what}_total`, OF, 'cache_level'))
  return [
    {
      ...{ title: 'Hit ratio by level', kind: 'timeseries', unit: 'percentunit' },
      about: 'What each level answered of the reads that came to it.',
      queries: [['{{cache_level}}', `${hits} / (${hits} + ${misses})`]],
    },
    {
      ...{ title: 'Hits and misses by level', kind: 'timeseries', unit: 'ops', isStacked: true },
      about: 'Reads a second.',
      queries: [
        ['{{cache_level}} hits', hits ?? ''],
        ['{{cache_level}} misses', misses ?? ''],
      ],
    },
    {
      ...{ title: 'Read latency by level', kind: 'timeseries', unit: 's' },
      about: 'By the level that answered.',
      queries: [0.5, 0.9, 0.99].map((q) => [
        `{{cache_level}} p${q * 100}`,
        quantile(q, `${p}cache_get_duration_seconds`, 'cache_level'),
      ]),
      alert: 'CacheReadSlow',
    },
    {
      ...{ title: 'Bytes and capacity', kind: 'timeseries', unit: 'bytes' },
      about: 'What L1 holds and may hold, and the memory of the process.',
      queries: [
        ['{{instance}} L1', `sum by (instance) (${p}cache_size_bytes{${L1}})`],
        ['{{instance}} L1 capacity', `sum by (instance) (${p}cache_capacity_bytes{${L1}})`],
        ['{{instance}} resident', `process_resident_memory_bytes and on (job, instance) ${p}correlation_pairs_tracked`],
      ],
      alert: 'CacheCapacityWarning',
    },
  ]
}

function warming(p: string): readonly PanelOf[] {
  const operations = rate(`${p}warming_operations_total`, OF)
  return [
    {
      ...{ title: 'Tracking', kind: 'timeseries', unit: 's' },
      about: 'Time to observe an update.',
      queries: quantiles(`${p}correlation_tracking_duration_seconds`, 0.5, 0.95, 0.99),
      alert: 'CorrelationTrackingDegraded',
    },
    {
      ...{ title: 'Duration of warms', kind: 'timeseries', unit: 's' },
      about: 'From a request until its last pair is in L1.',
      queries: quantiles(`${p}warming_duration_seconds`, 0.5, 0.95, 0.99),
      alert: 'WarmingOperationsDegraded',
    },
    {
      ...{ title: 'Pairs an operation', kind: 'timeseries', unit: 'short' },
      about: 'Pairs that a warm brought into L1.',
      queries: [['pairs', `${rate(`${p}warming_pairs_warmed_total`, OF)} / ${operations}`]],
      alert: 'LowPairsPerWarming',
    },
    {
      ...{ title: 'Pairs tracked', kind: 'timeseries', unit: 'short' },
      about: 'Pairs for which correlations are kept.',
      queries: [['{{instance}}', `sum by (instance) (${p}correlation_pairs_tracked)`]],
      alert: 'TooManyPairsTracked',
    },
    {
      ...{ title: 'Warms used and unused by strategy', kind: 'timeseries', unit: 'ops', isStacked: true },
      about: 'Warmed pairs that were read before they left L1, and those that were not.',
      queries: [
        ['{{strategy}} used', rate(`${p}warms_used_total`, OF, 'strategy')],
        ['{{strategy}} unused', rate(`${p}warms_unused_total`, OF, 'strategy')],
      ],
    },
    {
      ...{ title: 'Event age at read', kind: 'timeseries', unit: 's' },
      about: 'How old prices are when a detector reads them.',
      queries: quantiles(`${p}event_age_at_read_seconds`, 0.5, 0.95),
    },
  ]
}

function errors(p: string): readonly PanelOf[] {
  const failed = rate(`${p}warming_operations_total`, `${OF},status="error"`)
  return [
    {
      ...{ title: 'Error ratio', kind: 'gauge', unit: 'percentunit', thresholds: RISING(0.01, 0.05) },
      about: 'Warms that failed or came too late.',
      queries: [['errors', `(${failed} or vector(0)) / ${rate(`${p}warming_operations_total`, OF)}`]],
      alert: 'WarmingErrorRateHigh',
    },
    {
      ...{ title: 'Success and errors by chain', kind: 'timeseries', unit: 'ops', isStacked: true },
      about: 'Warms a second.',
      queries: [['{{chain}} {{status}}', rate(`${p}warming_operations_total`, OF, 'chain, status')]],
      alert: 'WarmingErrorRateElevated',
    },
    {
      ...{ title: 'Lag in seconds', kind: 'timeseries', unit: 's' },
      about: 'Age of the last handled record; 0 when none waits.',
      queries: [['{{topic}}', `max by (topic) (${p}consumer_lag_seconds)`]],
      alert: 'TrackingThroughputLow',
    },
    {
      ...{ title: 'Dead letters and drops by reason', kind: 'timeseries', unit: 'ops' },
      about: 'Records that could not be handled, and work that was left out on purpose.',
      queries: [
        ['dead letter: {{reason}}', rate(`${p}dead_letters_total`, OF, 'reason')],
        ['drop: {{reason}}', rate(`${p}drops_total`, OF, 'reason')],
      ],
    },
    {
      ...{ title: 'Rollout mode', kind: 'timeseries', unit: 'short' },
      about: 'Nodes in each mode.',
      queries: [['{{mode}}', `sum by (mode) (${p}rollout_mode)`]],
    },
  ]
}
