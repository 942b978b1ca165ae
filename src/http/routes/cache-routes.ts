import type { PairName } from '../../cache/names/id-holders.ts'
import type { Operations } from '../operations.ts'
import { outward } from '../outward.ts'
import { json, problem, type Reply } from '../reply.ts'
import type { Routes } from '../route.ts'
import { byName, COUNT, NUMBER, object, oneOf, orNull, TEXT } from '../schema.ts'

const PRICE = object(
  {
    ...{ chain: TEXT, pair: TEXT, price: NUMBER, event_time_ms: NUMBER },
    ...{ age_ms: NUMBER, behind_ms: orNull(NUMBER), version: NUMBER },
    level: oneOf('L1', 'L2', 'L3'),
    kind: oneOf('followed', 'foreign', 'unknown'),
    source: orNull(TEXT),
  },
  { bid: NUMBER, ask: NUMBER, reserve0: NUMBER, reserve1: NUMBER, liquidity: NUMBER, extra: byName({}) },
)
const LATENCY = object({}, { p50: NUMBER, p90: NUMBER, p99: NUMBER, avg: NUMBER })
const LEVEL = object(
  { hits: COUNT, misses: COUNT, latency_ms: LATENCY },
  { hit_rate_pct: NUMBER, entries: COUNT, bytes: COUNT, capacity_bytes: COUNT, pressure: NUMBER },
)
const HIERARCHY = object({
  overall: object({ latency_ms: LATENCY }, { overall_hit_rate_pct: NUMBER, requests_per_s: NUMBER }),
  levels: object({ L1: LEVEL, L2: LEVEL, L3: LEVEL }),
})
const OPTIMIZED = object({
  ...{ promoted: COUNT, not_promoted: COUNT, demoted: COUNT, expired: COUNT, duration_ms: NUMBER, reason: TEXT },
})

/** What the levels of the cache hold and count. */
export function cacheRoutes(operations: Operations): Routes {
  return {
    '/prices/:chain/:pair': {
      GET: {
        about: 'the price of a pair, how fresh it is, and who gets its updates',
        answers: { 200: PRICE },
        handle: ({ params }) => price(operations, params as PairName),
      },
    },
    '/cache/hierarchy/stats': {
      GET: {
        ...{ about: 'reads and sizes, level by level', answers: { 200: HIERARCHY } },
        handle: () => json(200, operations.hierarchy()),
      },
    },
    '/cache/hierarchy/optimize': {
      POST: {
        ...{ about: 'promotes what is read, demotes what is not', answers: { 200: OPTIMIZED }, isCostly: true },
        handle: async () => json(200, outward(await operations.optimize())),
      },
    },
  }
}

const ABSENT = { missing: 404, unavailable: 503, 'bad-name': 400 } as const

async function price(operations: Operations, { chain, pair }: PairName): Promise<Reply> {
  const found = await operations.price(chain, pair)
  if (found.status !== 'found')
    return problem(ABSENT[found.status], `No price of ${chain} ${pair}: ${found.reason} (the pair is ${found.kind})`)
  const { status: _, ...sight } = found
  return json(200, outward(sight))
}
