import { expect, test } from '@jest/globals'
import type { ForewarmNode } from '../../../node/node.ts'
import { encodePriceJson } from '../../../schemas/price-json.ts'
import { createMemoryBroker } from '../../../src/broker/memory/broker.ts'
import { detector } from '../../../src/detect/detector.ts'
import { redisUrl, uniqueName } from '../../harness/kafka.ts'
import { mulberry32 } from '../../harness/mulberry32.ts'
import { until } from '../../harness/until.ts'
import { onStage } from '../../node/stage.ts'

/** Pairs in groups: a detector that gets an update of one reads all the others. */
const GROUPS = 100
const IN_GROUP = 4
const PAIRS = GROUPS * IN_GROUP
const UPDATES = 6_000
const PARTITIONS = 4
const CONFIG = {
  /** A quarter of the pairs. */
  cache: { l1Slots: PAIRS / 4 },
  /** A busy machine may exceed the default of 2 ms. */
  node: { lookAhead: 'await', lookAheadMs: 1_000 },
  warming: { rollout: 'full', controlShare: 0 },
} as const

const nameOf = (pair: number) => `${Math.floor(pair / IN_GROUP)}-${pair % IN_GROUP}`

/** The same updates for each service: groups by Zipf, a pair of the group by chance. */
function traffic(): readonly number[] {
  const random = mulberry32(17)
  const sums: number[] = []
  for (let group = 0; group < GROUPS; group++) sums.push((sums.at(-1) ?? 0) + 1 / (group + 1))
  const groupAt = (share: number) => sums.findIndex((sum) => sum >= share * (sums.at(-1) ?? 0))
  return Array.from({ length: UPDATES }, () => groupAt(random()) * IN_GROUP + Math.floor(random() * IN_GROUP))
}

/** Hits and reads of L1 over all nodes. */
function tallyOf(nodes: readonly ForewarmNode[]) {
  const levels = nodes.map((node) => node.hierarchyStats().levels.L1)
  const hits = levels.reduce((sum, level) => sum + level.hits, 0)
  return { hits, reads: levels.reduce((sum, level) => sum + level.misses, hits) }
}

/**
 * The share of the detectors' reads that the L1s of a service answer, in each half of the traffic. Updates of a pair go to one partition, so that pairs
 * of a group lie at several nodes. Each update waits for the one before it: how fast the machine is changes nothing.
 */
async function hitRatios(count: number): Promise<readonly [learning: number, learned: number]> {
  return onStage({ broker: createMemoryBroker(), redisUrl: redisUrl(), partitions: PARTITIONS }, async (stage) => {
    const chain = uniqueName('chain')
    let onHandled: () => void = () => undefined
    let reads = false
    const reader = detector('reader', {}, async ({ pair }, prices) => {
      const [group, own] = pair.split('-')
      for (let member = 0; reads && member < IN_GROUP; member++)
        if (String(member) !== own) await prices.getOrLoad(chain, `${group}-${member}`)
      onHandled()
    })
    const nodes: ForewarmNode[] = []
    for (let node = 0; node < count; node++)
      nodes.push(await stage.startNode({ detectors: [reader], config: CONFIG, start: 'earliest' }))
    const startMs = Date.now() - UPDATES - PAIRS
    const send = async (pair: number, at: number) => {
      const handled = new Promise<void>((resolve) => {
        onHandled = resolve
      })
      const value = encodePriceJson({ chain, pair: nameOf(pair), price: 1, eventTimeMs: startMs + at })
      await stage.produceRecords({ partition: pair % PARTITIONS, key: nameOf(pair), value })
      await handled
    }
    for (let pair = 0; pair < PAIRS; pair++) await send(pair, pair)
    await until('L2 has every pair', () => nodes.every((node) => node.stats().l2.waitingEntries === 0))
    reads = true
    const updates = traffic()
    const half = UPDATES / 2
    for (const [at, pair] of updates.slice(0, half).entries()) await send(pair, PAIRS + at)
    const learning = tallyOf(nodes)
    for (const [at, pair] of updates.slice(half).entries()) await send(pair, PAIRS + half + at)
    const { hits, reads: all } = tallyOf(nodes)
    expect(all).toBe(UPDATES * (IN_GROUP - 1))
    expect(nodes.filter((node) => node.stats().updates > UPDATES / 4)).toHaveLength(count)
    return [learning.hits / learning.reads, (hits - learning.hits) / (all - learning.reads)]
  })
}

test('two nodes of a service answer as many reads from L1 as one node does once they have learned, within .01', async () => {
  const [[, one], [, two]] = [await hitRatios(1), await hitRatios(2)]
  // Otherwise the two would be equal because neither warms.
  expect(one).toBeGreaterThan(0.95)
  expect(Math.abs(two - one)).toBeLessThan(0.01)
})
