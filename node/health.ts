import type { Consumer } from '../src/broker/port.ts'
import { freshnessFigures } from '../src/cache/freshness/figures.ts'
import type { Formats } from '../src/formats/formats.ts'
import type { Check, WarmingHealth } from '../src/http/operations.ts'
import { standardErrorLog } from '../src/telemetry/log-stream.ts'
import type { Metrics } from '../src/telemetry/slab.ts'
import { schemasCheck } from './consumer/formats.ts'
import type { Caches } from './options.ts'
import type { Streams } from './streams.ts'

/** The parts that the health checks look at. `streams` is undefined until Kafka has answered. */
export interface Vitals {
  readonly caches: Caches
  readonly streams: Streams | undefined
  readonly formats: Formats
}

/** What `/readyz` may say. */
export const READY_CHECKS: readonly string[] = [
  ...['kafka', 'price-updates', 'warm-requests', 'restored', 'control', 'schedules'],
  ...['kill', 'caught-up', 'records', 'schemas', 'l2', 'patterns'],
]

const STATES: Readonly<Record<Check['status'], number>> = { ok: 1, degraded: 0.5, failed: 0 }

/** Shows what `/readyz` says as numbers, and whether the log keeps up. */
export function observeVitals(metrics: Metrics, vitals: () => Vitals): void {
  metrics.observe('drops_total', { reason: 'log-line' }, () => standardErrorLog().dropped)
  for (const check of READY_CHECKS)
    metrics.observe('self_probe_state', { check }, () => {
      const status = readyChecks(vitals()).find(({ name }) => name === check)?.status
      return status === undefined ? Number.NaN : STATES[status]
    })
}

/** A process that answers is live: a restart brings neither Kafka nor Redis back. */
export function liveChecks(): readonly Check[] {
  return [{ name: 'loop', status: 'ok' }]
}

/** Fails while a consumer has heard of no broker for a minute, and for good once another static member has its name. */
function heardChecks({ streams }: Vitals): readonly Check[] {
  return consumersOf(streams).map(([name, consumer]) =>
    consumer.health().state === 'failed'
      ? {
          name,
          status: 'failed',
          reason: 'no broker has answered for a minute, or another process has this name in the group',
        }
      : { name, status: 'ok' },
  )
}

export function readyChecks({ streams, caches, formats }: Vitals): readonly Check[] {
  if (streams === undefined)
    return [
      { name: 'kafka', status: 'failed', reason: 'Kafka has not answered yet' },
      ...keptKillCheck(caches),
      l2Check(caches),
    ]
  return [
    ...consumersOf(streams).map(([name, consumer]) => runningCheck(name, consumer)),
    ...(streams.kept === undefined ? [] : [streams.kept.check()]),
    ...(streams.followed === undefined ? [] : [streams.followed.check()]),
    ...(streams.schedules === undefined ? [] : [streams.schedules.check()]),
    ...keptKillCheck(caches),
    ...caughtUp(streams),
    ...readable(streams),
    ...schemasCheck(formats),
    l2Check(caches),
    ...patternsCheck(caches),
  ]
}

function runningCheck(name: string, consumer: Consumer): Check {
  const { state } = consumer.health()
  return state === 'running' ? { name, status: 'ok' } : { name, status: 'failed', reason: `the consumer is ${state}` }
}

function caughtUp(streams: Streams): readonly Check[] {
  if (streams.prices === undefined) return []
  const records = streams.behindRecords()
  if (records === 0) return [{ name: 'caught-up', status: 'ok' }]
  return [{ name: 'caught-up', status: 'failed', reason: `not caught up yet: ${records} records behind` }]
}

/** Fine unless nearly all records of a price topic are refused. The node reads on, as the other topics may be fine. */
function readable(streams: Streams | undefined): readonly Check[] {
  if (streams?.prices === undefined) return []
  const [first] = streams.foreignTopics()
  if (first === undefined) return [{ name: 'records', status: 'ok' }]
  const { topic, partition, offset, reason } = first
  const where = `the first, at offset ${offset} of partition ${partition}, is ${reason}`
  return [{ name: 'records', status: 'degraded', reason: `nearly all records of ${topic} are refused; ${where}` }]
}

export function warmingHealth(vitals: Vitals): WarmingHealth {
  const { caches, streams, formats } = vitals
  const stats = streams?.warmer.stats()
  const { done = 0, partial = 0, timeout = 0, failed = 0 } = stats?.byStatus ?? {}
  const { measurement, l1, promotion } = caches
  const { hitRateImprovement, coverage, accuracy, control, warmed } = measurement.figures({
    usage: l1.usage,
    promotions: promotion.tally,
  })
  const operations = done + partial + timeout + failed
  return {
    tracker: { totalPairs: caches.tracker.totalPairs, totalUpdates: caches.tracker.totalUpdates },
    warmer: {
      totalWarmingOps: operations,
      totalPairsWarmed: stats?.pairsWarmed ?? 0,
      successRate: operations === 0 ? undefined : (done + partial) / operations,
    },
    benefit: { hitRateImprovement, coverage, accuracy, control, warmed },
    freshness: freshnessFigures(caches),
    checks: [
      ...heardChecks(vitals),
      ...readable(streams),
      ...schemasCheck(formats),
      l2Check(caches),
      ...patternsCheck(caches),
    ],
  }
}

function l2Check({ l2 }: Caches): Check {
  const state = l2.state()
  return state.status === 'up' ? { name: 'l2', status: 'ok' } : { name: 'l2', status: 'degraded', reason: state.reason }
}

/** A kill that no other node knows of is no state to leave a service in. */
function keptKillCheck({ rollout: { keptKill } }: Caches): readonly Check[] {
  return keptKill === undefined ? [] : [{ name: 'kill', status: 'degraded', reason: keptKill }]
}

/** A node without the patterns of others, or that cannot save its own, serves all the same. */
function patternsCheck({ prediction: { store } }: Caches): readonly Check[] {
  if (store === undefined) return []
  const { trouble } = store
  return [
    trouble === undefined
      ? { name: 'patterns', status: 'ok' }
      : { name: 'patterns', status: 'degraded', reason: trouble },
  ]
}

function consumersOf(streams: Streams | undefined): readonly (readonly [name: string, consumer: Consumer])[] {
  const all = Object.entries({ 'price-updates': streams?.prices, 'warm-requests': streams?.warmRequests })
  return all.flatMap(([name, consumer]) => (consumer === undefined ? [] : [[name, consumer] as const]))
}
