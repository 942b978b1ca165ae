import { checkedName } from '../../../schemas/price-object.ts'
import { MAX_CHAIN_BYTES, MAX_PAIR_BYTES } from '../../../schemas/topics.ts'
import {
  MAX_PAIRS_A_REQUEST,
  PRIORITIES,
  type Priority,
  WARM_STRATEGIES,
  type WarmStrategy,
} from '../../../schemas/warm-request.ts'
import { WARM_STATUSES } from '../../../schemas/warm-result.ts'
import { BrokerError } from '../../broker/port.ts'
import { FARTHEST_HOURS } from '../../prediction/predictor.ts'
import { isOver, type NodeResult, TASK_STATES, type Task } from '../../tasks/task.ts'
import type { Operations } from '../operations.ts'
import { outward } from '../outward.ts'
import { type InvalidField, json, problem, type Reply } from '../reply.ts'
import type { Inquiry, Route, Routes } from '../route.ts'
import { byName, COUNT, FLAG, list, NUMBER, object, oneOf, TEXT } from '../schema.ts'
import type { WarmingOperations, WarmingStats, WarmWish } from '../warming-operations.ts'

const ACCEPTED = object({ task_id: TEXT, status_url: TEXT })
const NODE = object(
  {
    ...{ node: TEXT, status: oneOf(...WARM_STATUSES), warmed: COUNT, would_warm: COUNT, already_in_l1: COUNT },
    ...{ not_found: COUNT, refused_older: COUNT, not_interested: COUNT, duration_ms: NUMBER },
  },
  { reason: TEXT },
)
const TASK = object(
  { task_id: TEXT, status: oneOf(...TASK_STATES), is_over: FLAG, made_at_ms: COUNT, warmed: COUNT, nodes: list(NODE) },
  { reason: TEXT, strategy: TEXT, priority: oneOf(...PRIORITIES), pairs: COUNT },
)
const STRATEGY = object({ operations: COUNT, warmed: COUNT, used: COUNT }, { accuracy: NUMBER })
const STATS = object(
  {
    ...{ total_warmed: COUNT, by_strategy: byName(STRATEGY) },
    queue: object({ waiting: COUNT, waiting_pairs: COUNT, running: COUNT }),
    shed: object({ total: COUNT, by_priority: byName(COUNT), by_reason: byName(COUNT) }),
  },
  { success_rate: NUMBER, avg_duration_ms: NUMBER },
)
const CYCLE = byName(object({ symbols_warmed: COUNT, duration_seconds: NUMBER }))

/** Warms that people ask for, and what became of them. */
export function warmingRoutes({ tasks }: Pick<Operations, 'tasks'>): Routes {
  const over =
    (handle: (operations: WarmingOperations, inquiry: Inquiry) => Reply | Promise<Reply>): Route['handle'] =>
    (inquiry) =>
      overKafka(tasks(), (operations) => handle(operations, inquiry))
  const stats: Route = {
    ...{ about: 'what was warmed here, by who asked; what waits and what was shed', answers: { 200: STATS } },
    handle: over((operations) => json(200, shownStats(operations.stats()))),
  }
  return {
    '/cache/warm/intelligent': {
      POST: {
        ...{ about: 'asks the nodes of the service to warm pairs: a task', answers: { 202: ACCEPTED } },
        ...{ isCostly: true, schema: { body: WARM_BODY } },
        handle: over((operations, { body }) => wished(operations, body as WarmBody)),
      },
    },
    '/cache/warm/status/:task_id': {
      GET: {
        ...{ about: 'how far a task is, with the result of each node', answers: { 200: TASK }, isCostly: true },
        handle: over((operations, { params }) => status(operations, params as { readonly task_id: string })),
      },
    },
    '/cache/warming/stats': { GET: stats },
    '/warming/stats': { GET: { ...stats, about: 'the same as /cache/warming/stats' } },
    '/warming/run': {
      POST: {
        ...{ about: 'a task for each strategy that history serves', answers: { 200: CYCLE } },
        handle: over(runCycle),
      },
    },
  }
}

interface WarmBody {
  readonly strategy: WarmStrategy
  readonly priority?: Priority
  readonly instrument_id?: string
  readonly pairs?: readonly string[]
  readonly granularity?: string
  readonly cache_type?: string
  readonly date?: string
  readonly chain?: string
  readonly limit?: number
  readonly window_hours?: number
  readonly look_ahead_hours?: number
}

const hours = { type: 'integer', minimum: 1, maximum: FARTHEST_HOURS }
const HOURS = { ...hours, description: `a whole number from 1 to ${FARTHEST_HOURS}` }
const WEEK_HOURS = 168
const name = (maxLength: number, words: string) => ({
  ...{ type: 'string', minLength: 1, maxLength, pattern: '^[^\\u0000]*$' },
  description: `${words} of 1 to ${maxLength} characters`,
})
const PAIR = name(MAX_PAIR_BYTES, 'a name')
const word = (words: readonly string[]) => ({ type: 'string', enum: words, description: `one of ${words.join(', ')}` })

