import type { Optimized } from '../cache/optimizer.ts'
import { type Check, type Operations, type WarmingHealth, worstOf } from './operations.ts'
import { json, problem, type Reply } from './reply.ts'

export interface Inquiry {
  readonly accept: string | undefined
}

/** By path, then by method. A HEAD is answered like a GET; Node leaves the body out. */
export type Routes = Readonly<Record<string, Readonly<Record<string, (inquiry: Inquiry) => Reply | Promise<Reply>>>>>

export function routesOf(operations: Operations, metricsEnabled: boolean): Routes {
  return {
    '/metrics': {
      GET: ({ accept }) => (metricsEnabled ? exposition(operations, accept) : problem(404, 'metrics are off')),
    },
    '/livez': { GET: () => checked(operations.live()) },
    '/readyz': { GET: () => checked(operations.ready()) },
    '/health/warming': { GET: () => warmingHealth(operations.warming()) },
    '/cache/hierarchy/stats': { GET: () => json(200, operations.hierarchy()) },
    '/cache/hierarchy/optimize': { POST: async () => json(200, optimized(await operations.optimize())) },
  }
}

export async function answer(
  routes: Routes,
  request: { readonly method: string; readonly path: string } & Inquiry,
): Promise<Reply> {
  const methods = Object.hasOwn(routes, request.path) ? routes[request.path] : undefined
  if (methods === undefined) return problem(404, `There is nothing at ${request.path}`)
  const handler = methods[request.method === 'HEAD' ? 'GET' : request.method]
  if (handler !== undefined) return handler(request)
  const allowed = Object.keys(methods).flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  return problem(405, `${request.path} knows no ${request.method}`, { allow: allowed.join(', ') })
}

async function exposition(operations: Operations, accept: string | undefined): Promise<Reply> {
  const { body, contentType } = await operations.metrics(accept)
  return { status: 200, headers: { 'content-type': contentType }, body }
}

function checked(checks: readonly Check[]): Reply {
  const status = worstOf(checks)
  return json(status === 'failed' ? 503 : 200, { status, checks: byName(checks) })
}

const HEALTH = { ok: 'healthy', degraded: 'degraded', failed: 'unhealthy' } as const

function warmingHealth({ tracker, warmer, checks }: WarmingHealth): Reply {
  const worst = worstOf(checks)
  return json(worst === 'failed' ? 503 : 200, { status: HEALTH[worst], tracker, warmer, checks: byName(checks) })
}

function optimized({ notPromoted, durationMs, ...done }: Optimized): object {
  return { ...done, not_promoted: notPromoted, duration_ms: durationMs }
}

function byName(checks: readonly Check[]): Readonly<Record<string, Omit<Check, 'name'>>> {
  return Object.fromEntries(checks.map(({ name, ...rest }) => [name, rest]))
}
