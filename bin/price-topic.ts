import type { Broker } from '../src/broker/port.ts'
import { findPriceTopics } from '../src/broker/price-topics.ts'
import { withAdmin } from '../src/broker/with-admin.ts'
import type { Config } from '../src/config/settings.ts'
import { ForewarmError } from '../src/forewarm-error.ts'
import { noSuchTopic } from '../src/replay/source/topic-range.ts'
import { UsageError } from './usage-error.ts'

export interface PriceTopic {
  readonly topic: string
  readonly partitions: number
}

/** The topic that was named, or the one that PRICE_TOPICS stands for. Throws where it is none or several. */
export function priceTopicFor(broker: Broker, config: Config, named: string | undefined): Promise<PriceTopic> {
  return withAdmin(broker, async (admin) => {
    if (named !== undefined) {
      const partitions = await admin.partitions(named)
      if (partitions === undefined) throw await noSuchTopic(admin, named)
      return { topic: named, partitions }
    }
    const found = await findPriceTopics(admin, config.kafka.priceTopics, config.kafka)
    if (!found.ok) throw new ForewarmError('topics-unusable', found.reason)
    const [topic] = found.topics
    if (topic === undefined || found.topics.length > 1)
      throw new UsageError(`which topic? PRICE_TOPICS is ${found.topics.join(', ')}: give one by --topic`)
    return { topic, partitions: found.partitions }
  })
}
