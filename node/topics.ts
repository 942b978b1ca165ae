import { type Admin, type Broker, BrokerError, type TopicSpec } from '../src/broker/port.ts'
import {
  cleanupPolicy,
  deadLetterTopics,
  findPriceTopics,
  growDeadLetterTopic,
  ownTopics,
  type PriceTopics,
} from '../src/broker/price-topics.ts'
import { withAdmin } from '../src/broker/with-admin.ts'
import type { Config, Role } from '../src/config/settings.ts'
import type { Detector } from '../src/detect/detector.ts'
import { ForewarmError } from '../src/forewarm-error.ts'
import type { Log } from '../src/telemetry/log.ts'
import { connected } from './connection.ts'
import { prepareOutputs } from './detection/outputs.ts'

/** The topics of a node, with their partition counts. */
export interface NodeTopics {
  readonly prices: PriceTopics
  /** A topic that we made has as many partitions as the price topics. One that existed may have another count. */
  readonly warmRequestPartitions: number
  readonly warmResultPartitions: number
  readonly correlations: CorrelationsTopic
  /** The partitions of the detectors' output topics. Undefined if this node does not publish to them. */
  readonly outputs: ReadonlyMap<string, number> | undefined
}

/** Why the topic of correlations cannot be used; without a reason it can. */
export interface CorrelationsTopic {
  readonly reason?: string
}

export interface TopicsOptions {
  readonly broker: Broker
  readonly config: Config
  readonly log: Log
  /** Those whose output topics this node publishes to. Undefined in a replay over a Kafka of the configuration. */
  readonly publishing?: readonly Detector[] | undefined
  /** Aborts the preparation, whatever it waits for. */
  readonly signal: AbortSignal
}

/**
 * Waits for Kafka, finds the price topics, and makes those of ours that are missing and that the roles of the node use. Rejects with a ForewarmError
 * (`kafka-unreachable`, `topics-unusable`) or a BrokerError.
 */
export async function prepareTopics(options: TopicsOptions): Promise<NodeTopics> {
  const { broker, config, log, signal } = options
  const { brokers, startTimeoutMs: forMs } = config.kafka
  const admin = broker.admin()
  const end = (): void => void admin.close()
  signal.addEventListener('abort', end, { once: true })
  try {
    await connected(admin, { brokers, forMs, log, signal })
    return await prepare(admin, options)
  } finally {
    signal.removeEventListener('abort', end)
    await admin.close()
  }
}

async function prepare(admin: Admin, { config, log, publishing }: TopicsOptions): Promise<NodeTopics> {
  const { kafka, node } = config
  const prices = await findPriceTopics(admin, kafka.priceTopics, kafka)
  if (!prices.ok) throw new ForewarmError('topics-unusable', prices.reason)
  const roles = new Set<Role>(node.roles)
  const [asks, warms, tells] = [roles.has('correlate'), roles.has('warm'), roles.has('api')]
  const reads = asks || roles.has('detect')
  const used = { [kafka.warmRequestsTopic]: asks || warms, [kafka.warmResultsTopic]: warms }
  // Without it the rollout goes by the settings.
  await compactedTopic(admin, { kafka, topic: kafka.controlTopic, partitions: prices.partitions, log })
  const own = ownTopics(kafka, prices.partitions).filter(({ topic }) => used[topic])
  const outputs = publishing && (await prepareOutputs(admin, roles.has('detect') ? publishing : [], prices.partitions))
  const letters = reads ? await deadLetterTopics(admin, prices) : []
  const made = [...(outputs?.made ?? []), ...(await admin.createTopics([...own, ...letters]))]
  if (made.length > 0) log.info({ topics: made }, 'made topics that were missing')
  if (reads) for (const topic of prices.topics) await growLetters(admin, topic, log)
  const partitionsOf = async (topic: string): Promise<number> => {
    const spec = ownTopics(kafka, prices.partitions).filter((each) => each.topic === topic)
    if (used[topic]) return (await admin.partitions(topic)) ?? prices.partitions
    return (tells ? await granted(admin, spec) : undefined) ?? prices.partitions
  }
  return {
    prices,
    outputs: outputs?.counts,
    warmRequestPartitions: await partitionsOf(kafka.warmRequestsTopic),
    warmResultPartitions: await partitionsOf(kafka.warmResultsTopic),
    correlations: asks
      ? await compactedTopic(admin, { kafka, topic: kafka.correlationsTopic, partitions: prices.partitions, log })
      : { reason: 'nothing correlates here' },
  }
}

/** A node that may not use the topic runs all the same: whoever asks it for what needs the topic is told so. */
async function granted(admin: Admin, spec: readonly TopicSpec[]): Promise<number | undefined> {
  try {
    await admin.createTopics(spec)
    return await admin.partitions(spec[0]?.topic ?? '')
  } catch (error) {
    return notGranted(error)
  }
}

/** Throws an error that may pass. */
function notGranted(error: unknown): undefined {
  if (!(error instanceof BrokerError) || error.retriable || error.code === 'closed') throw error
}

interface CompactedAsked {
  readonly kafka: Config['kafka']
  readonly topic: string
  /** It is made with so many. */
  readonly partitions: number
  readonly log: Log
}

/** A node for which the topic is not made, or that may not see it, runs all the same. */
async function compactedTopic(admin: Admin, asked: CompactedAsked): Promise<CorrelationsTopic> {
  const { kafka, topic, partitions, log } = asked
  try {
    await admin.createTopics(ownTopics(kafka, partitions).filter((spec) => spec.topic === topic))
    if ((await admin.partitions(topic)) === undefined) return { reason: 'there is no such topic' }
    const policy = await cleanupPolicy(admin, topic, 'compact')
    if (!policy.includes('compact'))
      log.warn({ topic, policy }, 'the topic is not compacted: it grows, and what it keeps is deleted with its age')
    return {}
  } catch (error) {
    notGranted(error)
    return { reason: error instanceof Error ? error.message : String(error) }
  }
}

/** A price topic was found, has grown or was made again. Rejects with a BrokerError. */
export function followTopic(broker: Broker, topic: string, log: Log): Promise<void> {
  return withAdmin(broker, async (admin) => {
    const partitions = await admin.partitions(topic)
    if (partitions === undefined) return
    await admin.createTopics(await deadLetterTopics(admin, { counts: new Map([[topic, partitions]]) }))
    await growLetters(admin, topic, log)
  })
}

/** Without the right to ALTER it, the dead-letter topic stays as it is: letters go to the partitions that it has. */
async function growLetters(admin: Admin, topic: string, log: Log): Promise<void> {
  try {
    const { partitions, hasGrown } = await growDeadLetterTopic(admin, topic)
    if (hasGrown) log.info({ topic, partitions }, 'gave the dead-letter topic as many partitions as its origin has')
  } catch (error) {
    if (!(error instanceof BrokerError) || error.code !== 'not-authorized') throw error
    log.warn({ topic, err: error }, 'the dead-letter topic has fewer partitions than its origin')
  }
}
