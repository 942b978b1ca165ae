import { expect, test } from '@jest/globals'
import type { ForewarmNode } from '../../../node/node.ts'
import { until } from '../../harness/until.ts'
import { newChain, onKafka } from '../../node/kafka-stage.ts'
import { type Stage, updateOf } from '../../node/stage.ts'
import { known, nameOf, PAIRS, restoredCheck, siblings, teach } from '../../node/teaching.ts'

const config = { warming: { controlShare: 0 } }
const broker = { metadataAgeMs: 200 }

/** A node that has restored what the other had written before it gave up a partition. */
async function restoredAfter(stage: Stage, node: ForewarmNode, chains: readonly string[]): Promise<ForewarmNode> {
  const topic = stage.topics.correlations
  const records = await stage.watch(topic, 'earliest')
  const leaders = chains.flatMap((chain) => Array.from({ length: PAIRS }, (_, at) => `${chain} ${nameOf(at)}`))
  await until('all leaders are written', async () => {
    // Nothing is written without a commit.
    await stage.produce(updateOf(nameOf(0), { chain: chains[0] ?? '' }))
    const written = new Set(records.map(({ key }) => key?.toString().split('\0').slice(1).join(' ')))
    return leaders.every((leader) => written.has(leader))
  })
  const next = await stage.startNode({ config: { ...config, node: { roles: ['correlate', 'warm', 'api'] } } })
  await node.close()
  return next
}

test('a topic that was made again with fewer partitions gets all that was learned', async () => {
  await onKafka({ partitions: 2, broker }, async (stage) => {
    const chains = [newChain(stage, 0), newChain(stage, 1)]
    const node = await stage.startNode({ detectors: [siblings(chains)], config })
    await teach(stage, node, chains)
    const topic = stage.topics.correlations
    const written = async () => (await stage.admin.offsets(topic)).reduce((sum, { high }) => sum + Number(high), 0)
    await until('it is written', async () => (await written()) >= PAIRS * chains.length)
    await stage.admin.deleteTopics([topic])
    await stage.admin.createTopics([{ topic, partitions: 1, config: { 'cleanup.policy': 'compact' } }])
    const next = await restoredAfter(stage, node, chains)
    expect((await restoredCheck(next)).status).toBe('ok')
    for (const chain of chains) expect(known(next, chain)).toHaveLength(PAIRS * 3)
  })
})

test('a topic that has got more partitions gets all that was learned in the partitions of its chains', async () => {
  await onKafka({ partitions: 1, broker }, async (stage) => {
    const chains = Array.from({ length: 4 }, () => newChain(stage))
    const node = await stage.startNode({ detectors: [siblings(chains)], config })
    await teach(stage, node, chains)
    const topic = stage.topics.correlations
    const highs = async () => (await stage.admin.offsets(topic)).map(({ high }) => Number(high))
    await until('it is written', async () => ((await highs())[0] ?? 0) >= PAIRS * chains.length)
    await stage.admin.growTopic(topic, 64)
    await until('it is written to the new ones', async () => {
      await stage.produce(updateOf(nameOf(0), { chain: chains[0] ?? '' }))
      const [, ...added] = await highs()
      return added.reduce((sum, high) => sum + high, 0) >= PAIRS
    })
    const next = await restoredAfter(stage, node, chains)
    for (const chain of chains) expect(known(next, chain)).toHaveLength(PAIRS * 3)
  })
})
