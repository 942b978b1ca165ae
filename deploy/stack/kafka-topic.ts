import { createKafkaBroker } from '../../src/broker/kafka/broker.ts'
import type { TopicSpec } from '../../src/broker/port.ts'
import { withAdmin } from '../../src/broker/with-admin.ts'

/** Resolves when the topic has leaders. KafkaJS's own wait fails on a broker that does not know the topic yet. */
export async function createTopic(brokers: readonly string[], topic: TopicSpec): Promise<void> {
  const broker = createKafkaBroker({ brokers, clientId: 'forewarm-stack' })
  try {
    await withAdmin(broker, (admin) => admin.createTopics([topic]))
  } finally {
    await broker.close()
  }
}
