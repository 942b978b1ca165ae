import { type Clock, systemClock } from '../../clock.ts'
import { Opened } from '../opened.ts'
import type { Broker } from '../port.ts'
import { MemoryAdmin } from './admin.ts'
import { MemoryCluster } from './cluster.ts'
import { MemoryConsumer } from './consumer.ts'
import { MemoryProducer } from './producer.ts'

/**
 * A Kafka in this process: for `npm start`, for tests, for whoever has no broker. Same semantics (partitions, offsets,
 * groups with eager rebalances, commits, timestamps, tombstones); nothing is on disk, nothing is compacted. Handlers of
 * different partitions may overlap, those of one partition never do. An idle broker does no work and keeps no timer
 * alive.
 *
 * Records travel from memory-producer.ts into memory-log.ts, from where a lane (memory-lane.ts) of the owner's
 * assignment (memory-assignment.ts) hands them to the consumer (memory-consumer.ts); memory-group.ts says who owns.
 */
export interface MemoryBrokerOptions {
  /** Stamps records that come without a timestamp. */
  readonly clock?: Clock
  /** Topics that exist from the start, with their partition counts. */
  readonly partitions?: Readonly<Record<string, number>>
  /** The oldest records beyond it are dropped; a reader that had not come so far gets an `offset-jump`. */
  readonly maxRecordsPerPartition?: number
  /** A batch holds at most this many, and never more than 1,024. */
  readonly maxBatchRecords?: number
  /** How long a rebalance waits for a member that doesn't drain, before it goes on without. */
  readonly rebalanceTimeoutMs?: number
}

/** The port, and what only a broker of one's own can do: fail on demand. */
export interface MemoryBroker extends Broker {
  readonly kind: 'memory'
  /** Resolves when the group has its partitions again; what `onAssigned` does may still be under way. */
  rebalance(groupId: string): Promise<void>
  /** The next `count` calls of `sendBatch` that carry records reject with `error`, and store nothing. */
  fail(count: number, error: Error): void
  /** Calls reject with `unreachable`, consumers hand out nothing and say `restarting`; memberships are kept. */
  disconnect(): void
  reconnect(): void
}

export function createMemoryBroker(options: MemoryBrokerOptions = {}): MemoryBroker {
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
