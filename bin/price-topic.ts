import { DEAD_LETTER_SUFFIX } from '../schemas/topics.ts'
import type { Broker } from '../src/broker/port.ts'
import { findPriceTopics, type OwnTopicNames, ownTopicNames } from '../src/broker/price-topics.ts'
import { withAdmin } from '../src/broker/with-admin.ts'
import type { Config } from '../src/config/settings.ts'
import { ForewarmError } from '../src/forewarm-error.ts'
import { assertTopicName, noSuchTopic } from '../src/replay/source/topic-range.ts'
import { UsageError } from './usage-error.ts'

export interface PriceTopic {
  readonly topic: string
  readonly partitions: number
}

/** Throws a UsageError for a topic that nodes take no prices from. */
export function refuseOwnTopic(option: string, topic: string, names: OwnTopicNames): void {
  if (!topic.endsWith(DEAD_LETTER_SUFFIX) && !ownTopicNames(names).includes(topic)) return
  throw new UsageError(
    `${option}: ${topic} is no price topic: it holds dead letters, or it is a topic of Forewarm's own; name a price topic`,
  )
}

/** The named topic, or the only one that PRICE_TOPICS matches. Throws if there is none or several. */
export function priceTopicFor(broker: Broker, config: Config, named: string | undefined): Promise<PriceTopic> {
  if (named !== undefined) refuseOwnTopic('--topic', named, config.kafka)
  return withAdmin(broker, async (admin) => {
    if (named !== undefined) {
      await assertTopicName(admin, named)
      const partitions = await admin.partitions(named)
      if (partitions === undefined) throw await noSuchTopic(admin, named)
      return { topic: named, partitions }
    }
    const found = await findPriceTopics(admin, config.kafka.priceTopics, config.kafka)
    if (!found.ok) throw new ForewarmError('topics-unusable', found.reason)
    const [topic] = found.topics
    if (topic === undefined || found.topics.length > 1)
      throw new UsageError(`which topic? PRICE_TOPICS matches ${found.topics.join(', ')}: give one with --topic`)
    return { topic, partitions: found.partitions }
  })
}
