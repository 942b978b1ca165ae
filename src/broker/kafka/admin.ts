import { setTimeout as delay } from 'node:timers/promises'
import type { ITopicConfig, Admin as KafkaJsAdmin } from 'kafkajs'
import { FAREWELL_MS, settlesWithin } from '../deadline.ts'
import { partitionName } from '../partition-name.ts'
import { type Admin, BrokerError, closed, type OffsetRange, type PartitionOffset, type TopicSpec } from '../port.ts'
import type { KafkaClient } from './client.ts'
import { protocolType, toBrokerError, unknownTopics } from './errors.ts'
import { type Led, offsetsAt } from './fetch/offsets.ts'
import { committedOf } from './group/committed.ts'
import { topicConfigOf } from './topic-config.ts'
import type { Cluster } from './wire/cluster.ts'
import { CODE } from './wire/codes.ts'
import { assertNoError } from './wire/connection.ts'
import { EARLIEST, LATEST } from './wire/list-offsets.ts'
import type { TopicMetadata } from './wire/metadata.ts'

const SETTLE_MS = 10_000
const POLL_MS = 20
/** A broker that has just come back takes no partitions for a moment, as if there were too few of them. */
const FENCED_MS = 5_000
const FENCED_POLL_MS = 250

/** What reads the cluster asks it by requests of our own; KafkaJS's admin changes it. */
export class KafkaAdmin implements Admin {
  readonly #client: KafkaClient
  readonly #cluster: Cluster
  readonly #admin: KafkaJsAdmin
  #state: 'new' | 'connected' | 'closed' = 'new'
  #connecting: Promise<void> | undefined
  #closing: Promise<void> | undefined
  isClosed = false

  constructor(client: KafkaClient, cluster: Cluster) {
    this.#client = client
    this.#cluster = cluster
    this.#admin = client.kafka.admin({ retry: {} })
  }

  async connect(): Promise<void> {
    if (this.#state === 'closed') throw closed('the admin was closed: make a new one')
    try {
      await this.#cluster.metadata([])
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
    return this.#call('describing the cluster', async () => (await this.#cluster.metadata([])).clusterId ?? '')
  }

  /** Without the broker's own. */
  topics(): Promise<readonly string[]> {
    return this.#call('listing topics', async () => {
      const { topics } = await this.#cluster.metadata()
      return topics.flatMap(({ topic, isInternal }) => (isInternal || topic.startsWith('__') ? [] : [topic]))
    })
  }

  partitions(topic: string): Promise<number | undefined> {
    return this.#call(`describing topic ${topic}`, async () => (await this.#described(topic))?.partitions.length)
  }

  createTopics(specs: readonly TopicSpec[]): Promise<readonly string[]> {
    return this.#call('creating topics', async () => {
      const existing = new Set(await this.topics())
      const missing = specs.filter(({ topic }) => !existing.has(topic))
      if (missing.length === 0) return []
      const created = await createMissing(await this.#changing(), missing)
      for (const { topic } of missing) await settled(`${topic} has leaders`, () => this.#hasLeaders(topic))
      return created
    })
  }

  growTopic(topic: string, partitions: number): Promise<void> {
    return this.#call(`giving topic ${topic} ${partitions} partitions`, async () => {
      if ((await this.#existing(topic)).length >= partitions) return
      try {
        const admin = await this.#changing()
        await admin.createPartitions({ topicPartitions: [{ topic, count: partitions }], timeout: SETTLE_MS })
      } catch (error) {
        // Another process was first.
        if (protocolType(error) !== 'INVALID_PARTITIONS') throw error
      }
      const hasGrown = async () => ((await this.#led(topic))?.length ?? 0) >= partitions
      await settled(`${topic} has ${partitions} partitions`, async () => (await hasGrown()) && this.#hasLeaders(topic))
    })
  }

  deleteTopics(topics: readonly string[]): Promise<void> {
    return this.#call('deleting topics', async () => {
      const existing = new Set(await this.topics())
      const missing = topics.filter((topic) => !existing.has(topic))
      if (missing.length > 0) throw unknownTopics(missing)
      if (topics.length === 0) return
      const admin = await this.#changing()
      await admin.deleteTopics({ topics: [...topics], timeout: SETTLE_MS })
      await settled(`${topics} are gone`, async () => {
        const left = new Set(await this.topics())
        return topics.every((topic) => !left.has(topic))
      })
    })
  }

  topicConfig(topic: string, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return this.#call(`describing topic ${topic}`, () => topicConfigOf(this.#cluster, topic, names))
  }

  offsets(topic: string): Promise<readonly OffsetRange[]> {
    return this.#call(`reading offsets of ${topic}`, async () => {
      const led = await this.#existing(topic)
      const lows = await offsetsAt(this.#cluster, led, { timestampMs: EARLIEST })
      const stable = await offsetsAt(this.#cluster, led, { timestampMs: LATEST })
      const ends = await offsetsAt(this.#cluster, led, { timestampMs: LATEST, end: 'log' })
      return led.map((partition) => {
        const name = partitionName(partition)
        const high = ends.get(name) ?? 0n
        return { partition: partition.partition, low: lows.get(name) ?? 0n, stableEnd: stable.get(name) ?? high, high }
      })
    })
  }

  offsetsAt(topic: string, timestampMs: number): Promise<readonly PartitionOffset[]> {
    return this.#call(`reading offsets of ${topic}`, async () => {
      const led = await this.#existing(topic)
      const found = await offsetsAt(this.#cluster, led, { timestampMs: Math.max(0, timestampMs), end: 'log' })
      return led.map((each) => ({ partition: each.partition, offset: found.get(partitionName(each)) }))
    })
  }

  committed(groupId: string, topic: string): Promise<readonly PartitionOffset[]> {
    return this.#call(`reading the committed offsets of group ${groupId}`, async () => {
      const answers = await committedOf(this.#cluster, groupId, await this.#existing(topic))
      return answers
        .map(({ partition, offset }) => ({ partition, offset }))
        .toSorted((a, b) => a.partition - b.partition)
    })
  }

