import { expect, test } from '@jest/globals'
import { createMemoryBroker } from '../../src/broker/memory.ts'
import { until } from '../harness/until.ts'
import { metricValue } from './scrape.ts'
import { onStage, updateOf } from './stage.ts'

test('updates of pairs for which MAX_TRACKED_PAIRS leaves no room are counted, and pairs that make room', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode({ config: { correlation: { maxTrackedPairs: 1 } } })
    await stage.produce(updateOf('A'), updateOf('B'), updateOf('C'))
    await until('all are handled', () => node.stats().updates === 3)
    expect(await metricValue(node, 'arbitrage_drops_total', { reason: 'pair-not-tracked' })).toBe(2)
    await stage.produce(updateOf('D'), updateOf('E'), updateOf('F'))
    await until('all are handled', () => node.stats().updates === 6)
    expect(await metricValue(node, 'arbitrage_correlation_pairs_recycled_total', {})).toBe(1)
  })
})
