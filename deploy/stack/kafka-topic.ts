import { createKafkaBroker } from '../../src/broker/kafka/broker.ts'
import type { TopicSpec } from '../../src/broker/port.ts'
import { withAdmin } from '../../src/broker/with-admin.ts'

/** Resolves when it has leaders. KafkaJS's own wait gives up where the broker has not heard of the topic yet. */
export async function createTopic(brokers: readonly string[], topic: TopicSpec): Promise<void> {
  const broker = createKafkaBroker({ brokers, clientId: 'forewarm-stack' })
  try {
    await withAdmin(broker, (admin) => admin.createTopics([topic]))
  } finally {
    await broker.close()
  }
}
