import { createKafkaBroker } from '../../src/broker/kafka/broker.ts'
import type { TopicSpec } from '../../src/broker/port.ts'

/** Resolves when it has leaders. KafkaJS's own wait gives up where the broker has not heard of the topic yet. */
export async function createTopic(brokers: readonly string[], topic: TopicSpec): Promise<void> {
  const broker = createKafkaBroker({ brokers, clientId: 'forewarm-stack' })
  const admin = broker.admin()
  try {
    await admin.connect()
    await admin.createTopics([topic])
  } finally {
    await broker.close()
  }
}
