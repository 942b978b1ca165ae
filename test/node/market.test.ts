import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import type { ForewarmNode } from '../../node/node.ts'
import type { NodeStats } from '../../node/stats.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { detector } from '../../src/detect/detector.ts'
import { createMarket, type Market } from '../../src/simulate/traffic/market.ts'
import { uniqueName } from '../harness/kafka.ts'
import { mulberry32 } from '../harness/mulberry32.ts'
import { until } from '../harness/until.ts'
import { onStage, type Stage } from './stage.ts'

const SEED = 42
const UPDATES = 800
const SLICE = 10
const PAIRS_PER_GROUP = 5
/** The detector reads a pair's siblings this long after the pair's update, which leaves time for a warm. */
const LOOK_AFTER_MS = 30

test('in a simulated market, warming raises the hit ratio of a detector that reads a moment after an update', async () => {
  const random = mulberry32(SEED)
  const market = createMarket({
    chains: ['ethereum', 'base'],
    groupsPerChain: 40,
    pairsPerGroup: PAIRS_PER_GROUP,
    random,
  })
  await onStage({ broker: createMemoryBroker(), partitions: 2 }, async (stage) => {
    const warmed = await lookingNode(stage, market, true)
    const unwarmed = await lookingNode(stage, market, false)
    await play(stage, market, [warmed, unwarmed])
    const { warms, reads } = warmed.stats()
    const facts = JSON.stringify({ seed: SEED, warms, reads, unwarmed: unwarmed.stats().reads })
    const accuracy = warms.used / (warms.used + warms.unused)
    expect([facts, warms.used > 0, accuracy > 0.5]).toEqual([facts, true, true])
    expect([facts, hitRatio(warmed) > hitRatio(unwarmed)]).toEqual([facts, true])
    expect(unwarmed.stats().warms.admitted).toBe(0)
  })
})

async function lookingNode(stage: Stage, market: Market, warming: boolean): Promise<ForewarmNode> {
  const looks = detector('looks', {}, async (update, prices) => {
    await pause(LOOK_AFTER_MS)
    // On a busy machine a warm request may take longer.
    await until('no warm is under way', () => isWarmed(node))
    for (const sibling of market.siblings(update.pair)) prices.get(update.chain, sibling)
  })
  const node = await stage.startNode({
    detectors: [looks],
    config: {
      node: { service: uniqueName(warming ? 'warmed' : 'unwarmed') },
      warming: { enabled: warming },
      cache: { l1Slots: market.pairCount / 4 },
    },
  })
  return node
}

function isWarmed(node: ForewarmNode): boolean {
  const { lagRecords, waiting } = node.stats().warmRequests
  return lagRecords === 0 && waiting === 0
}

/**
 * Sends the market in slices, the next one when all nodes have made the reads of this one. On a machine that stalls,
 * larger slices would evict warms before they are read.
 */
async function play(stage: Stage, market: Market, nodes: readonly ForewarmNode[]): Promise<void> {
  for (let sent = 0; sent < UPDATES; sent += SLICE) {
    await stage.produce(...Array.from({ length: SLICE }, () => market.next(Date.now())))
    const reads = (sent + SLICE) * (PAIRS_PER_GROUP - 1)
    await until('all reads are done', () => nodes.every((node) => readsOf(node.stats()) === reads))
  }
}

function readsOf({ reads }: NodeStats): number {
  return reads.hits + reads.misses
}

function hitRatio(node: ForewarmNode): number {
  const { reads } = node.stats()
  return reads.hits / readsOf(node.stats())
}
