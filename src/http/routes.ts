import type { PairName } from '../cache/names/id-holders.ts'
import type { Optimized } from '../cache/optimizer.ts'
import { FARTHEST_HOURS } from '../prediction/predictor.ts'
import { Exposition } from './exposition.ts'
import { type Check, type Operations, type WarmingHealth, worstOf } from './operations.ts'
import { json, problem, type Reply } from './reply.ts'

export interface Inquiry {
  readonly headers: { readonly accept?: string | undefined }
  readonly query: unknown
  readonly params: unknown
  readonly body?: unknown
}

export interface Route {
  /** JSON schemas by the part of the request; a description completes the sentence "expected …". */
  readonly schema?: { readonly querystring?: object; readonly body?: object }
  /** Takes the event loop for long, or makes a large answer: it waits for its turn before its body is parsed. */
  readonly isCostly?: boolean
  handle(inquiry: Inquiry): Reply | Promise<Reply>
}

/** Routes by path and method. A HEAD is answered like a GET, without the body. */
export type Routes = Readonly<Record<string, Readonly<Record<string, Route>>>>

export function routesOf(operations: Operations, metricsEnabled: boolean): Routes {
  const exposition = new Exposition(operations)
  const costly = (handle: Route['handle'], schema: Route['schema'] = {}): Route => ({ schema, handle, isCostly: true })
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
    '/cache/warming/recommendations': {
      GET: costly(({ query }) => recommendations(operations, query as LookAhead), { querystring: LOOK_AHEAD }),
    },
    '/cache/predictor/stats': { GET: costly(() => predictorStats(operations)) },
    '/cache/predictor/patterns': {
      GET: costly(() => json(200, operations.predictor.exportPatterns())),
      PUT: costly(({ body }) => importedPatterns(operations, body), { body: PATTERNS }),
    },
    '/prices/:chain/:pair': { GET: { handle: ({ params }) => price(operations, params as PairName) } },
    '/warming/patterns': { GET: costly(() => patterns(operations)) },
    '/cache/hierarchy/stats': { GET: costly(() => json(200, operations.hierarchy())) },
    '/cache/hierarchy/optimize': { POST: costly(async () => json(200, optimized(await operations.optimize()))) },
  }
}

/** The methods of a path, as Allow lists them; undefined if nothing is there. */
export function methodsOf(routes: Routes, path: string): string | undefined {
  const [, route] = Object.entries(routes).find(([pattern]) => isAt(path, pattern)) ?? []
  const methods = route && Object.keys(route)
  return methods?.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ')
}

function isAt(path: string, pattern: string): boolean {
  const [given, expected] = [path.split('/'), pattern.split('/')]
  return given.length === expected.length && expected.every((part, at) => part.startsWith(':') || part === given[at])
}

interface LookAhead {
  readonly look_ahead_hours?: string
}

const HOURS = `a whole number from 1 to ${FARTHEST_HOURS}`
const LOOK_AHEAD = {
  type: 'object',
  properties: {
    look_ahead_hours: {
      type: 'string',
      enum: Array.from({ length: FARTHEST_HOURS }, (_, hour) => `${hour + 1}`),
      description: HOURS,
    },
  },
}

/** The members of the document. What the pairs have to be is checked where they are imported. */
const PATTERNS = {
  type: 'object',
  description: 'an object',
  required: ['kind', 'version', 'firstHour', 'lastHour', 'pairs'],
  properties: {
    kind: { const: 'forewarm-patterns', description: '"forewarm-patterns"' },
    version: { const: 1, description: '1' },
    firstHour: { type: 'integer', minimum: 0, description: 'whole hours since 1970' },
    lastHour: { type: 'integer', minimum: -1, description: 'whole hours since 1970' },
    pairs: { type: 'array', description: 'a list' },
  },
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

const ABSENT = { missing: 404, unavailable: 503, 'bad-name': 400 } as const

async function price(operations: Operations, { chain, pair }: PairName): Promise<Reply> {
  const found = await operations.price(chain, pair)
  if (found.status !== 'found')
    return problem(ABSENT[found.status], `No price of ${chain} ${pair}: ${found.reason} (the pair is ${found.kind})`)
  const { status: _, ...sight } = found
  return json(200, sight)
}

function recommendations({ predictor }: Operations, { look_ahead_hours: hours = '1' }: LookAhead): Reply {
  const found = predictor.recommendations({ lookAheadHours: Number(hours) })
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

function importedPatterns({ predictor }: Operations, document: unknown): Reply {
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
