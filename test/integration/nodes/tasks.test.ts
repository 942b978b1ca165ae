import { expect, test } from '@jest/globals'
import type { ForewarmNode } from '../../../node/node.ts'
import { encodePriceJson } from '../../../schemas/price-json.ts'
import { until } from '../../harness/until.ts'
import { onKafka } from '../../node/kafka-stage.ts'
import type { Stage } from '../../node/stage.ts'
import { ended, statusOf, wished } from '../../node/task-client.ts'

const CHAIN = 'c'
const PAIRS = ['A', 'B']

/** Pairs of one chain in different partitions: each concerns another node. */
async function produce(stage: Stage): Promise<void> {
  const value = (pair: string) => encodePriceJson({ pair, chain: CHAIN, price: 1, eventTimeMs: Date.now() })
  await stage.produceRecords(...PAIRS.map((pair, partition) => ({ partition, key: pair, value: value(pair) })))
}

/** Produces until each of the nodes has had updates since the last record: it has a partition, and knows its pair. */
async function haveUpdates(stage: Stage, nodes: readonly ForewarmNode[]): Promise<void> {
  const updates = () => nodes.map((node) => node.stats().updates)
  await until('each node has a partition', async () => {
    const before = updates()
    await produce(stage)
    await until('they are handled', () => sum(updates()) >= sum(before) + PAIRS.length)
    return updates().every((count, at) => count > (before[at] ?? 0))
  })
}

const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0)

test('a task gathers the results of two nodes, and each node tells the same of it, also one that starts later', async () => {
  await onKafka({ partitions: 2 }, async (stage) => {
    const config = { warming: { controlShare: 0 } }
    const [first, second] = [await stage.startNode({ config }), await stage.startNode({ config })]
    await haveUpdates(stage, [first, second])
    const wish = { strategy: 'on_demand', pairs: PAIRS, chain: CHAIN, priority: 'critical' }
    const { body } = await wished(first, wish)
    const told = await ended(second, body.task_id)
    expect(told).toMatchObject({ status: 'done', priority: 'critical', pairs: 2 })
    expect(new Set(told.nodes?.map(({ node }) => node))).toEqual(new Set([first.id, second.id]))
    await first.close()
    const late = await stage.startNode({ config })
    const teller = await stage.startNode({ config: { node: { roles: ['api'] } } })
    for (const node of [second, late, teller])
      expect(await statusOf(node, body.task_id)).toMatchObject({ status: 200, body: told })
    await haveUpdates(stage, [second, late])
    const others = await wished(teller, wish)
    expect(await ended(second, others.body.task_id)).toMatchObject({ status: 'done', pairs: 2 })
  })
})
