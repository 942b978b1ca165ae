import type { Bench, Figure } from '../harness/bench.ts'
import type { Stage } from '../stages/stage.ts'
import { withFleet } from './nodes/fleet.ts'
import { freshness } from './nodes/freshness.ts'
import { BY_CHAIN, BY_PAIR, BY_SYMBOL, SHARED } from './nodes/market.ts'
import { closedLoop, saturation, steady } from './nodes/rates.ts'
import { redisCommands } from './nodes/redis-commands.ts'
import { shared } from './nodes/shared.ts'
import { standstill } from './nodes/standstill.ts'

/**
 * How fresh pairs are on nodes that do not get their updates, and what that costs. Nodes of one service are processes of
 * their own: an owner, whose updates are read, and readers.
 */
export const nodes: Bench = { name: 'nodes', cases }

const RATE = 1_000
const HIGH_RATE = 10_000
const READERS = 20

async function* cases(stage: Stage): AsyncIterable<Figure> {
  const { quick } = stage
  yield* await withFleet(stage, { layout: BY_CHAIN, readers: 1 }, async (fleet) => [
    ...(await freshness(stage, fleet, { layout: BY_CHAIN, perSecond: RATE })),
    ...(quick ? [] : await freshness(stage, fleet, { layout: BY_CHAIN, perSecond: HIGH_RATE })),
    ...(await redisCommands(stage, fleet)),
    ...(await closedLoop(stage, fleet)),
    ...(await saturation(stage, fleet)),
  ])
  yield* await withFleet(stage, { layout: SHARED, readers: 2 }, (fleet) => shared(stage, fleet))
  // A fleet takes seconds to start.
  if (quick) return
  for (const layout of [BY_PAIR, BY_SYMBOL])
    yield* await withFleet(stage, { layout, readers: 1 }, (fleet) =>
      freshness(stage, fleet, { layout, perSecond: RATE }),
    )
  yield* await withFleet(stage, { layout: BY_CHAIN, readers: 1 }, (fleet) => standstill(stage, fleet))
  yield* await withFleet(stage, { layout: BY_CHAIN, readers: READERS }, (fleet) => steady(stage, fleet))
}
