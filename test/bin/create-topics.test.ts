import { expect, test } from '@jest/globals'
import { createTopics } from '../../bin/create-topics.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { withAdmin } from '../../src/broker/with-admin.ts'
import { acceptedConfig } from '../../src/config/load.ts'

test.each([
  [9, /prices\.t2 exists with 2 partitions, not 9: to grow it, .*--alter --topic prices\.t2 --partitions 9/],
  [1, /prices\.t2 exists with 2 partitions, not 1: Kafka cannot make them fewer/],
])('topics create with %i partitions says that a topic has 2, and creates nothing', async (partitions, message) => {
  const broker = createMemoryBroker()
  const { config } = acceptedConfig({ env: {} })
  await withAdmin(broker, (admin) => admin.createTopics([{ topic: 'prices.t2', partitions: 2 }]))
  const names = ['prices.t2', 'prices.new']
  await expect(createTopics(broker, config, { names, partitions })).rejects.toMatchObject({
    code: 'topics-unusable',
    message: expect.stringMatching(message),
  })
  expect(await withAdmin(broker, (admin) => admin.topics())).toEqual(['prices.t2'])
  expect((await createTopics(broker, config, { names: ['prices.t2'], partitions: 2 })).existing).toContain('prices.t2')
  await broker.close()
})

test('topics create compares the partitions of the topics that a pattern of PRICE_TOPICS matches, and creates nothing', async () => {
  const broker = createMemoryBroker({ partitions: { 'prices.a': 2 } })
  const { config } = acceptedConfig({ env: { PRICE_TOPICS: '/^prices\\./' } })
  await expect(createTopics(broker, config, { names: [], partitions: 9 })).rejects.toMatchObject({
    code: 'topics-unusable',
    message: expect.stringContaining('prices.a exists with 2 partitions, not 9'),
  })
  expect(await withAdmin(broker, (admin) => admin.topics())).toEqual(['prices.a'])
  expect((await createTopics(broker, config, { names: [], partitions: 2 })).existing).toContain('prices.a')
  await broker.close()
})
