import { type Clock, systemClock } from '../../clock.ts'
import { assertOptions, type OptionsOf } from '../../config/options.ts'
import { Opened } from '../opened.ts'
import type { Broker } from '../port.ts'
import { MemoryAdmin } from './admin.ts'
import { MemoryCluster } from './cluster.ts'
import { MemoryConsumer } from './consumer.ts'
import { MemoryProducer } from './producer.ts'

/**
 * The options of `createMemoryBroker`. The broker stands for Kafka in `npm start`, tests and for users without one. It
 * has Kafka's partitions, offsets, commits, timestamps, tombstones, and groups with eager rebalances. It writes nothing
 * to disk and compacts nothing. Handlers of different partitions may overlap, those of one partition never do. An idle
 * broker does no work and keeps no timer alive.
 *
 * producer.ts appends records to a partition's log (log.ts). group.ts assigns the partition to a consumer
 * (consumer.ts), whose assignment (assignment.ts) has a reader for it (partition-reader.ts), which hands the records to
 * the handler.
 */
export interface MemoryBrokerOptions {
  /** Stamps records that come without a timestamp. */
  readonly clock?: Clock
  /** Topics that exist from the start, with their numbers of partitions. */
  readonly partitions?: Readonly<Record<string, number>>
  /** Older records are dropped. A consumer that has not read them yet gets an `offset-jump`. Default 1,000,000. */
  readonly maxRecordsPerPartition?: number
  /** Records in one batch. Default 500; a batch never has more than 1,024. */
  readonly maxBatchRecords?: number
  /** A rebalance waits so long for a member that does not drain, then goes on without it. Default 60,000. */
  readonly rebalanceTimeoutMs?: number
}

/** A broker that also fails on demand. */
export interface MemoryBroker extends Broker {
  readonly kind: 'memory'
  /** Resolves when the group's members have their new partitions. Their `onAssigned` may still be running. */
  rebalance(groupId: string): Promise<void>
  /** The next `count` calls of `sendBatch` with records reject with `error` and store nothing. */
  fail(count: number, error: Error): void
  /** Calls reject with `unreachable`. Consumers keep their partitions, read nothing and say `restarting`. */
  disconnect(): void
  reconnect(): void
}

const OPTIONS: OptionsOf<MemoryBrokerOptions> = {
  ...{ clock: true, partitions: true, maxRecordsPerPartition: true, maxBatchRecords: true, rebalanceTimeoutMs: true },
}

/**
 * A broker in this process, without Kafka: for tests and for trying out. Throws a ForewarmError 'bad-value' for an
 * unknown option.
 */
export function createMemoryBroker(options: MemoryBrokerOptions = {}): MemoryBroker {
  assertOptions('createMemoryBroker', options, OPTIONS)
  const cluster = new MemoryCluster({
    clock: options.clock ?? systemClock,
    maxRecordsPerPartition: options.maxRecordsPerPartition ?? 1_000_000,
    maxBatchRecords: options.maxBatchRecords ?? 500,
    rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? 60_000,
  })
  for (const [topic, partitions] of Object.entries(options.partitions ?? {})) {
    cluster.topics.create({ topic, partitions })
  }
  const opened = new Opened()
  let closing: Promise<void> | undefined

  return {
    kind: 'memory',
    consumer: (consumerOptions) => opened.add(new MemoryConsumer(cluster, consumerOptions)),
    producer: () => opened.add(new MemoryProducer(cluster)),
    admin: () => opened.add(new MemoryAdmin(cluster)),
    close: () => {
      closing ??= opened.close().then(() => cluster.close())
      return closing
    },
    rebalance: (groupId) => cluster.rebalance(groupId),
    fail: (count, error) => cluster.failNext(count, error),
    disconnect: () => cluster.setReachable(false),
    reconnect: () => cluster.setReachable(true),
  }
}
