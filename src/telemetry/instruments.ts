/**
 * The one table of instruments. Asking for a name that is not here throws. docs/telemetry.md shows the same table.
 * Names stand here without the prefix. Every prefixed instrument has the label `chain`, which is not repeated here.
 */

export interface Instrument {
  readonly name: string
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** As OpenTelemetry writes units (UCUM); empty if the name ends with a unit that Prometheus's linter rejects. */
  readonly unit: '' | 's' | 'By' | '1'
  readonly labels: readonly string[]
  readonly help: string
  /** The upper bounds of the exposed buckets, in the instrument's unit. */
  readonly bounds?: readonly number[]
  /** The same buckets once more in seconds: a value divided by `divideBy`. */
  readonly twin?: { readonly name: string; readonly divideBy: number }
  /** The name was fixed by other tools: it gets no prefix and no chain. */
  readonly bare?: true
}

const WARMING_MS = [0.5, 1, 2, 5, 10, 15, 20, 50, 100, 250, 500, 1000]
const TRACKING_US = [0.1, 0.2, 0.5, 1, 2, 5, 10, 25, 50, 75, 100, 250]
/** From an L1 read (a microsecond) to above 100 ms, the bound of the slowest alert. */
const READ_SECONDS = [1e-6, 2e-6, 5e-6, 1e-5, 1e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.25, 1]
/** From a handler that reads L1 alone to one that waits for something outside. */
const DETECTOR_SECONDS = [1e-6, 1e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]
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
    ['look_ahead_loads_total', [], 'Values fetched from L2 before the handlers that read them ran.'],
    ['look_ahead_waits_total', [], 'Trips to L2 that handlers waited for before they ran.'],
    ['promotions_total', ['outcome'], 'Pairs that a warm offered to L1, by outcome.'],
  ),
  ...gauges(
    'By',
    ['cache_size_bytes', ['cache_level'], 'Bytes in use in the level.'],
    ['cache_capacity_bytes', ['cache_level'], 'Bytes that the level may use.'],
  ),
  ...seconds(READ_SECONDS, [
    'cache_get_duration_seconds',
    ['cache_level'],
    'Duration of a read, by the answering level.',
  ]),
  ...counters(
    [
      'warming_operations_total',
      ['status', 'strategy'],
      'Warms, by status: success (done, partial) or error (timeout, failed).',
    ],
    ['warming_pairs_warmed_total', ['strategy'], 'Pairs brought into L1 by a warm.'],
    [
      'warm_requests_refused_total',
      ['reason'],
      'Warm requests that were refused, by reason; not counted as operations.',
    ],
    [
      'strategy_answers_refused_total',
      ['strategy', 'reason'],
      'Answers of strategies of your own that were not taken, by reason. Such an update, or read, warms nothing.',
    ],
    [
      'warm_tasks_shed_total',
      ['reason', 'priority'],
      'Requests of tasks that were refused before their turn, by reason: full, late or closed.',
    ],
    [
      'schedule_runs_total',
      ['schedule', 'outcome'],
      'Runs of schedules on this node, by outcome: done, failed, late or stopped.',
    ],
    ['warms_used_total', ['strategy'], 'Warmed pairs that were read before they left L1.'],
    ['warms_unused_total', ['strategy'], 'Warmed pairs that left L1 unread.'],
    ['warms_refused_older_total', ['strategy'], 'Warmed values that were refused because L1 has had a newer one.'],
  ),
  {
    name: 'warming_duration_ms',
    kind: 'histogram',
    unit: '',
    labels: ['strategy'],
    help: 'Duration of a warm, from when its request came or became due until its last pair is in L1.',
    bounds: WARMING_MS,
    twin: { name: 'warming_duration_seconds', divideBy: 1e3 },
  },
  {
    name: 'correlation_tracking_duration_us',
    kind: 'histogram',
    unit: '',
    labels: [],
    help: 'Time that the tracker takes to observe an update, sampled.',
    bounds: TRACKING_US,
    twin: { name: 'correlation_tracking_duration_seconds', divideBy: 1e6 },
  },
  ...gauges(
    '1',
    [
      'warming_hit_rate_improvement_points',
      ['bound'],
      'What warming adds to the hit ratio against the control group, in percentage points, and the bounds of its 95 % interval.',
    ],
    ['warming_coverage_ratio', [], 'Misses that warming saved, as a share of those without it.'],
    [
      'warming_strategy_accuracy_ratio',
      ['arm', 'bound'],
      'Of two strategies that are compared (a, b): warms that were read, as a share of those that have ended; with the bounds of its 95 % interval.',
    ],
    [
      'warming_strategy_coverage_ratio',
      ['arm', 'bound'],
      'Of two strategies that are compared: misses that each saved, as a share of those without warming.',
    ],
    [
      'warming_strategy_l2_reads_per_saved_miss',
      ['arm', 'bound'],
      'Of two strategies that are compared: values read from L2 for warms of each ÷ misses saved.',
    ],
    [
      'warming_strategy_warms_per_update',
      ['arm', 'bound'],
      'Of two strategies that are compared: warms of each ÷ updates that were warmed for.',
    ],
  ),
  ...gauges(
    '1',
    ['warm_tasks_waiting', [], 'Requests of tasks that wait for their turn.'],
    ['schedules_leading', [], '1 while this node runs the schedules of its service.'],
  ),
  ...gauges('1', ['correlation_pairs_tracked', [], 'Pairs for which correlations are kept.']),
  ...gauges('s', [
    'correlations_restore_seconds',
    [],
    'How long the last assignment of partitions waited for what was learned before.',
  ]),
  ...gauges('1', ['consumer_lag_records', ['topic'], 'Records between the position and the stable end of partitions.']),
  ...gauges('s', ['consumer_lag_seconds', ['topic'], 'Age of the last handled record; 0 when no record waits.']),
  ...counters(
    ['rebalances_total', ['group'], 'Times that partitions were assigned to this node.'],
    ['consumer_restarts_total', ['group'], 'Times that a handler of batches or assignments failed.'],
    [
      'uncommitted_records_total',
      ['topic'],
      'Records handled here and not committed: the next owner handles them again.',
    ],
    ['batches_stuck_total', ['group'], 'Batches that took too long. Their handled records may come again.'],
    ['dead_letters_total', ['topic', 'reason'], 'Records that could not be handled and went to the dead-letter topic.'],
    ['correlation_pairs_recycled_total', [], 'Pairs not seen for long that made room for others.'],
    ['correlations_restored_total', [], 'Edges taken over from other nodes and earlier runs.'],
    [
      'correlations_written_total',
      [],
      'Records of leaders, and deletions of them, written to the topic of correlations.',
    ],
    [
      'correlations_refused_total',
      ['reason'],
      'Records of the topic of correlations that were passed over, by reason.',
    ],
    [
      'control_records_refused_total',
      ['reason'],
      'Records of the control topic that were passed over, by reason. What was set before stays.',
    ],
    ['prediction_pairs_recycled_total', [], 'Pairs without a remembered read that made room for others.'],
    ['pattern_saves_failed_total', [], 'Times that patterns could not be saved to PATTERN_STORE.'],
    [
      'pattern_entries_refused_total',
      ['reason'],
      'Times that an entry of the shared patterns was passed over: corrupt, of a later version, or with hours ahead.',
    ],
    ['drops_total', ['reason'], 'Work that was left out on purpose, by reason.'],
    [
      'sequence_regressions_total',
      [],
      'Updates with a lower sequence than the pair’s last. They are handled unless it is of the same millisecond.',
    ],
    [
      'rounded_updates_total',
      [],
      'Updates with a number of more digits than a double holds. They are handled, rounded.',
    ],
    [
      'records_skipped_total',
      [],
      'Records of foreign formats, and items of their lists, that say nothing of prices by the rules of their format.',
    ],
    ['pairs_delisted_total', [], 'Pairs that were delisted by a tombstone.'],
    ['detector_errors_total', ['detector'], 'Detector calls that threw or rejected.'],
    ['detector_timeouts_total', ['detector'], 'Detector calls that did not settle in time.'],
    ['detector_outputs_total', ['detector'], 'Values that detectors returned for their output topic, and Kafka has.'],
    [
      'detector_outputs_refused_total',
      ['detector', 'reason'],
      'Values that detectors returned for their output topic, and that were not published, by reason.',
    ],
    [
      'replay_reads_withheld_total',
      ['detector', 'reason'],
      'Reads in a replay that would have seen what is later than their update.',
    ],
  ),
  ...seconds(DETECTOR_SECONDS, [
    'detector_duration_seconds',
    ['detector'],
    'Time from a detector’s call until its handler has settled, also after DETECTOR_TIMEOUT_MS.',
  ]),
  ...seconds(LATENCY_SECONDS, [
    'end_to_end_latency_seconds',
    [],
    'Time from an update’s event time until the price can be read in L1, sampled.',
  ]),
  ...seconds(AGE_SECONDS, ['event_age_at_read_seconds', [], 'Age of the price that a detector read.']),
  ...gauges('1', [
    'resident_pairs',
    ['kind'],
    'Pairs in L1, by who gets their updates: followed (this node) or foreign (another, or nobody knows).',
  ]),
  ...gauges(
    '1',
    ['partitions_not_kept', [], 'Partitions taken over of which L2 may lack values that others handled.'],
    [
      'topics_with_one_code',
      [],
      'Topics whose code in L2 another topic has: their pairs have no bound on other nodes.',
    ],
  ),
  ...counters(
    ['price_reads_total', ['kind'], 'Reads that found a price, by who gets the pair’s updates: followed or foreign.'],
    ['foreign_invalidations_total', [], 'Changes of pairs of other nodes that L2 told of.'],
    ['foreign_rereads_total', [], 'Values of pairs of other nodes that were read again.'],
    [
      'foreign_losses_total',
      [],
      'Times that changes may have been missed, so that all pairs of other nodes were read again.',
    ],
  ),
  ...gauges('s', [
    'largest_behind_seconds',
    ['kind'],
    'The largest bound of how long ago a price that was read was known to be the newest, of the last 10 to 20 s.',
  ]),
  ...counters(
    ['l2_writes_total', [], 'Batches written to L2.'],
    ['l2_write_entries_total', [], 'Values written to L2.'],
    ['l2_pushed_back_total', [], 'Values that were written to L2 again from L1 after its connection was lost.'],
    ['l2_undecodable_total', ['reason'], 'Values from L2 that could not be decoded, by reason.'],
    ['l2_old_key_reads_total', [], 'Values that were found under a key without a service, of an earlier release.'],
    ['l2_unavailable_total', ['operation', 'reason'], 'Trips to L2 that failed, by operation and reason.'],
  ),
  ...counters(
    ['l3_write_entries_total', [], 'Prices written to the history in ClickHouse.'],
    ['l3_undecodable_total', [], 'Rows from L3 that could not be decoded.'],
    ['l3_unavailable_total', [], 'Trips to L3 and inserts that failed.'],
  ),
  ...gauges('1', ['l2_state', [], '1 while L2 answers, 0 while the node goes on without it.']),
  ...counters([
    'metric_series_refused_total',
    ['instrument'],
    'Label sets beyond an instrument’s bound; their values are counted under `other`.',
  ]),
  ...[
    { name: 'process_resident_memory_bytes', help: 'Resident memory of the process.' },
    { name: 'nodejs_heap_size_used_bytes', help: 'Heap in use.' },
    { name: 'node_memory_MemTotal_bytes', help: 'Memory of the machine.' },
  ].map(({ name, help }): Instrument => ({ name, kind: 'gauge', unit: 'By', labels: [], help, bare: true })),
]

/** The labels of an instrument, in the order of the exposition. */
export function labelsOf(instrument: Instrument): readonly string[] {
  return instrument.bare ? instrument.labels : ['chain', ...instrument.labels]
}
