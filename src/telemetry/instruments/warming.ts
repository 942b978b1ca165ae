import { counters, gauges, type Instrument } from './instrument.ts'

const WARMING_MS = [0.5, 1, 2, 5, 10, 15, 20, 50, 100, 250, 500, 1000]
const TRACKING_US = [0.1, 0.2, 0.5, 1, 2, 5, 10, 25, 50, 75, 100, 250]

/** Warms, what asks for them, and what they bring. */
export const WARMING: readonly Instrument[] = [
  ...counters(
    [
      'warming_operations_total',
      ['status', 'strategy'],
      'Warms, by status: success (done, partial) or error (timeout, failed).',
    ],
    [
      'warm_results_total',
      ['status', 'strategy'],
      'Warm requests that were carried out, by how each ended: done, partial, timeout, failed or shadow.',
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
    [
      'warming_hit_ratio',
      ['arm'],
      'Hits ÷ reads of detectors after updates that were warmed for (with), and after those of the control group (without).',
    ],
    [
      'warming_saved_reads',
      ['bound'],
      'Reads of L2 that warming saved since the comparison with the control group began, and the bounds of its 95 % interval.',
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
  ...counters(
    [
      'warming_compared_reads_total',
      ['arm'],
      'Reads of detectors that are compared: after updates that were warmed for (with) or not (without).',
    ],
    ['warming_compared_hits_total', ['arm'], 'Reads that are compared and that L1 answered.'],
    ['warming_compared_updates_total', ['arm'], 'Updates after which these reads came.'],
  ),
  ...gauges(
    '1',
    [
      'rollout_mode',
      ['mode'],
      '1 for the mode that holds on this node (off, shadow, canary or full), 0 for the others.',
    ],
    ['rollout_killed', [], '1 while warming is killed.'],
    ['warm_tasks_waiting', [], 'Requests of tasks that wait for their turn.'],
    ['schedules_leading', [], '1 while this node runs the schedules of its service.'],
  ),
  ...gauges(
    's',
    [
      'schedule_next_run_timestamp_seconds',
      ['schedule'],
      'When the schedule runs next, in seconds since 1970. Absent if it does not run by itself any more.',
    ],
    [
      'schedule_last_run_timestamp_seconds',
      ['schedule'],
      'The time for which the last run of the schedule was due, on any node of the service, in seconds since 1970.',
    ],
  ),
  ...counters(
    ['mining_seconds_total', [], 'Time spent mining, in the thread or in steps.'],
    ['mining_runs_total', [], 'Stretches of the log of updates that were mined.'],
    [
      'mining_leaders_total',
      ['outcome'],
      'Leaders that were looked at: mined, or skipped as they had too few new updates.',
    ],
  ),
]
