import { setTimeout as delay } from 'node:timers/promises'
import kafkajs, { type ITopicConfig, type Admin as KafkaJsAdmin } from 'kafkajs'
import { FAREWELL_MS, settlesWithin } from '../deadline.ts'
import type { Admin, OffsetRange, PartitionOffset, TopicSpec } from '../port.ts'
import { BrokerError, closed } from '../port.ts'
import type { KafkaClient } from './client.ts'
import { protocolType, toBrokerError } from './errors.ts'

const SETTLE_MS = 10_000
const POLL_MS = 20

export class KafkaAdmin implements Admin {
  readonly #client: KafkaClient
  readonly #admin: KafkaJsAdmin
  #state: 'new' | 'connected' | 'closed' = 'new'
  #closing: Promise<void> | undefined
  isClosed = false

  constructor(client: KafkaClient) {
    this.#client = client
    this.#admin = client.kafka.admin({ retry: {} })
  }

  async connect(): Promise<void> {
    if (this.#state === 'closed') throw closed('the admin was closed: make a new one')
    try {
      await this.#admin.connect()
    } catch (error) {
      throw toBrokerError(error, 'connecting to Kafka')
    }
    this.#state = 'connected'
  }

  close(): Promise<void> {
    this.#closing ??= this.#disconnect()
    return this.#closing
  }

  clusterId(): Promise<string> {
    return this.#call('describing the cluster', async (admin) => (await admin.describeCluster()).clusterId)
  }

  /** Leaves out Kafka's internal topics. */
  topics(): Promise<readonly string[]> {
    return this.#call('listing topics', async (admin) =>
      (await admin.listTopics()).filter((name) => !name.startsWith('__')),
    )
  }

  partitions(topic: string): Promise<number | undefined> {
    return this.#call(`describing topic ${topic}`, (admin) => partitionCount(admin, topic))
  }

  createTopics(specs: readonly TopicSpec[]): Promise<readonly string[]> {
    return this.#call('creating topics', async (admin) => {
      const existing = new Set(await admin.listTopics())
      const missing = specs.filter(({ topic }) => !existing.has(topic))
      if (missing.length === 0) return []
      const created = await createMissing(admin, missing)
      for (const { topic } of missing) await settled(`${topic} has leaders`, () => hasLeaders(admin, topic))
      return created
    })
  }

  deleteTopics(topics: readonly string[]): Promise<void> {
    return this.#call('deleting topics', async (admin) => {
      const existing = new Set(await admin.listTopics())
      const missing = topics.filter((topic) => !existing.has(topic))
      if (missing.length > 0) throw unknownTopics(missing)
      if (topics.length === 0) return
      await admin.deleteTopics({ topics: [...topics], timeout: SETTLE_MS })
      await settled(`${topics} are gone`, async () => {
        const left = new Set(await admin.listTopics())
        return topics.every((topic) => !left.has(topic))
      })
    })
  }

  topicConfig(topic: string, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return this.#call(`describing topic ${topic}`, async (admin) => {
      const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: [...names] }
      const { resources } = await admin.describeConfigs({ resources: [resource], includeSynonyms: false })
      const entries = resources.flatMap(({ configEntries }) => configEntries)
      return new Map(entries.map(({ configName, configValue }) => [configName, configValue]))
    })
  }

  offsets(topic: string): Promise<readonly OffsetRange[]> {
    return this.#call(`reading offsets of ${topic}`, async (admin) =>
      (await offsetRanges(admin, topic)).toSorted((a, b) => a.partition - b.partition),
    )
  }

  offsetsAt(topic: string, timestampMs: number): Promise<readonly PartitionOffset[]> {
    return this.#call(`reading offsets of ${topic}`, async (admin) => {
      // If all records are older, KafkaJS answers with the high watermark. A real answer lies below it.
      const ends = new Map((await offsetRanges(admin, topic)).map(({ partition, high }) => [partition, high]))
      const found = await admin.fetchTopicOffsetsByTimestamp(topic, timestampMs)
      return found
        .map(({ partition, offset }) => {
          const at = BigInt(offset)
          return { partition, offset: at < (ends.get(partition) ?? 0n) ? at : undefined }
        })
        .toSorted((a, b) => a.partition - b.partition)
    })
  }

  committed(groupId: string, topic: string): Promise<readonly PartitionOffset[]> {
    return this.#call(`reading the committed offsets of group ${groupId}`, async (admin) => {
      if ((await partitionCount(admin, topic)) === undefined) throw unknownTopics([topic])
      const answers = await admin.fetchOffsets({ groupId, topics: [topic] })
      return answers
        .flatMap(({ partitions }) => partitions)
        .map(({ partition, offset }) => ({ partition, offset: Number(offset) < 0 ? undefined : BigInt(offset) }))
        .toSorted((a, b) => a.partition - b.partition)
    })
  }

  deleteGroups(groupIds: readonly string[]): Promise<void> {
    return this.#call('deleting groups', async (admin) => {
      for (const groupId of groupIds) {
        try {
          await admin.deleteGroups([groupId])
        } catch (error) {
          const reason = deleteGroupError(error)
          if (protocolType(reason) !== 'GROUP_ID_NOT_FOUND') throw toBrokerError(reason, `deleting group ${groupId}`)
        }
      }
    })
  }

  async #call<T>(doing: string, run: (admin: KafkaJsAdmin) => Promise<T>): Promise<T> {
    if (this.#state !== 'connected') throw closed(`the admin is ${this.#state}, connected expected`)
    try {
      return await run(this.#admin)
    } catch (error) {
      throw toBrokerError(error, doing)
    }
  }

  async #disconnect(): Promise<void> {
    this.#state = 'closed'
    await settlesWithin(this.#admin.disconnect(), FAREWELL_MS)
    this.#client.sockets.destroyAll()
    this.isClosed = true
  }
}

