/**
 * How records move, whoever moves them: the port behind which the Kafka client and the in-memory broker stand.
 * Both adapters pass the same conformance suite (test/broker/conformance/conformance.ts); what differs is said by `capabilities`.
 */

/** Header names may repeat; the order is the producer's. */
export type Headers = readonly (readonly [name: string, value: Buffer])[]

/**
 * Fetched records of one topic partition, in offset order. Columns are read on demand because building an object a
 * record costs more than handling it. Buffers are slices of the fetch response: copy what outlives the handler.
 */
export interface Batch {
  readonly topic: string
  readonly partition: number
  readonly count: number
  /** Offset of the first record that does not exist yet, as known when the batch was fetched. */
  readonly highWatermark: bigint
  offset(index: number): bigint
  /** Milliseconds since the epoch, as stored by the broker. */
  timestampMs(index: number): number
  key(index: number): Buffer | undefined
  /** Absent for a tombstone. */
  value(index: number): Buffer | undefined
  headers(index: number): Headers
}

export interface BatchContext {
  /** Aborted when the partition is being taken away or the consumer is stopping: finish what is started, hand out no more. */
  readonly signal: AbortSignal
  /** Keeps the membership alive; call it while progress is made, from a handler that takes long. */
  heartbeat(): Promise<void>
}

/** The number of leading records that are done with; the rest is fetched again (by whoever owns the partition then). */
export type BatchHandler = (batch: Batch, context: BatchContext) => Promise<number>

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface TopicPartitionOffset extends TopicPartition {
  readonly offset: bigint
}

export interface PartitionLag extends TopicPartition {
  /** Between the position and the high watermark. */
  readonly records: bigint
}

/** Where a partition without a committed offset is read from; `offsets` and `timestamp` win over what is committed. */
export type StartPosition =
  | { readonly at: 'committed'; readonly otherwise: 'earliest' | 'latest' }
  | { readonly at: 'earliest' }
  | { readonly at: 'latest' }
  | { readonly at: 'timestamp'; readonly timestampMs: number }
  | { readonly at: 'offsets'; readonly offsets: readonly TopicPartitionOffset[] }

export interface ConsumerOptions {
  /**
   * `group`: partitions are shared out among the members and offsets are committed (next offset to read).
   * `broadcast`: every consumer gets every partition, in a throw-away group that never commits.
   */
  readonly mode: 'group' | 'broadcast'
  /** The group, or the prefix of the throw-away group's name. */
  readonly groupId: string
  readonly topics: readonly string[]
  readonly start: StartPosition
  readonly onBatch: BatchHandler
  /** Awaited before the first batch of the new assignment. `epoch` counts assignments from 1. */
  readonly onAssigned?: (partitions: readonly TopicPartition[], epoch: number) => Promise<void> | void
  /** Awaited after the last batch was drained and committed, before the partitions are given up. */
  readonly onRevoked?: (partitions: readonly TopicPartition[], epoch: number) => Promise<void> | void
  /** What happened beside the records: told once each, never thrown. */
  readonly onEvent?: (event: BrokerEvent) => void
}

export type BrokerEvent =
  | { readonly type: 'rebalance'; readonly groupId: string; readonly epoch: number; readonly partitions: number }
  | {
      readonly type: 'restart'
      readonly groupId: string
      readonly attempt: number
      readonly delayMs: number
      readonly reason: string
    }
  | { readonly type: 'disconnected'; readonly reason: string }
  | { readonly type: 'reconnected' }
  | {
      readonly type: 'offset-jump'
      readonly topic: string
      readonly partition: number
      readonly from: bigint
      readonly to: bigint
    }
  | {
      /** Records that nobody can read were passed over. */
      readonly type: 'undecodable'
      readonly topic: string
      readonly partition: number
      /** The first of them. */
      readonly from: bigint
      /** The last of them. */
      readonly to: bigint
      readonly reason: string
    }
  | {
      readonly type: 'stuck'
      readonly groupId: string
      readonly topic: string
      readonly partition: number
      readonly ms: number
    }

