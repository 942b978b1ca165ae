import { expect, test } from '@jest/globals'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { ScriptedRedis } from '../cache/l2/redis/scripted-redis.ts'
import { until } from '../harness/until.ts'
import { get, metricValue } from './scrape.ts'
import { onStage, updateOf } from './stage.ts'

test('a node counts updates beyond MAX_TRACKED_PAIRS, and the pairs that were replaced', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode({ config: { correlation: { maxTrackedPairs: 1 } } })
    await stage.produce(updateOf('A'), updateOf('B'), updateOf('C'))
    await until('all are handled', () => node.stats().updates === 3)
    expect(await metricValue(node, 'arbitrage_drops_total', { reason: 'pair-not-tracked' })).toBe(2)
    await stage.produce(updateOf('D'), updateOf('E'), updateOf('F'))
    await until('all are handled', () => node.stats().updates === 6)
    const recycled = () => metricValue(node, 'arbitrage_correlation_pairs_recycled_total')
    await until('the next exposition counts it', async () => (await recycled()) === 1)
  })
})

test('a node gives up a Redis command after REDIS_COMMAND_TIMEOUT_MS', async () => {
  const redis = new ScriptedRedis(() => undefined)
  redis.isMute = true
  try {
    await onStage({ broker: createMemoryBroker(), redisUrl: await redis.listen() }, async (stage) => {
      const node = await stage.startNode({ config: { cache: { redisCommandTimeoutMs: 123 } } })
      await until('it says so', async () => {
        const { body } = await get(node, '/readyz')
        expect(JSON.parse(body)).toMatchObject({ checks: { l2: { reason: expect.stringContaining('within 123 ms') } } })
        return true
      })
    })
  } finally {
    await redis.close()
  }
})
