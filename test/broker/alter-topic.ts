import kafkajs, { type Admin } from 'kafkajs'
import { kafkaBrokers, uniqueName } from '../harness/kafka.ts'
import { until } from '../harness/until.ts'

type Config = Readonly<Record<string, string>>

/** A setting whose value does not matter to a test. */
const MARK = { 'flush.messages': '1000000' }

/**
 * Gives these settings to a topic of the run's Kafka, and the defaults to all others. Resolves when they apply to what
 * is produced.
 */
export async function alterTopic(topic: string, config: Config): Promise<void> {
  const { NOTHING } = kafkajs.logLevel
  const client = { brokers: kafkaBrokers(), clientId: uniqueName('alter'), logLevel: NOTHING, retry: { retries: 5 } }
  const admin = new kafkajs.Kafka(client).admin()
  await admin.connect()
  try {
    // A broker tells a setting before it applies to its logs. But it takes in one change after the other, so when it
    // tells the second change, the first one applies.
    for (const settings of [config, { ...config, ...MARK }]) {
      await alter(admin, topic, settings)
      await until(`${topic} has ${JSON.stringify(settings)}`, () => isTold(admin, topic, settings))
    }
  } finally {
    await admin.disconnect()
  }
}

async function alter(admin: Admin, topic: string, config: Config): Promise<void> {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
  const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries }
  await admin.alterConfigs({ validateOnly: false, resources: [resource] })
}

/** Asks ten times, because another broker may answer each time, and all have to know the settings. */
async function isTold(admin: Admin, topic: string, config: Config): Promise<boolean> {
  const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: Object.keys(config) }
  for (let time = 0; time < 10; time++) {
    const { resources } = await admin.describeConfigs({ resources: [resource], includeSynonyms: false })
    const told = new Map(resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]))
    if (Object.entries(config).some(([name, value]) => told.get(name) !== value)) return false
  }
  return true
}