  deleteGroups(groupIds: readonly string[]): Promise<void> {
    return this.#call('deleting groups', async () => {
      for (const groupId of groupIds) {
        try {
          const admin = await this.#changing()
          await admin.deleteGroups([groupId])
        } catch (error) {
          const reason = deleteGroupError(error)
          if (protocolType(reason) !== 'GROUP_ID_NOT_FOUND') throw toBrokerError(reason, `deleting group ${groupId}`)
        }
      }
    })
  }

  /** KafkaJS's admin, which is connected for the first who needs it. */
  async #changing(): Promise<KafkaJsAdmin> {
    this.#connecting ??= this.#admin.connect()
    try {
      await this.#connecting
    } catch (error) {
      this.#connecting = undefined
      throw error
    }
    return this.#admin
  }

  async #call<T>(doing: string, run: () => Promise<T>): Promise<T> {
    if (this.#state !== 'connected') throw closed(`the admin is ${this.#state}, connected expected`)
    try {
      return await run()
    } catch (error) {
      throw toBrokerError(error, doing)
    }
  }

  /** The partitions with their leaders, in order; undefined for a topic that does not exist. Rejects where one has none. */
  async #led(topic: string): Promise<readonly Led[] | undefined> {
    const found = await this.#described(topic)
    if (found === undefined) return undefined
    for (const { leader } of found.partitions) if (leader < 0) assertNoError(CODE.leaderNotAvailable)
    return found.partitions
      .map(({ partition, leader }) => ({ topic, partition, leader }))
      .toSorted((a, b) => a.partition - b.partition)
  }

  async #described(topic: string): Promise<TopicMetadata | undefined> {
    const { topics } = await this.#cluster.metadata([topic])
    const [found] = topics
    if (found === undefined || found.error === CODE.unknownTopicOrPartition) return undefined
    assertNoError(found.error)
    return found
  }

  async #existing(topic: string): Promise<readonly Led[]> {
    const led = await this.#led(topic)
    if (led === undefined) throw unknownTopics([topic])
    return led
  }

  /** Metadata names leaders before these have made the partitions: only an answer from each tells. */
  async #hasLeaders(topic: string): Promise<boolean> {
    const led = await this.#led(topic)
    if (led === undefined || led.length === 0) return false
    return (await offsetsAt(this.#cluster, led, { timestampMs: LATEST })).size === led.length
  }

  async #disconnect(): Promise<void> {
    this.#state = 'closed'
    if (this.#connecting !== undefined) await settlesWithin(this.#admin.disconnect(), FAREWELL_MS)
    this.#cluster.close()
    this.#client.sockets.destroyAll()
    this.isClosed = true
  }
}

/** Leaves out a topic that another process creates at the same moment. */
async function createMissing(admin: KafkaJsAdmin, missing: readonly TopicSpec[]): Promise<string[]> {
  const created: string[] = []
  for (const spec of missing) {
    if (await createOne(admin, spec)) created.push(spec.topic)
  }
  return created
}

/** Returns false if another process was quicker. */
async function createOne(admin: KafkaJsAdmin, spec: TopicSpec): Promise<boolean> {
  const endMs = performance.now() + FENCED_MS
  for (;;) {
    try {
      return await admin.createTopics({ topics: [asKafkaJs(spec)], waitForLeaders: false })
    } catch (error) {
      if (protocolType(error) !== 'INVALID_REPLICATION_FACTOR' || performance.now() > endMs)
        throw toBrokerError(error, `creating topic ${spec.topic}`)
    }
    await delay(FENCED_POLL_MS)
  }
}

function asKafkaJs({ topic, partitions, replicationFactor, config = {} }: TopicSpec): ITopicConfig {
  return {
    topic,
    numPartitions: partitions,
    ...(replicationFactor === undefined ? {} : { replicationFactor }),
    configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
  }
}

/** KafkaJS puts the reason beside the error. */
function deleteGroupError(error: unknown): unknown {
  const groups = (error as { groups?: readonly { readonly error?: unknown }[] }).groups
  return groups?.[0]?.error ?? error
}

/** What the controller has done reaches the brokers' metadata a moment later. */
async function settled(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + SETTLE_MS
  let reason: unknown
  while (performance.now() < deadline) {
    try {
      if (await condition()) return
    } catch (error) {
      reason = error
      const failure = toBrokerError(error, `waiting until ${what}`)
      if (failure.code === 'not-authorized') throw failure
    }
    await delay(POLL_MS)
  }
  const message = `waited ${SETTLE_MS} ms until ${what}`
  throw new BrokerError('unreachable', message, { retriable: true, cause: reason })
}
