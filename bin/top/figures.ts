import type { Window } from './window.ts'

/** Rates are by second and ratios 0 to 1, of the last interval. Undefined is not measured, or nothing happened. */
export interface TopFigures {
  readonly updatesPerSecond: number | undefined
  readonly lagRecords: number | undefined
  readonly lagSeconds: number | undefined
  readonly endToEndMs: Quantiles
  readonly readsPerSecond: number | undefined
  readonly hitRatio: number | undefined
  readonly readMicroseconds: Quantiles
  readonly l2ReadMs: Quantiles
  /** What warming adds to the hit ratio since the node's start, in percentage points, with its 95 % interval. */
  readonly improvement: { readonly points: number; readonly low: number; readonly high: number } | undefined
  readonly warmsPerSecond: number | undefined
  readonly warmSuccess: number | undefined
  readonly pairsAWarm: number | undefined
  readonly warmMsP95: number | undefined
  readonly trackingMicrosecondsP95: number | undefined
  readonly pairsTracked: number | undefined
  readonly l1Bytes: number | undefined
  readonly l1CapacityBytes: number | undefined
  readonly residentBytes: number | undefined
  readonly l2IsUp: boolean | undefined
  /** Since the node's start. */
  readonly deadLetters: number
  readonly detectorErrors: number
  readonly drops: number
  readonly warms: readonly WarmsOf[]
  readonly chains: readonly ChainFigures[]
}

export interface Quantiles {
  readonly p50: number | undefined
  readonly p99: number | undefined
}

/** The warms of a strategy that have ended since the node's start. */
export interface WarmsOf {
  readonly strategy: string
  readonly used: number
  readonly unused: number
}

export interface ChainFigures {
  readonly chain: string
  readonly updatesPerSecond: number
  readonly hitRatio: number | undefined
}

/** Computes what the screen shows from the metrics of two scrapes alone, as a dashboard would. */
export function topFigures(window: Window): TopFigures {
  const { after } = window
  const L1 = { cache_level: 'L1' }
  const [hits = 0, misses = 0] = [window.growth('cache_hits_total', L1), window.growth('cache_misses_total', L1)]
  const operations = window.growth('warming_operations_total') ?? 0
  const succeeded = window.growth('warming_operations_total', { status: 'success' }) ?? 0
  const l2State = after.sum('l2_state')
  return {
    updatesPerSecond: window.rate('price_updates_total'),
    lagRecords: after.sum('consumer_lag_records'),
    lagSeconds: after.max('consumer_lag_seconds'),
    endToEndMs: quantiles(window, 'end_to_end_latency_seconds', 1e3),
    readsPerSecond: window.seconds > 0 ? (hits + misses) / window.seconds : undefined,
    hitRatio: share(hits, hits + misses),
    readMicroseconds: quantiles(window, 'cache_get_duration_seconds', 1e6, L1),
    l2ReadMs: quantiles(window, 'cache_get_duration_seconds', 1e3, { cache_level: 'L2' }),
    improvement: improvementOf(window),
    warmsPerSecond: window.rate('warming_operations_total'),
    warmSuccess: share(succeeded, operations),
    pairsAWarm: share(window.growth('warming_pairs_warmed_total') ?? 0, operations),
    warmMsP95: scaled(window.quantile(0.95, 'warming_duration_seconds'), 1e3),
    trackingMicrosecondsP95: scaled(window.quantile(0.95, 'correlation_tracking_duration_seconds'), 1e6),
    pairsTracked: after.sum('correlation_pairs_tracked'),
    l1Bytes: after.sum('cache_size_bytes', L1),
    l1CapacityBytes: after.sum('cache_capacity_bytes', L1),
    residentBytes: after.sum('process_resident_memory_bytes'),
    l2IsUp: l2State === undefined ? undefined : l2State > 0,
    deadLetters: after.sum('dead_letters_total') ?? 0,
    detectorErrors: (after.sum('detector_errors_total') ?? 0) + (after.sum('detector_timeouts_total') ?? 0),
    drops: after.sum('drops_total') ?? 0,
    warms: warmsOf(window),
    chains: chainsOf(window),
  }
}

function improvementOf({ after }: Window): TopFigures['improvement'] {
  const of = (bound: string) => after.sum('warming_hit_rate_improvement_points', { bound })
  const [points, low, high] = [of('points'), of('low'), of('high')]
  return points === undefined || low === undefined || high === undefined ? undefined : { points, low, high }
}

/** The strategies with most warms first. */
function warmsOf({ after }: Window): readonly WarmsOf[] {
  const strategies = new Set(after.of('warms_used_total').map(({ labels }) => labels.strategy ?? ''))
  return [...strategies]
    .map((strategy) => ({
      strategy,
      used: after.sum('warms_used_total', { strategy }) ?? 0,
      unused: after.sum('warms_unused_total', { strategy }) ?? 0,
    }))
    .filter(({ used, unused }) => used + unused > 0)
    .sort((a, b) => b.used + b.unused - a.used - a.unused)
}

/** The busiest first. */
function chainsOf(window: Window): readonly ChainFigures[] {
  const chains = new Set(window.after.of('price_updates_total').map(({ labels }) => labels.chain ?? ''))
  return [...chains]
    .map((chain) => {
      const of = { chain, cache_level: 'L1' }
      const [hits = 0, misses = 0] = [window.growth('cache_hits_total', of), window.growth('cache_misses_total', of)]
      const updatesPerSecond = window.rate('price_updates_total', { chain }) ?? 0
      return { chain, updatesPerSecond, hitRatio: share(hits, hits + misses) }
    })
    .sort((a, b) => b.updatesPerSecond - a.updatesPerSecond)
}

function quantiles(window: Window, name: string, scale: number, labels?: Readonly<Record<string, string>>): Quantiles {
  return {
    p50: scaled(window.quantile(0.5, name, labels), scale),
    p99: scaled(window.quantile(0.99, name, labels), scale),
  }
}

function scaled(value: number | undefined, scale: number): number | undefined {
  return value === undefined ? undefined : value * scale
}

function share(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole
}
