import { type Check, type Operations, type WarmingHealth, worstOf } from '../operations.ts'
import { outward } from '../outward.ts'
import { json, problem, type Reply } from '../reply.ts'
import type { Route, Routes } from '../route.ts'
import { byName, COUNT, NUMBER, object, oneOf, orNull, TEXT } from '../schema.ts'
import { Exposition } from './exposition.ts'

const CHECKS = byName(object({ status: oneOf('ok', 'degraded', 'failed') }, { reason: TEXT }))
const CHECKED = object({ status: oneOf('ok', 'degraded', 'failed'), checks: CHECKS })
const GROUP = object({ updates: COUNT, reads: COUNT }, { hit_ratio: NUMBER })
const FRESHNESS = { pairs: COUNT, reads: COUNT, largest_behind_ms: orNull(NUMBER) }
const WARMING = object({
  status: oneOf('healthy', 'degraded', 'unhealthy'),
  tracker: object({ totalPairs: COUNT, totalUpdates: COUNT }),
  warmer: object({ totalWarmingOps: COUNT, totalPairsWarmed: COUNT }, { successRate: NUMBER }),
  benefit: object(
    { control: GROUP, warmed: GROUP },
    {
      hit_rate_improvement: object({ points: NUMBER, low: NUMBER, high: NUMBER }),
      ...{ coverage: NUMBER, accuracy: NUMBER },
    },
  ),
  freshness: object({
    followed: object(FRESHNESS),
    foreign: object({ ...FRESHNESS, invalidations: COUNT, rereads: COUNT, losses: COUNT }),
  }),
  checks: CHECKS,
})

/** What scrapers and orchestrators ask. */
export function healthRoutes(operations: Operations, metricsEnabled: boolean): Routes {
  const exposition = new Exposition(operations)
  const probe = (about: string, checks: () => readonly Check[]): Route => ({
    ...{ about, answers: { 200: CHECKED, 503: CHECKED } },
    handle: () => checked(checks()),
  })
  return {
    '/metrics': {
      GET: {
        about: 'all metrics, as Prometheus text or OpenMetrics',
        ...{ media: 'text/plain', answers: { 200: TEXT } },
        handle: ({ headers }) =>
          metricsEnabled
            ? exposition.get(headers.accept)
            : problem(404, 'Metrics are off: WARMING_METRICS_ENABLED is false'),
      },
    },
    '/livez': { GET: probe('whether the process should go on', () => operations.live()) },
    '/readyz': { GET: probe('whether the node does its work', () => operations.ready()) },
    '/health/warming': {
      GET: {
        about: 'what was tracked and warmed, what it brings, and how fresh prices are',
        answers: { 200: WARMING, 503: WARMING },
        handle: () => warmingHealth(operations.warming()),
      },
    },
  }
}

function checked(checks: readonly Check[]): Reply {
  const status = worstOf(checks)
  return json(status === 'failed' ? 503 : 200, { status, checks: named(checks) })
}

const HEALTH = { ok: 'healthy', degraded: 'degraded', failed: 'unhealthy' } as const

function warmingHealth({ tracker, warmer, benefit, freshness, checks }: WarmingHealth): Reply {
  const worst = worstOf(checks)
  return json(worst === 'failed' ? 503 : 200, {
    ...{ status: HEALTH[worst], tracker, warmer },
    benefit: { ...outward(benefit), control: outward(benefit.control), warmed: outward(benefit.warmed) },
    freshness: { followed: outward(freshness.followed), foreign: outward(freshness.foreign) },
    checks: named(checks),
  })
}

function named(checks: readonly Check[]): Readonly<Record<string, Omit<Check, 'name'>>> {
  return Object.fromEntries(checks.map(({ name, ...rest }) => [name, rest]))
}
