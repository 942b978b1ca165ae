import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { Cluster } from '../../../../src/broker/kafka/wire/cluster.ts'
import { METADATA_VERSION, metadataAnswer } from './metadata-answer.ts'
import { ScriptedBroker } from './scripted-broker.ts'

const METADATA = 3

let broker: ScriptedBroker
let cluster: Cluster

beforeEach(async () => {
  broker = new ScriptedBroker()
  broker.versions = { [METADATA]: [METADATA_VERSION, METADATA_VERSION] }
  const port = await broker.listen()
  broker.answer = ({ apiKey, body }) => (apiKey === METADATA ? metadataAnswer(port, []) : body)
  cluster = new Cluster({ brokers: [`127.0.0.1:${port}`], clientId: 'test' })
})

afterEach(async () => {
  cluster.close()
  await broker.close()
})

test.each(['join', 'fetch', 'produce'] as const)('a question to any broker waits behind no %s', async (purpose) => {
  await cluster.metadata([])
  const busy = await cluster.connection(1, purpose)
  const seed = await cluster.anyone()
  seed.end()
  expect(await cluster.anyone()).not.toBe(busy)
})