export interface ConsumerHealth {
  readonly state: 'stopped' | 'joining' | 'running' | 'restarting' | 'failed'
  readonly epoch: number
  readonly restarts: number
  readonly assigned: readonly TopicPartition[]
}

export interface Consumer {
  /** Resolves when the group is joined and the first assignment was handed over. */
  start(): Promise<void>
  /** Drains the batch in hand, commits, leaves. Twice is once. */
  stop(options?: { readonly drainMs?: number }): Promise<void>
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  /** Of each assigned partition, as of the last fetch. */
  lag(): readonly PartitionLag[]
  health(): ConsumerHealth
}

export interface OutgoingRecord {
  readonly partition: number
  readonly key?: Buffer | string
  /** `null`: a tombstone. */
  readonly value: Buffer | string | null
  readonly headers?: Headers
  /** Milliseconds since the epoch; the broker's rule otherwise. */
  readonly timestampMs?: number
}

export interface Producer {
  connect(): Promise<void>
  /**
   * Resolves when every in-sync replica has the records; order within a partition is kept. Rejects with a BrokerError:
   * of each partition, all records were stored or none, and which is not told.
   */
  sendBatch(topic: string, records: readonly OutgoingRecord[]): Promise<void>
  /** Resolves when nothing is under way. */
  flush(): Promise<void>
  /**
   * Flushes, then disconnects. What is not acknowledged within `flushMs` milliseconds, the broker's time for a farewell
   * unless given, is rejected: it may be stored or not. Twice is once.
   */
  close(options?: { readonly flushMs?: number }): Promise<void>
}

export interface TopicSpec {
  readonly topic: string
  readonly partitions: number
  readonly replicationFactor?: number
  readonly config?: Readonly<Record<string, string>>
}

export interface OffsetRange {
  readonly partition: number
  /** First offset that still exists. */
  readonly low: bigint
  /** Next offset to be written. */
  readonly high: bigint
}

export interface PartitionOffset {
  readonly partition: number
  readonly offset: bigint | undefined
}

export interface Admin {
  connect(): Promise<void>
  close(): Promise<void>
  clusterId(): Promise<string>
  topics(): Promise<readonly string[]>
  /** Partition count, or undefined where the topic does not exist. */
  partitions(topic: string): Promise<number | undefined>
  /** Creates those that are missing and waits until each has leaders; resolves to the names created. */
  createTopics(specs: readonly TopicSpec[]): Promise<readonly string[]>
  deleteTopics(topics: readonly string[]): Promise<void>
  topicConfig(topic: string, names: readonly string[]): Promise<ReadonlyMap<string, string>>
  offsets(topic: string): Promise<readonly OffsetRange[]>
  /** The first offset at or after the timestamp, or undefined where nothing is. */
  offsetsAt(topic: string, timestampMs: number): Promise<readonly PartitionOffset[]>
  committed(groupId: string, topic: string): Promise<readonly PartitionOffset[]>
  deleteGroups(groupIds: readonly string[]): Promise<void>
}

export interface Broker {
  readonly kind: 'kafka' | 'memory'
  consumer(options: ConsumerOptions): Consumer
  producer(): Producer
  admin(): Admin
  /** Closes what was opened from here and not closed yet, in reverse. */
  close(): Promise<void>
}

/** What the port rejects with; the cause is the client's own error. */
export class BrokerError extends Error {
  readonly code: 'unreachable' | 'unknown-topic' | 'too-large' | 'not-authorized' | 'refused' | 'closed' | 'failed'
  readonly retriable: boolean

  constructor(
    code: BrokerError['code'],
    message: string,
    options: { readonly retriable: boolean; readonly cause?: unknown },
  ) {
    super(message, { cause: options.cause })
    this.name = 'BrokerError'
    this.code = code
    this.retriable = options.retriable
  }
}

/** The error of whatever is asked for something before it is connected, or after it was closed. */
export function closed(message: string): BrokerError {
  return new BrokerError('closed', message, { retriable: false })
}
