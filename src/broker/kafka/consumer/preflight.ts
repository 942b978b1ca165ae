import { setTimeout as delay } from 'node:timers/promises'
import kafkajs, { type Admin as KafkaJsAdmin } from 'kafkajs'
import { FAREWELL_MS, settlesWithin } from '../../deadline.ts'
import { unknownTopics } from '../admin.ts'
import type { KafkaClient } from '../client.ts'
import { canRead, noCodec } from '../compression.ts'
import { toBrokerError } from '../errors.ts'

/** A topic that was just created reaches all brokers a moment later. */
const LOOKS = 3
const LOOK_AGAIN_MS = 100

/**
 * Checks what would otherwise fail later without a reason. Throws `unknown-topic` with the names, and `refused` if a topic
 * is stored in a compression that nobody registered a codec for.
 */
export async function assertTopics(client: KafkaClient, topics: readonly string[]): Promise<void> {
  const admin = client.kafka.admin({ retry: {} })
  try {
    await admin.connect()
    const missing = await missingTopics(admin, topics)
    if (missing.length > 0) throw unknownTopics(missing)
    await assertReadable(admin, topics)
  } catch (error) {
    throw toBrokerError(error, `reading ${topics.join(', ')}`)
  } finally {
    await settlesWithin(admin.disconnect(), FAREWELL_MS)
  }
}

async function missingTopics(admin: KafkaJsAdmin, topics: readonly string[]): Promise<string[]> {
  let missing: string[] = []
  for (let look = 1; look <= LOOKS; look++) {
    if (look > 1) await delay(LOOK_AGAIN_MS)
    const existing = new Set(await admin.listTopics())
    missing = topics.filter((topic) => !existing.has(topic))
    if (missing.length === 0) return []
  }
  return missing
}

async function assertReadable(admin: KafkaJsAdmin, topics: readonly string[]): Promise<void> {
  for (const { topic, compression } of await storedCompressions(admin, topics)) {
    // As the producer chose: each batch will show.
    if (compression === 'producer' || canRead(compression)) continue
    throw noCodec(compression, `to read ${topic} with`)
  }
}

async function storedCompressions(
  admin: KafkaJsAdmin,
  topics: readonly string[],
): Promise<{ topic: string; compression: string }[]> {
  const resources = topics.map((name) => ({
    type: kafkajs.ConfigResourceTypes.TOPIC,
    name,
    configNames: ['compression.type'],
  }))
  try {
    const answer = await admin.describeConfigs({ resources, includeSynonyms: false })
    return answer.resources.flatMap(({ resourceName, configEntries }) =>
      configEntries.map(({ configValue }) => ({ topic: resourceName, compression: configValue })),
    )
  } catch (error) {
    // Reading a topic does not need the right to see its settings.
    if (toBrokerError(error, 'describing topics').code === 'not-authorized') return []
    throw error
  }
}
