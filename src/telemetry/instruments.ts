/**
 * The one table of instruments. Asking for a name that is not here throws. docs/telemetry.md shows the same table.
 * Names stand here without the prefix. Every prefixed instrument has the label `chain`, which is not repeated here.
 */

import { counters, gauges, type Instrument, seconds } from './instruments/instrument.ts'
import { WARMING } from './instruments/warming.ts'

export type { Instrument } from './instruments/instrument.ts'

/** From an L1 read (a microsecond) to above 100 ms, the bound of the slowest alert. */
const READ_SECONDS = [1e-6, 2e-6, 5e-6, 1e-5, 1e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.25, 1]
/** From a handler that reads L1 alone to one that waits for something outside. */
const DETECTOR_SECONDS = [1e-6, 1e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]
const LATENCY_SECONDS = [1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const AGE_SECONDS = [1e-3, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

export const INSTRUMENTS: readonly Instrument[] = [
  ...counters(
    ['price_updates_total', [], 'Price updates handled.'],
    ['cache_hits_total', ['cache_level'], 'Reads that found a value in the level.'],
    ['cache_misses_total', ['cache_level'], 'Reads that did not find a value in the level.'],
    ['cache_loads_total', ['cause', 'cache_level'], 'Values fetched from a slower level, by cause: read or warm.'],
    ['look_ahead_loads_total', [], 'Values fetched from L2 before the handlers that read them ran.'],
    ['look_ahead_waits_total', [], 'Trips to L2 that handlers waited for before they ran.'],
    [
      'promotions_total',
      ['outcome', 'reason'],
      'Pairs that a warm offered to L1, by outcome. Those that failed are told apart by reason: l2-away, unknown or rollout.',
    ],
    ['cache_evictions_total', ['cache_level'], 'Values that left the level to make room.'],
    [
      'thread_reads_total',
      ['outcome'],
      'Reads of L1 by other threads of the process, by outcome: hit or miss. `cache_hits_total` does not count them.',
    ],
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
  ...WARMING,
  ...gauges(
    '1',
    ['correlation_pairs_tracked', [], 'Pairs for which correlations are kept.'],
    ['correlation_pairs_limit', [], 'Pairs for which correlations can be kept (MAX_TRACKED_PAIRS).'],
  ),
  ...gauges('By', [
    'memory_ceiling_bytes',
    [],
    'The resident memory that the process should stay below (WARMING_MEMORY_LIMIT_MB). Absent if none is set.',
  ]),
  ...gauges('1', [
    'self_probe_state',
    ['check'],
    'What the node finds when it checks itself: 1 ok, 0.5 degraded, 0 failed. Absent while there is nothing to check.',
  ]),
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
  ...seconds(DETECTOR_SECONDS, [
    'warming_compared_duration_seconds',
    ['arm'],
    'Duration of the slowest detector call of an update after which detectors read: warmed for (with) or not (without).',
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
