import type { PairName } from '../cache/names/id-holders.ts'
import type { Optimized } from '../cache/optimizer.ts'
import type { Operations } from './operations.ts'
import { json, problem, type Reply } from './reply.ts'
import type { Routes } from './route.ts'

/** What the levels of the cache hold and count. */
export function cacheRoutes(operations: Operations): Routes {
  return {
    '/prices/:chain/:pair': { GET: { handle: ({ params }) => price(operations, params as PairName) } },
    '/cache/hierarchy/stats': { GET: { isCostly: true, handle: () => json(200, operations.hierarchy()) } },
    '/cache/hierarchy/optimize': {
      POST: { isCostly: true, handle: async () => json(200, optimized(await operations.optimize())) },
    },
  }
}

const ABSENT = { missing: 404, unavailable: 503, 'bad-name': 400 } as const

async function price(operations: Operations, { chain, pair }: PairName): Promise<Reply> {
  const found = await operations.price(chain, pair)
  if (found.status !== 'found')
    return problem(ABSENT[found.status], `No price of ${chain} ${pair}: ${found.reason} (the pair is ${found.kind})`)
  const { status: _, ...sight } = found
  return json(200, sight)
}

function optimized({ notPromoted, durationMs, ...done }: Optimized): object {
  return { ...done, not_promoted: notPromoted, duration_ms: durationMs }
}
