import type { Optimized } from '../cache/optimizer.ts'
import { FARTHEST_HOURS } from '../prediction/predictor.ts'
import type { Body } from './body.ts'
import { type Check, type Operations, type WarmingHealth, worstOf } from './operations.ts'
import { json, problem, type Reply } from './reply.ts'

export interface Inquiry {
  readonly accept: string | undefined
  readonly query: URLSearchParams
  body(): Promise<Body>
}

/** Handlers by path and method. A HEAD is answered like a GET; Node leaves the body out. */
export type Routes = Readonly<Record<string, Readonly<Record<string, (inquiry: Inquiry) => Reply | Promise<Reply>>>>>

export function routesOf(operations: Operations, metricsEnabled: boolean): Routes {
  return {
    '/metrics': {
      GET: ({ accept }) =>
        metricsEnabled
          ? exposition(operations, accept)
          : problem(404, 'Metrics are off: WARMING_METRICS_ENABLED is false'),
    },
    '/livez': { GET: () => checked(operations.live()) },
    '/readyz': { GET: () => checked(operations.ready()) },
    '/health/warming': { GET: () => warmingHealth(operations.warming()) },
    '/cache/warming/recommendations': { GET: ({ query }) => recommendations(operations, query) },
    '/cache/predictor/stats': { GET: () => predictorStats(operations) },
    '/cache/predictor/patterns': {
      GET: () => json(200, operations.predictor.exportPatterns()),
      PUT: async ({ body }) => importedPatterns(operations, await body()),
    },
    '/warming/patterns': { GET: () => patterns(operations) },
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
  return problem(405, `${request.path} does not take ${request.method}`, { allow: allowed.join(', ') })
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

function recommendations({ predictor }: Operations, query: URLSearchParams): Reply {
  const given = query.get('look_ahead_hours') ?? '1'
  const lookAheadHours = /^\d{1,2}$/.test(given) ? Number(given) : 0
  if (lookAheadHours < 1 || lookAheadHours > FARTHEST_HOURS)
    return problem(
      400,
      `look_ahead_hours: expected a whole number from 1 to ${FARTHEST_HOURS}, got ${JSON.stringify(given)}`,
    )
  const found = predictor.recommendations({ lookAheadHours })
  return json(
    200,
    found.map(({ pair, ...rest }) => ({ instrument_id: pair, ...rest })),
  )
}

function predictorStats({ predictor }: Operations): Reply {
  const { totalAccesses, uniquePairs, top10, accuracyByKind } = predictor.stats()
  return json(200, {
    ...{ total_accesses: totalAccesses, unique_symbols: uniquePairs, top_10_symbols: top10 },
    accuracy_by_kind: accuracyByKind,
  })
}

function importedPatterns({ predictor }: Operations, body: Body): Reply {
  if (!body.ok) return problem(body.status, body.detail, { connection: 'close' })
  let document: unknown
  try {
    document = JSON.parse(body.text)
  } catch (error) {
    return problem(400, `The body is not JSON: ${error instanceof Error ? error.message : error}`)
  }
  const outcome = predictor.importPatterns(document)
  return 'problem' in outcome ? problem(400, outcome.problem) : json(200, outcome)
}

function patterns({ predictor }: Operations): Reply {
  return json(
    200,
    predictor.patterns().map(({ chain, pair, frequencyPerHour, peakHours, confidence }) => ({
      ...{ instrument_id: pair, chain, frequency_per_hour: frequencyPerHour, peak_hours: peakHours, confidence },
    })),
  )
}

function optimized({ notPromoted, durationMs, ...done }: Optimized): object {
  return { ...done, not_promoted: notPromoted, duration_ms: durationMs }
}

function byName(checks: readonly Check[]): Readonly<Record<string, Omit<Check, 'name'>>> {
  return Object.fromEntries(checks.map(({ name, ...rest }) => [name, rest]))
}
