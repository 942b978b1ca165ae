import { Exposition } from './exposition.ts'
import { type Check, type Operations, type WarmingHealth, worstOf } from './operations.ts'
import { json, problem, type Reply } from './reply.ts'
import type { Routes } from './route.ts'

/** What scrapers and orchestrators ask. */
export function healthRoutes(operations: Operations, metricsEnabled: boolean): Routes {
  const exposition = new Exposition(operations)
  return {
    '/metrics': {
      GET: {
        handle: ({ headers }) =>
          metricsEnabled
            ? exposition.get(headers.accept)
            : problem(404, 'Metrics are off: WARMING_METRICS_ENABLED is false'),
      },
    },
    '/livez': { GET: { handle: () => checked(operations.live()) } },
    '/readyz': { GET: { handle: () => checked(operations.ready()) } },
    '/health/warming': { GET: { handle: () => warmingHealth(operations.warming()) } },
  }
}

function checked(checks: readonly Check[]): Reply {
  const status = worstOf(checks)
  return json(status === 'failed' ? 503 : 200, { status, checks: byName(checks) })
}

const HEALTH = { ok: 'healthy', degraded: 'degraded', failed: 'unhealthy' } as const

function warmingHealth({ checks, ...figures }: WarmingHealth): Reply {
  const worst = worstOf(checks)
  return json(worst === 'failed' ? 503 : 200, { status: HEALTH[worst], ...figures, checks: byName(checks) })
}

function byName(checks: readonly Check[]): Readonly<Record<string, Omit<Check, 'name'>>> {
  return Object.fromEntries(checks.map(({ name, ...rest }) => [name, rest]))
}
