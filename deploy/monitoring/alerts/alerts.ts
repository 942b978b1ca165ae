import type { Queries } from '../queries.ts'
import type { Alert } from './alert.ts'
import { capacityAlerts } from './capacity.ts'
import { latencyAlerts } from './latency.ts'
import { objectiveAlerts } from './objectives.ts'
import { ratioAlerts } from './ratios.ts'
import { throughputAlerts } from './throughput.ts'

/** All alerts. Thresholds are those of the service's contract; docs/runbook has a page for each. */
export function alerts(q: Queries): readonly Alert[] {
  return [...latencyAlerts(q), ...ratioAlerts(q), ...throughputAlerts(q), ...capacityAlerts(q), ...objectiveAlerts(q)]
}
