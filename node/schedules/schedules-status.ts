import type { Config } from '../../src/config/settings.ts'
import type { SchedulesStatus } from '../../src/schedules/status.ts'
import type { NodeSchedules } from './node-schedules.ts'

/** The schedules, or why this node runs none. */
export function schedulesStatus(
  streams: { readonly schedules: NodeSchedules | undefined } | undefined,
  { node, schedules }: Pick<Config, 'node' | 'schedules'>,
): SchedulesStatus {
  const status = streams?.schedules?.status()
  if (status !== undefined) return status
  const nothing = { isRunning: false, isLeading: false, cycles: 0, schedules: [] }
  return { ...nothing, reason: reasonOf(streams !== undefined, node.roles.includes('warm'), schedules.enabled) }
}

function reasonOf(hasKafka: boolean, warms: boolean, isEnabled: boolean): string {
  if (!isEnabled) return 'SCHEDULES_ENABLED is off'
  if (!warms) return 'this node has not the role warm: others run the schedules'
  return hasKafka ? 'no schedule is enabled' : 'Kafka has not answered yet'
}
