import { FARTHEST_HOURS } from '../../prediction/predictor.ts'
import { KINDS } from '../../prediction/proposal.ts'
import type { Operations } from '../operations.ts'
import { json, problem, type Reply } from '../reply.ts'
import type { Route, Routes } from '../route.ts'
import { byName, COUNT, list, NUMBER, object, oneOf, TEXT } from '../schema.ts'

const KIND = oneOf(...KINDS)
const RECOMMENDED = list(
  object({ instrument_id: TEXT, chain: TEXT, confidence: NUMBER, kind: KIND, reason: TEXT }, { granularity: TEXT }),
)
const STATS = object({
  ...{ total_accesses: COUNT, unique_symbols: COUNT, top_10_symbols: list(TEXT) },
  accuracy_by_kind: byName(NUMBER),
})
const IMPORTED = object({ refused: COUNT })
const LEARNT = list(
  object({ instrument_id: TEXT, chain: TEXT, frequency_per_hour: NUMBER, peak_hours: list(COUNT), confidence: NUMBER }),
)

/** What was learnt from reads. */
export function predictorRoutes({ predictor }: Pick<Operations, 'predictor'>): Routes {
  const costly = (route: Omit<Route, 'isCostly'>): Route => ({ ...route, isCostly: true })
  return {
    '/cache/warming/recommendations': {
      GET: costly({
        ...{ about: 'pairs that will be read in the next hours', schema: { querystring: LOOK_AHEAD } },
        answers: { 200: RECOMMENDED },
        handle: ({ query }) => recommendations(predictor, query as LookAhead),
      }),
    },
    '/cache/predictor/stats': {
      GET: costly({
        ...{ about: 'how many reads were learnt from, and what came true', answers: { 200: STATS } },
        handle: () => stats(predictor),
      }),
    },
    '/cache/predictor/patterns': {
      GET: costly({
        ...{ about: 'exports what was learnt from reads, as one document', answers: { 200: EXPORTED } },
        handle: () => json(200, predictor.exportPatterns()),
      }),
      PUT: costly({
        ...{ about: 'imports such a document', schema: { body: PATTERNS }, answers: { 200: IMPORTED } },
        handle: ({ body }) => importedPatterns(predictor, body),
      }),
    },
    '/warming/patterns': {
      GET: costly({
        ...{ about: 'how often and when pairs are read', answers: { 200: LEARNT } },
        handle: () => patterns(predictor),
      }),
    },
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

const EXPORTED = object({
  ...{ kind: oneOf('forewarm-patterns'), version: oneOf(1), firstHour: COUNT, lastHour: { type: 'integer' } },
  pairs: list(object({ chain: TEXT, pair: TEXT, reads: list(list(COUNT)) }, { group: TEXT })),
})

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
