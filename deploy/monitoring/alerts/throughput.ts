import type { Queries } from '../queries.ts'
import { type Alert, FEWEST_WARMS as WARMS } from './alert.ts'

/** A service that does less than it could. */
export function throughputAlerts(q: Queries): readonly Alert[] {
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