/** The number of partitions, or undefined if there is no such topic. Rejects while a partition has no leader. */
export async function partitionCount(admin: KafkaJsAdmin, topic: string): Promise<number | undefined> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return topics[0]?.partitions.length
  } catch (error) {
    if (protocolType(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return undefined
    throw error
  }
}

/** Asks each leader, because metadata names leaders before they have created their partitions. */
async function hasLeaders(admin: KafkaJsAdmin, topic: string): Promise<boolean> {
  const count = await partitionCount(admin, topic)
  return count !== undefined && (await admin.fetchTopicOffsets(topic)).length === count
}

export function unknownTopics(topics: readonly string[]): BrokerError {
  return new BrokerError('unknown-topic', `no topic ${topics.join(', ')} (create it with \`forewarm topics create\`)`, {
    retriable: true,
  })
}

async function offsetRanges(admin: KafkaJsAdmin, topic: string): Promise<OffsetRange[]> {
  // KafkaJS retries for a topic that does not exist until it gives up, so this asks first.
  if ((await partitionCount(admin, topic)) === undefined) throw unknownTopics([topic])
  const ranges = await admin.fetchTopicOffsets(topic)
  return ranges.map(({ partition, low, high }) => ({ partition, low: BigInt(low), high: BigInt(high) }))
}

/** Leaves out a topic that another process creates at the same moment. */
async function createMissing(admin: KafkaJsAdmin, missing: readonly TopicSpec[]): Promise<string[]> {
  const created: string[] = []
  for (const spec of missing) {
    if (await admin.createTopics({ topics: [topicConfigOf(spec)], waitForLeaders: false })) created.push(spec.topic)
  }
  return created
}

function topicConfigOf({ topic, partitions, replicationFactor, config = {} }: TopicSpec): ITopicConfig {
  return {
    topic,
    numPartitions: partitions,
    ...(replicationFactor === undefined ? {} : { replicationFactor }),
    configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
  }
}

/** KafkaJS keeps the reason in another field of its error. */
function deleteGroupError(error: unknown): unknown {
  const groups = (error as { groups?: readonly { readonly error?: unknown }[] }).groups
  return groups?.[0]?.error ?? error
}

/** Waits for the condition: what the controller has done reaches the brokers' metadata a moment later. */
async function settled(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + SETTLE_MS
  let reason: unknown
  while (performance.now() < deadline) {
    try {
      if (await condition()) return
    } catch (error) {
      reason = error
    }
    await delay(POLL_MS)
  }
  const message = `waited ${SETTLE_MS} ms until ${what}`
  throw new BrokerError('unreachable', message, { retriable: true, cause: reason })
}
