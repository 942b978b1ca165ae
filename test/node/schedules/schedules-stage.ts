import { Control } from '../../../node/control/control.ts'
import { NodeSchedules, type NodeSchedulesOptions } from '../../../node/schedules/node-schedules.ts'
import { RunLog } from '../../../node/schedules/run-log.ts'
import type { RunAsk } from '../../../schemas/control/schedule-run.ts'
import type { WarmRequest } from '../../../schemas/warm-request.ts'
import { createMemoryBroker, type MemoryBroker } from '../../../src/broker/memory/broker.ts'
import type { Producer } from '../../../src/broker/port.ts'
import { type VirtualClock, virtualClock } from '../../../src/clock.ts'
import type { WarmSchedule } from '../../../src/schedules/schedule.ts'
import { every, MINUTE_MS } from '../../../src/schedules/timing.ts'
import { createLog } from '../../../src/telemetry/log.ts'
import { createMetrics } from '../../../src/telemetry/metrics.ts'
import { ManualTimer } from '../../harness/manual-timer.ts'
import { until } from '../../harness/until.ts'

const TOPIC = 'forewarm-control'
/** A Wednesday. */
export const START_MS = Date.parse('2026-07-01T00:10Z')

export const HALF_HOURLY: WarmSchedule = {
  name: 'popular',
  timing: every(30 * MINUTE_MS),
  isEnabled: true,
  asks: [{ strategy: 'popular', limit: 100 }],
}

/** A request, and the node that has sent it. */
export interface Sent {
  readonly by: string
  readonly request: WarmRequest
}

export interface StagedNode {
  readonly name: string
  readonly schedules: NodeSchedules
  readonly log: RunLog
  close(): Promise<void>
}

export interface SchedulesStage {
  readonly broker: MemoryBroker
  readonly clock: VirtualClock
  readonly timer: ManualTimer
  readonly sent: Sent[]
  /** Resolves when the node is a member. It asks for one pair, which has its name. */
  start(name: string, options?: Partial<NodeSchedulesOptions>): Promise<StagedNode>
  /** Moves the clock in steps of a second, so that promises between timers settle as they would in time. */
  advance(minutes: number): Promise<void>
  /** The node that leads, once one does. */
  leader(): Promise<StagedNode>
  /** Who has sent a request at each time, by its minutes since the start of the stage. */
  runs(): Readonly<Record<number, readonly string[]>>
}

/** The schedules of several nodes of a service, on a broker in memory and a virtual clock. */
export async function onSchedules(body: (stage: SchedulesStage) => Promise<void>): Promise<void> {
  const clock = virtualClock(START_MS)
  const timer = new ManualTimer(clock)
  const broker = createMemoryBroker({ partitions: { [TOPIC]: 3 }, clock })
  const producer = broker.producer()
  await producer.connect()
  const nodes: StagedNode[] = []
  const sent: Sent[] = []
  const start: SchedulesStage['start'] = async (name, options = {}) => {
    const node = await startNode({ name, broker, producer, clock, timer, sent }, options)
    nodes.push(node)
    return {
      ...node,
      close: () => {
        nodes.splice(nodes.indexOf(node), 1)
        return node.close()
      },
    }
  }
  const advance = async (minutes: number): Promise<void> => {
    const endMs = clock.now() + minutes * MINUTE_MS
    while (clock.now() < endMs) await timer.advance(Math.min(1_000, endMs - clock.now()))
  }
  const leader = () =>
    until('one node leads', () => nodes.find(({ schedules }) => schedules.status().isLeading)) as Promise<StagedNode>
  const runs = (): Readonly<Record<number, readonly string[]>> =>
    Object.fromEntries(
      [...Map.groupBy(sent, ({ request }) => (request.issuedAtMs - START_MS) / MINUTE_MS)].map(([at, each]) => [
        at,
        each.map(({ by }) => by),
      ]),
    )
  try {
    await body({ broker, clock, timer, sent, start, advance, leader, runs })
  } finally {
    for (const node of nodes.slice()) await node.close()
    await broker.close()
  }
}

function askOf(name: string): RunAsk {
  return { strategy: 'popular', chain: 'c', pairs: [name], priority: 'low' }
}

interface NodeParts extends Pick<SchedulesStage, 'broker' | 'clock' | 'timer' | 'sent'> {
  readonly name: string
  readonly producer: Producer
}

async function startNode(
  { name, broker, producer, clock, timer, sent }: NodeParts,
  options: Partial<NodeSchedulesOptions>,
): Promise<StagedNode> {
  const runLog = new RunLog({ clock, onRefused: () => undefined })
  const control = new Control({
    ...{ broker, producer, topic: TOPIC, service: 'default', reader: name, clock, timer: timer.start },
    ...{ random: () => 0, settings: {}, onSet: () => undefined, onRefused: () => undefined },
    ...{ onOther: (setting, value) => runLog.read(setting, value), onEvent: () => undefined },
  })
  await control.follow(AbortSignal.timeout(10_000))
  runLog.over(control)
  const schedules = new NodeSchedules({
    ...{ broker, topic: TOPIC, service: 'default', nodeId: name, clock, timer: timer.start, runLog },
    ...{ schedules: [HALF_HOURLY], graceMs: MINUTE_MS, maxTaskMs: 600_000, ended: () => ({ used: 0, unused: 0 }) },
    choose: () => [askOf(name)],
    send: async (request) => {
      sent.push({ by: name, request })
    },
    status: async () => undefined,
    ...{ metrics: createMetrics(), log: createLog({ service: 'default', version: '1', level: 'silent' }) },
    onEvent: () => undefined,
    ...options,
  })
  await schedules.start()
  const close = async (): Promise<void> => {
    await schedules.close()
    await control.close()
  }
  return { name, schedules, log: runLog, close }
}
