import { expect, test } from '@jest/globals'
import { createMemoryBroker } from '../../src/broker/memory.ts'
import { until } from '../harness/until.ts'
import { metricValue } from './scrape.ts'
import { onStage, updateOf } from './stage.ts'

test('updates of pairs beyond MAX_TRACKED_PAIRS are counted', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode({ config: { correlation: { maxTrackedPairs: 1 } } })
    await stage.produce(updateOf('A'), updateOf('B'), updateOf('C'))
    await until('all are handled', () => node.stats().updates === 3)
    expect(await metricValue(node, 'arbitrage_drops_total', { reason: 'pair-not-tracked' })).toBe(2)
  })
})
