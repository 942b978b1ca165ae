import { expect, test } from '@jest/globals'
import { changeShared, sharedSettings } from '../../../bin/shared/shared-settings.ts'
import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import { acceptedConfig } from '../../../src/config/load.ts'
import { kafkaBrokers, uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { onStage } from '../../node/stage.ts'

test('settings set over Kafka are those of all nodes of a service, of one that starts later, and of no other service', async () => {
  const broker = createKafkaBroker({ brokers: kafkaBrokers(), clientId: uniqueName('shared') })
  await onStage({ broker }, async (stage) => {
    const nodes = [await stage.startNode(), await stage.startNode()]
    const other = await stage.startNode({ config: { node: { service: uniqueName('other') } } })
    const { controlTopic } = other.config.kafka
    const loaded = acceptedConfig({ env: {}, overrides: { node: { service: stage.service }, kafka: { controlTopic } } })
    const set = { WARMING_STRATEGY: 'top-n', WARMING_STRATEGY_CONFIG: '{"topN":2}' }
    await changeShared(broker, loaded, { by: 'an operator', set, unset: [] })
    await until('both nodes follow', () => nodes.every(({ config }) => config.warming.maxPairs === 2))
    nodes.push(await stage.startNode())
    await until('the late node has read it', () => nodes.every(({ config }) => config.warming.strategy === 'top-n'))
    expect(nodes.map((node) => node.getConfig().origins.WARMING_STRATEGY)).toEqual(['control', 'control', 'control'])
    expect(other.config.warming.strategy).toBe('forewarm')
    expect(await sharedSettings(broker, loaded)).toMatchObject({ version: 1, set })
    await changeShared(broker, loaded, { by: 'an operator', set: {}, unset: Object.keys(set) })
    await until('all go back to their own', () => nodes.every(({ config }) => config.warming.maxPairs === 8))
  })
})
