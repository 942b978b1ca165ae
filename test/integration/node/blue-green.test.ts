import { expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { redisUrl } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { blueGreen } from '../../node/blue-green.ts'
import { newChain, onKafka } from '../../node/kafka-stage.ts'
import { updateOf } from '../../node/stage.ts'

test('two services over one Kafka and one Redis leave each other alone, and the new one takes over what the old one has learned', async () => {
  await onKafka({}, (stage) => blueGreen(stage, newChain(stage)))
})

test('each of two services keeps its prices and its stamps under its own name in Redis', async () => {
  await onKafka({}, async (stage) => {
    const redis = new Redis(redisUrl())
    try {
      const chain = newChain(stage)
      const green = `${stage.service}-green`
      const nodes = [await stage.startNode(), await stage.startNode({ config: { node: { service: green } } })]
      await stage.produce(updateOf('A', { chain }), updateOf('B', { chain }))
      await until('both have written', () =>
        nodes.every((node) => node.stats().updates === 2 && node.stats().l2.waitingEntries === 0),
      )
      const pairsOf = async (service: string) =>
        (await redis.keys(`fw:${service}:{${chain}}:*`)).map((key) => key.at(-1))
      expect([(await pairsOf(stage.service)).sort(), (await pairsOf(green)).sort()]).toEqual([
        ['A', 'B'],
        ['A', 'B'],
      ])
      const stamps = () => redis.exists(`fw:${stage.service}:{stamps}`, `fw:${green}:{stamps}`)
      await until('both have stamped', async () => (await stamps()) === 2)
      // Whoever deletes all keys of one service leaves those of the other.
      await redis.del(...(await redis.keys(`fw:${stage.service}:*`)))
      expect((await pairsOf(green)).length).toBe(2)
      expect(await nodes[1]?.warm(chain, ['A'])).toMatchObject({ status: 'done' })
    } finally {
      redis.disconnect()
    }
  })
})
