import { Kafka, logLevel } from 'kafkajs'
import { guardIdleTimers } from '../../src/broker/kafka/idle-timer.ts'
import { untilReady, type Wait } from './ready.ts'

const PROBE = 'forewarm-stack-probe'
/**
 * Resolves when a topic with a replica on every broker has a leader, all replicas are in sync, and a group has its
 * coordinator. An open port alone does not mean that a broker accepts records and members. The topic is deleted again.
 */
export function kafkaReady(brokers: readonly string[], wait: Wait): Promise<void> {
  return untilReady(wait, `Kafka at ${brokers.join(', ')}`, () => probe(brokers))
}

async function probe(brokers: readonly string[]): Promise<boolean> {
  guardIdleTimers()
  const admin = new Kafka({
    brokers: [...brokers],
    clientId: 'forewarm-stack',
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1000,
    requestTimeout: 5000,
    retry: { retries: 0 },
  }).admin()
  try {
    await admin.connect()
    const existing = await admin.listTopics()
    if (!existing.includes(PROBE)) {
      const topic = { topic: PROBE, numPartitions: 1, replicationFactor: brokers.length }
      await admin.createTopics({ topics: [topic], waitForLeaders: false })
    }
    const { topics } = await admin.fetchTopicMetadata({ topics: [PROBE] })
    const partition = topics[0]?.partitions[0]
    if (partition === undefined || partition.leader < 0 || partition.isr.length < brokers.length) return false
    // The first question about a group creates the offsets topic; until that is loaded, members are turned away.
    await admin.fetchOffsets({ groupId: PROBE, topics: [PROBE] })
    await admin.deleteTopics({ topics: [PROBE] })
    return true
  } finally {
    await admin.disconnect()
  }
}
