import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import { detector } from '../../../src/detect/detector.ts'
import { type Running, startForewarm } from '../../bin/forewarm-process.ts'
import { kafkaBrokers } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { newChain, onKafka } from '../../node/kafka-stage.ts'
import { type Stage, updateOf } from '../../node/stage.ts'

/** This Redis is stopped by the test, so it is not that of the run. */
let redis: Stack

beforeAll(async () => {
  redis = await startStack({ brokers: 0 })
})
afterAll(() => redis?.stop())

/** Starts a node of the stage's service in its own process, whose log can be read. */
function startProcess(stage: Stage): Running {
  const env = {
    KAFKA_BROKERS: kafkaBrokers().join(','),
    REDIS_URL: redis.redisUrl ?? '',
    PRICE_TOPICS: stage.topic,
    WARM_REQUESTS_TOPIC: stage.topics.warmRequests,
    WARM_RESULTS_TOPIC: stage.topics.warmResults,
    CORRELATIONS_TOPIC: stage.topics.correlations,
    CONTROL_TOPIC: stage.topics.control,
    FOREWARM_SERVICE: stage.service,
    METRICS_PORT: '0',
  }
  return startForewarm(['run', '--json'], { env })
}

test('a node that closes without Redis logs how many pairs it could not write; later updates bring them', async () => {
  await onKafka({ redisUrl: redis.redisUrl ?? '' }, async (stage) => {
    const chain = newChain(stage)
    await redis.stopRedis()
    const closing = startProcess(stage)
    await until('it has joined', () => hasCommitted(stage))
    await stage.produce(...['A', 'B', 'A'].map((pair) => updateOf(pair, { chain, price: 1 })))
    await until('all is committed', async () => (await stage.committed()) === 3)
    closing.child.kill('SIGTERM')
    const { code, stderr } = await closing.ended
    expect(code).toBe(0)
    const lost = stderr.split('\n').filter((line) => line.includes('closed before L2 had'))
    expect(lost.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'warn', entries: 2, reason: expect.stringContaining('not connected') },
    ])

    await redis.startRedis()
    const readings: unknown[] = []
    const reader = detector('reader', {}, async ({ price }, prices) => {
      if (price === 3) readings.push(...(await prices.getMany(chain, ['A', 'B', 'C'])))
    })
    const node = await stage.startNode({ detectors: [reader] })
    await until('Redis is up', () => node.stats().l2.state === 'up')
    await stage.produce(updateOf('A', { chain, price: 2 }), updateOf('C', { chain, price: 3 }))
    await until('they are read', () => readings.length === 3)
    expect(readings).toMatchObject([{ price: 2 }, 'missing', { price: 3 }])
    await until('Redis has them', () => node.stats().l2.waitingEntries === 0)
    await node.close()
    expect(node.stats().l2.skippedEntries).toBe(0)
  })
})

/** Whether a member has committed the first offsets of the group. */
async function hasCommitted(stage: Stage): Promise<boolean> {
  const offsets = await stage.admin.committed(`forewarm.${stage.service}`, stage.topic)
  return offsets.every(({ offset }) => offset !== undefined)
}
