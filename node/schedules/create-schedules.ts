import type { WarmRequestProducer } from '../../producers/warm-requests.ts'
import type { RunAsk } from '../../schemas/control/schedule-run.ts'
import type { Broker } from '../../src/broker/port.ts'
import { indexOfWarmKind } from '../../src/cache/l1/usage.ts'
import type { Clock } from '../../src/clock.ts'
import type { RunningConfig } from '../../src/config/running/running-config.ts'
import type { Config } from '../../src/config/settings.ts'
import type { WarmSchedule } from '../../src/schedules/schedule.ts'
import type { EndedWarms } from '../../src/strategy/throttle.ts'
import type { Log } from '../../src/telemetry/log.ts'
import type { Metrics } from '../../src/telemetry/slab.ts'
import { report } from '../consumer/broker-events.ts'
import type { Control, ControlRefusal } from '../control/control.ts'
import type { Faults } from '../faults.ts'
import type { Caches } from '../options.ts'
import type { NodeTasks } from '../tasks/node-tasks.ts'
import { choose } from '../tasks/warm-wish.ts'
import { NodeSchedules } from './node-schedules.ts'
import { RunLog } from './run-log.ts'

export interface SchedulesParts {
  readonly broker: Broker
  readonly config: Config
  readonly running: RunningConfig
  readonly nodeId: string
  readonly clock: Clock
  readonly caches: Caches
  readonly metrics: Metrics
  readonly log: Log
  readonly faults: Faults
}

export interface SchedulesWiring {
  readonly control: Pick<Control, 'follow' | 'write'>
  readonly runLog: RunLog
  readonly requests: Pick<WarmRequestProducer, 'send'>
  readonly tasks: Pick<NodeTasks, 'status'>
}

/** The runs of the service, which each node hears of. */
export function createRunLog({ clock, metrics, log }: Pick<SchedulesParts, 'clock' | 'metrics' | 'log'>): RunLog {
  const onRefused = ({ reason, detail }: ControlRefusal): void => {
    metrics.counter('control_records_refused_total', { reason }).add(1)
    log.warn({ reason, detail }, 'a record of a schedule was passed over')
  }
  return new RunLog({ clock, onRefused })
}

/** Undefined if nothing is scheduled, or if this node does not warm. */
export function createSchedules(parts: SchedulesParts, wiring: SchedulesWiring): NodeSchedules | undefined {
  const { config, caches, running, clock } = parts
  const schedules = running.now.schedules.filter(({ isEnabled }) => isEnabled)
  if (schedules.length === 0 || !config.node.roles.includes('warm')) return undefined
  const { control, runLog, requests, tasks } = wiring
  runLog.over(control)
  const asksOf = (schedule: WarmSchedule): readonly RunAsk[] =>
    schedule.asks.flatMap(({ strategy, limit }) => {
      const { popularLimit } = running.now.config.tasks
      const sureFrom = config.prediction.confidence
      const sources = { caches, nowMs: clock.now(), popularLimit, sureFrom, onlyWorthwhile: true }
      const chosen = choose({ strategy, pairs: [], limit }, sources)
      if (!chosen.ok) return []
      return chosen.requests.map((each) => ({ strategy, ...each, priority: schedule.priority ?? each.priority }))
    })
  return new NodeSchedules({
    ...parts,
    ...{ runLog, schedules, service: config.node.service, topic: config.kafka.controlTopic },
    choose: asksOf,
    send: (request) => requests.send(request),
    status: (taskId) => tasks.status(taskId),
    ended: (schedule) => endedOf(schedule, caches),
    graceMs: config.schedules.graceMs,
    maxTaskMs: config.tasks.maxMinutes * 60_000,
    onEvent: (event) => report(parts, event),
  })
}

/** Only the warms on this node are known here. */
function endedOf({ asks }: WarmSchedule, { l1 }: Pick<Caches, 'l1'>): EndedWarms {
  const counts = asks.map(({ strategy }) => l1.usage.warmsByKind[indexOfWarmKind(strategy)])
  const sum = (of: 'used' | 'unused') => counts.reduce((total, each) => total + (each?.[of] ?? 0), 0)
  return { used: sum('used'), unused: sum('unused') }
}
