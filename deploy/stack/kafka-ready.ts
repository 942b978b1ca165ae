import { setTimeout as delay } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import { guardIdleTimers } from '../../src/broker/kafka/idle-timer.ts'
import { StackError } from './stack-error.ts'

const PROBE = 'forewarm-stack-probe'
const RETRY_MS = 50

export interface ReadyOptions {
  readonly brokers: readonly string[]
  readonly timeoutMs: number
  /** Ends the wait with its reason: a broker's process is gone. */
  readonly signal: AbortSignal
}

/**
 * Resolves when a topic with a replica on every broker has a leader and all of them in sync, and a group has its
 * coordinator: an open port is not yet a broker that takes records and members. The topic is deleted again. Throws a
 * StackError where that takes longer than `timeoutMs` milliseconds.
 */
export async function kafkaReady(options: ReadyOptions): Promise<void> {
  const deadline = performance.now() + options.timeoutMs
  let reason: unknown
  while (performance.now() < deadline) {
    options.signal.throwIfAborted()
    try {
      if (await probe(options.brokers)) return
    } catch (error) {
      reason = error
    }
    await delay(RETRY_MS)
  }
  options.signal.throwIfAborted()
  const seconds = options.timeoutMs / 1000
  throw new StackError('not-ready', `Kafka at ${options.brokers} took more than ${seconds} s to elect a leader.`, {
    cause: reason,
  })
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
    // The first group that is asked for has the topic of offsets made, and whoever comes while it loads is turned away.
    await admin.fetchOffsets({ groupId: PROBE, topics: [PROBE] })
    await admin.deleteTopics({ topics: [PROBE] })
    return true
  } finally {
    await admin.disconnect()
  }
}