const WARM_BODY = {
  type: 'object',
  description: 'an object',
  required: ['strategy'],
  additionalProperties: false,
  properties: {
    strategy: word(WARM_STRATEGIES),
    priority: word(PRIORITIES),
    instrument_id: PAIR,
    pairs: {
      ...{ type: 'array', minItems: 1, maxItems: MAX_PAIRS_A_REQUEST, items: PAIR },
      description: `a list of 1 to ${MAX_PAIRS_A_REQUEST} names`,
    },
    granularity: name(16, 'a name'),
    cache_type: name(32, 'a name'),
    date: { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}$', description: 'a date like 2024-01-31' },
    chain: name(MAX_CHAIN_BYTES, 'a name'),
    limit: {
      ...{ type: 'integer', minimum: 1, maximum: MAX_PAIRS_A_REQUEST },
      description: `a whole number from 1 to ${MAX_PAIRS_A_REQUEST}`,
    },
    window_hours: {
      ...{ type: 'integer', minimum: 1, maximum: WEEK_HOURS },
      description: `a whole number from 1 to ${WEEK_HOURS}`,
    },
    look_ahead_hours: HOURS,
  },
}

const KAFKA_AWAY = { headers: { 'retry-after': '1' } }

async function overKafka(
  operations: WarmingOperations | undefined,
  handle: (operations: WarmingOperations) => Reply | Promise<Reply>,
): Promise<Reply> {
  if (operations === undefined) return problem(503, 'Kafka has not answered yet', KAFKA_AWAY)
  try {
    return await handle(operations)
  } catch (error) {
    if (error instanceof BrokerError || isTimeout(error))
      return problem(503, `Kafka does not answer: ${error.message}`, KAFKA_AWAY)
    throw error
  }
}

function isTimeout(error: unknown): error is Error {
  return error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError')
}

async function wished(operations: WarmingOperations, body: WarmBody): Promise<Reply> {
  const wish = wishOf(body)
  const unusable = unusableName(wish)
  if (unusable !== undefined) return problem(400, unusable.detail, { errors: [unusable] })
  const answer = await operations.wish(wish)
  if (!answer.ok) {
    const { errors } = answer
    const detail = errors.map(({ pointer = '#', detail: words }) => `${pointer.slice(2)}: ${words}`).join('; ')
    return problem(400, detail, { errors })
  }
  const url = `/cache/warm/status/${answer.taskId}`
  const accepted = json(202, { task_id: answer.taskId, status_url: url })
  return { ...accepted, headers: { ...accepted.headers, location: url } }
}

/** A name may be too long in bytes, or once a granularity, a type and a date are part of it. */
function unusableName({ chain, pairs }: WarmWish): InvalidField | undefined {
  const against = (field: 'pair' | 'chain', name: string) => checkedName(name, field)?.detail
  const [ofPair] = pairs.flatMap((pair) => against('pair', pair) ?? [])
  if (ofPair !== undefined) return { pointer: '#/pairs', detail: ofPair }
  const ofChain = chain === undefined ? undefined : against('chain', chain)
  return ofChain === undefined ? undefined : { pointer: '#/chain', detail: ofChain }
}

function wishOf(body: WarmBody): WarmWish {
  const { instrument_id: instrument, pairs = instrument === undefined ? [] : [instrument], strategy, priority } = body
  const { chain, limit, window_hours: windowHours, look_ahead_hours: lookAheadHours } = body
  const names = [...new Set([...pairs, ...(instrument === undefined ? [] : [instrument])])]
  return {
    ...{ strategy, priority, chain, limit, windowHours, lookAheadHours },
    pairs: names.map((pair) => composed(pair, body)),
  }
}

/** An instrument with a granularity is the pair `EUR_USD@H4`, with type and date `labels:EUR_USD@H4:2024-01-01`. */
function composed(instrument: string, { granularity, cache_type: type, date }: WarmBody): string {
  const pair = granularity === undefined ? instrument : `${instrument}@${granularity}`
  return [type, pair, date].filter((part) => part !== undefined).join(':')
}

async function status(operations: WarmingOperations, { task_id: taskId }: { task_id: string }): Promise<Reply> {
  const task = await operations.status(taskId)
  if (task === undefined) return problem(404, 'No such task: it was never made, or is older than a day')
  return json(200, shownTask(task))
}

function shownTask({ taskId, state, madeAtMs, nodes, ...rest }: Task): object {
  return {
    ...{ task_id: taskId, status: state, is_over: isOver({ state }), made_at_ms: madeAtMs, ...rest },
    nodes: nodes.map(shownNode),
  }
}

function shownNode({ node, status: found, reason, ...counts }: NodeResult): object {
  const { warmed, wouldWarm, alreadyInL1, notFound, refusedOlder, notInterested, durationMs } = counts
  return {
    ...(reason !== undefined && { reason }),
    ...{ node, status: found, warmed, would_warm: wouldWarm, already_in_l1: alreadyInL1, not_found: notFound },
    ...{ refused_older: refusedOlder, not_interested: notInterested, duration_ms: durationMs },
  }
}

function shownStats({ totalWarmed, byStrategy, successRate, avgDurationMs, tasks }: WarmingStats): object {
  const { waiting, waitingPairs, running, shed } = tasks
  return {
    ...{ total_warmed: totalWarmed, by_strategy: byStrategy, success_rate: successRate },
    ...{ avg_duration_ms: avgDurationMs, queue: { waiting, waiting_pairs: waitingPairs, running } },
    shed: outward(shed),
  }
}

async function runCycle(operations: WarmingOperations): Promise<Reply> {
  const results = Object.entries(await operations.runCycle())
  const shown = results.map(([strategy, { warmed, durationMs }]) => [
    strategy,
    { symbols_warmed: warmed, duration_seconds: durationMs / 1000 },
  ])
  return json(200, Object.fromEntries(shown))
}
