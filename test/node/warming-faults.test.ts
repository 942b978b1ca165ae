import { expect, test } from '@jest/globals'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { detector } from '../../src/detect/detector.ts'
import { until } from '../harness/until.ts'
import { metricValue } from './scrape.ts'
import { onStage, updateOf } from './stage.ts'

test('an update reaches its detectors even if its warms fail, and the failure is counted', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    let isBroken = false
    const clock = {
      now: () => {
        if (!isBroken) return Date.now()
        isBroken = false
        throw new Error('a bug')
      },
    }
    const seen: string[] = []
    // The next step first reads the clock, to see when B, the follower of A, is due.
    const reader = detector('reader', {}, ({ pair }, prices) => {
      seen.push(pair)
      if (pair === 'A') prices.get('ethereum', 'B')
      isBroken = pair === 'BREAKS'
    })
    // Nothing is asked for after a trigger that the control share leaves out, which its time decides.
    const config = { node: { lookAhead: 'off' }, warming: { controlShare: 0 } } as const
    const node = await stage.startNode({ detectors: [reader], clock, config })
    await stage.produce(updateOf('A'))
    await until('B is known to follow A', () => node.pairsToWarm('ethereum', 'A').length > 0)
    const frame = [updateOf('BREAKS'), updateOf('A')]
    await stage.produceRecords({ partition: 0, key: 'ethereum', value: JSON.stringify(frame) })
    await until('the frame is handled', async () => (await stage.committed()) === 2)
    expect(seen).toEqual(['A', 'BREAKS', 'A'])
    expect(await metricValue(node, 'arbitrage_warm_requests_refused_total', { reason: 'fault' })).toBe(1)
    expect(await metricValue(node, 'arbitrage_dead_letters_total')).toBe(0)
  })
})
