import { FARTHEST_HOURS } from '../prediction/predictor.ts'
import type { Operations } from './operations.ts'
import { json, problem, type Reply } from './reply.ts'
import type { Route, Routes } from './route.ts'

/** What was learnt from reads. */
export function predictorRoutes({ predictor }: Pick<Operations, 'predictor'>): Routes {
  const costly = (handle: Route['handle'], schema: Route['schema'] = {}): Route => ({ schema, handle, isCostly: true })
  return {
    '/cache/warming/recommendations': {
      GET: costly(({ query }) => recommendations(predictor, query as LookAhead), { querystring: LOOK_AHEAD }),
    },
    '/cache/predictor/stats': { GET: costly(() => stats(predictor)) },
    '/cache/predictor/patterns': {
      GET: costly(() => json(200, predictor.exportPatterns())),
      PUT: costly(({ body }) => importedPatterns(predictor, body), { body: PATTERNS }),
    },
    '/warming/patterns': { GET: costly(() => patterns(predictor)) },
  }
}

type Predictor = Operations['predictor']

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

function recommendations(predictor: Predictor, { look_ahead_hours: hours = '1' }: LookAhead): Reply {
  const found = predictor.recommendations({ lookAheadHours: Number(hours) })
  return json(
    200,
    found.map(({ pair, ...rest }) => ({ instrument_id: pair, ...rest })),
  )
}

function stats(predictor: Predictor): Reply {
  const { totalAccesses, uniquePairs, top10, accuracyByKind } = predictor.stats()
  return json(200, {
    ...{ total_accesses: totalAccesses, unique_symbols: uniquePairs, top_10_symbols: top10 },
    accuracy_by_kind: accuracyByKind,
  })
}

function importedPatterns(predictor: Predictor, document: unknown): Reply {
  const outcome = predictor.importPatterns(document)
  return 'problem' in outcome ? problem(400, outcome.problem) : json(200, outcome)
}

function patterns(predictor: Predictor): Reply {
  return json(
    200,
    predictor.patterns().map(({ chain, pair, frequencyPerHour, peakHours, confidence }) => ({
      ...{ instrument_id: pair, chain, frequency_per_hour: frequencyPerHour, peak_hours: peakHours, confidence },
    })),
  )
}
