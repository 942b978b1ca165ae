import { expect } from '@jest/globals'
import { startStack } from '../../../deploy/stack/stack.ts'
import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import { testWithJava } from '../../harness/java.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { onStage, updateOf } from '../../node/stage.ts'

testWithJava('a node starts while a partition of a price topic, and of its own, has no leader', async () => {
  const stack = await startStack({ brokers: 3, redis: false })
  try {
    const broker = createKafkaBroker({ brokers: stack.brokers, clientId: uniqueName('leaderless') })
    await onStage({ broker }, async (stage) => {
      const single = `${stage.topic}.single`
      const alone = { partitions: 6, replicationFactor: 1 }
      await stage.admin.createTopics([
        { topic: single, ...alone },
        { topic: stage.topics.correlations, ...alone, config: { 'cleanup.policy': 'compact' } },
      ])
      const config = { kafka: { priceTopics: [stage.topic, single] } }
      // It makes the other topics.
      await (await stage.startNode({ config })).close()
      await stack.killBroker(2)
      await until('a partition has no leader', () =>
        stage.admin.offsets(single).then(
          () => false,
          () => true,
        ),
      )
      expect(await stage.admin.partitions(single)).toBe(6)
      expect((await stage.admin.topicConfig(single, ['cleanup.policy'])).get('cleanup.policy')).toBe('delete')
      const node = await stage.startNode({ config })
      await stage.produce(updateOf('P'))
      await until('it is handled', () => node.stats().updates === 1)
    })
  } finally {
    await stack.stop()
  }
})
