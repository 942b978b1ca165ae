/**
 * The one table of instruments. A name that is not here cannot be asked for; docs/telemetry.md shows the same table.
 * Names are without the prefix; `chain` is a label of every prefixed instrument and need not be repeated here.
 */

export interface Instrument {
  readonly name: string
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** As OpenTelemetry writes units (UCUM); empty where the name itself names a unit that Prometheus does not lint. */
  readonly unit: '' | 's' | 'By' | '1'
  readonly labels: readonly string[]
  readonly help: string
  /** Upper ends of the exposed buckets, in the instrument's unit. */
  readonly bounds?: readonly number[]
  /** The same buckets once more, in seconds: `divideBy` of its units make one. */
  readonly twin?: { readonly name: string; readonly divideBy: number }
  /** Names that other tools fixed: no prefix, no chain. */
  readonly bare?: true
}

const WARMING_MS = [0.5, 1, 2, 5, 10, 15, 20, 50, 100, 250, 500, 1000]
const TRACKING_US = [0.1, 0.2, 0.5, 1, 2, 5, 10, 25, 50, 75, 100, 250]
/** From an L1 read (a microsecond) to the 100 ms of the slowest alert and beyond. */
const READ_SECONDS = [1e-6, 2e-6, 5e-6, 1e-5, 1e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.25, 1]
const LATENCY_SECONDS = [1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const AGE_SECONDS = [1e-3, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

type Row = readonly [name: string, labels: readonly string[], help: string]

function counters(...rows: readonly Row[]): readonly Instrument[] {
  return rows.map(([name, labels, help]) => ({ name, kind: 'counter', unit: '1', labels, help }))
}

function gauges(unit: Instrument['unit'], ...rows: readonly Row[]): readonly Instrument[] {
  return rows.map(([name, labels, help]) => ({ name, kind: 'gauge', unit, labels, help }))
}

function seconds(bounds: readonly number[], ...rows: readonly Row[]): readonly Instrument[] {
  return rows.map(([name, labels, help]) => ({ name, kind: 'histogram', unit: 's', labels, help, bounds }))
}

export const INSTRUMENTS: readonly Instrument[] = [
  ...counters(
    ['price_updates_total', [], 'Price updates handled.'],
    ['cache_hits_total', ['cache_level'], 'Reads that found a value in the level.'],
    ['cache_misses_total', ['cache_level'], 'Reads that did not find a value in the level.'],
    ['cache_loads_total', ['cause', 'cache_level'], 'Values fetched from a slower level, by cause: read or warm.'],
    ['look_ahead_loads_total', [], 'Values fetched before the handlers of a batch ran.'],
    ['promotions_total', ['outcome'], 'Pairs offered to L1, by what became of them.'],
  ),
  ...gauges(
    'By',
    ['cache_size_bytes', ['cache_level'], 'Bytes in use in the level.'],
    ['cache_capacity_bytes', ['cache_level'], 'Bytes that the level may use.'],
  ),
  ...seconds(READ_SECONDS, [
    'cache_get_duration_seconds',
    ['cache_level'],
    'Time of a read, by the level that answered.',
  ]),
  ...counters(
    [
      'warming_operations_total',
      ['status', 'strategy'],
      'Warms, by status: success (done, partial) or error (timeout, failed).',
    ],
    ['warming_pairs_warmed_total', ['strategy'], 'Pairs brought into L1 by a warm.'],
    ['warm_requests_refused_total', ['reason'], 'Warm requests that were not carried out, by reason; not operations.'],
    ['warms_used_total', ['strategy'], 'Warmed pairs that were read before they left L1.'],
    ['warms_unused_total', ['strategy'], 'Warmed pairs that left L1 unread.'],
    ['warms_refused_older_total', ['strategy'], 'Warmed values refused because L1 had had a newer one.'],
  ),
  {
    name: 'warming_duration_ms',
    kind: 'histogram',
    unit: '',
    labels: ['strategy'],
    help: 'Time of a warm, from its request in hand to its last pair in L1.',
    bounds: WARMING_MS,
    twin: { name: 'warming_duration_seconds', divideBy: 1e3 },
  },
  {
    name: 'correlation_tracking_duration_us',
    kind: 'histogram',
    unit: '',
    labels: [],
    help: 'Time to observe an update, sampled.',
    bounds: TRACKING_US,
    twin: { name: 'correlation_tracking_duration_seconds', divideBy: 1e6 },
  },
  ...gauges('1', ['correlation_pairs_tracked', [], 'Pairs whose correlations are kept.']),
  ...gauges('1', [
    'consumer_lag_records',
    ['topic'],
    'Records between the position and the end of the assigned partitions.',
  ]),
  ...gauges('s', ['consumer_lag_seconds', ['topic'], 'Age of the record handled last while there are more to come.']),
  ...counters(
    ['rebalances_total', ['group'], 'Assignments of partitions that this node was given.'],
    ['consumer_restarts_total', ['group'], 'Times that a consumer had to be started again.'],
    ['batches_stuck_total', ['group'], 'Batches whose handling took too long; what was handled of one may come again.'],
    ['dead_letters_total', ['topic', 'reason'], 'Records that could not be handled and were put aside.'],
    ['correlation_pairs_recycled_total', [], 'Pairs that were not seen for long and made room for others.'],
    ['prediction_pairs_recycled_total', [], 'Pairs of whose reads no hour was kept, and that made room for others.'],
    ['drops_total', ['reason'], 'What was left undone on purpose, by reason.'],
    [
      'sequence_regressions_total',
      [],
      'Updates whose sequence is lower than their predecessor’s; handled all the same.',
    ],
    ['pairs_delisted_total', [], 'Tombstones: pairs that were forgotten.'],
    ['detector_errors_total', ['detector'], 'Handlers that threw or rejected.'],
    ['detector_timeouts_total', ['detector'], 'Handlers that did not settle in time.'],
  ),
  ...seconds(LATENCY_SECONDS, [
    'end_to_end_latency_seconds',
    [],
    'From the update’s time stamp to readable in L1, sampled.',
  ]),
  ...seconds(AGE_SECONDS, ['event_age_at_read_seconds', [], 'Age of the value that a detector was handed.']),
  ...counters(
    ['l2_writes_total', [], 'Batches written to L2.'],
    ['l2_write_entries_total', [], 'Values written to L2.'],
    ['l2_pushed_back_total', [], 'Values that L2 got again from L1 after its connection was lost.'],
    ['l2_undecodable_total', ['reason'], 'Values of L2 that could not be read, by reason.'],
    ['l2_unavailable_total', ['operation', 'reason'], 'Trips to L2 that brought nothing, by reason.'],
  ),
  ...counters(
    ['l3_write_entries_total', [], 'Prices written to the history.'],
    ['l3_undecodable_total', [], 'Rows of L3 that are no price.'],
    ['l3_unavailable_total', [], 'Trips to L3 that brought nothing, and inserts that failed.'],
  ),
  ...gauges('1', ['l2_state', [], '1 while L2 answers, 0 while the node goes on without it.']),
  ...counters([
    'metric_series_refused_total',
    ['instrument'],
    'Label sets beyond an instrument’s bound, counted under `other`.',
  ]),
  ...[
    { name: 'process_resident_memory_bytes', help: 'Resident memory of the process.' },
    { name: 'nodejs_heap_size_used_bytes', help: 'Heap in use.' },
    { name: 'node_memory_MemTotal_bytes', help: 'Memory of the machine.' },
  ].map(({ name, help }): Instrument => ({ name, kind: 'gauge', unit: 'By', labels: [], help, bare: true })),
]

/** Every label that an instrument takes, in the order of the exposition. */
export function labelsOf(instrument: Instrument): readonly string[] {
  return instrument.bare ? instrument.labels : ['chain', ...instrument.labels]
}
