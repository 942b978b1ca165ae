/** The port of the Kafka client and the in-memory broker: both pass test/broker/conformance/conformance.ts. */

/** The headers of a record. Names may repeat. The order is the producer's. */
export type Headers = readonly (readonly [name: string, value: Buffer])[]

/**
 * Fetched records of one partition, in offset order. Fields are read on demand, because building an object for each
 * record costs more than handling it. Buffers are slices of the fetch response: copy what outlives the handler.
 */
export interface Batch extends TopicPartition {
  readonly count: number
  /** The offset that the partition's next record will have, as known when the batch was fetched. */
  readonly highWatermark: bigint
  /** Offset of the first record that is neither committed nor aborted yet. Nothing from there on is handed out. */
  readonly stableEnd: bigint
  offset(index: number): bigint
  /** Unix time in milliseconds, as stored by the broker. */
  timestampMs(index: number): number
  key(index: number): Buffer | undefined
  /** Undefined for a tombstone. */
  value(index: number): Buffer | undefined
  headers(index: number): Headers
}

/** A handler gets it beside its batch. */
export interface BatchContext {
  /**
   * Aborted when the partition is revoked, the consumer stops, or Kafka has not answered for the time of a session, so that
   * others may have the partition: finish what is started, and start no more.
   */
  readonly signal: AbortSignal
  /** Keeps the membership alive. A handler that takes long calls it while it makes progress. */
  heartbeat(): Promise<void>
}

/** Handles a batch: resolves to the number of leading records done. The partition's owner fetches the rest again. */
export type BatchHandler = (batch: Batch, context: BatchContext) => Promise<number>

/** One partition of one topic. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** An offset in one partition of one topic. */
export interface TopicPartitionOffset extends TopicPartition {
  readonly offset: bigint
}

/** How far a consumer is behind in one partition. */
export interface PartitionLag extends TopicPartition {
  /** Between the position and the stable end. */
  readonly records: bigint
}

/** The start of reading in partitions without a committed offset. `offsets` and `timestamp` override a commit. */
export type StartPosition =
  | { readonly at: 'committed'; readonly otherwise: 'earliest' | 'latest' }
  | { readonly at: 'earliest' }
  | { readonly at: 'latest' }
  | { readonly at: 'timestamp'; readonly timestampMs: number }
  | { readonly at: 'offsets'; readonly offsets: readonly TopicPartitionOffset[] }

/** One partition to be read from `from` on, up to `to` (exclusive) if that is given. */
export interface PartitionRange extends TopicPartition {
  readonly from: bigint
  readonly to?: bigint
}

/** A partition that a consumer gets. `isKept`: false if it is not known that all that was handled before is kept. */
export type AssignedPartition = TopicPartition & { readonly isKept?: boolean }

/** The topics that a consumer reads, where it starts, and the functions that it calls. */
export interface ConsumerOptions {
  /**
   * `group`: the members share the partitions, and the next offset to read is committed.
   * `broadcast`: every consumer reads every partition, and nothing is committed.
   * `manual`: the consumer reads the partitions of `ranges`, and nothing is committed.
   */
  readonly mode: 'group' | 'broadcast' | 'manual'
  /** The group's name. In the other modes, the name under which events speak of the consumer. */
  readonly groupId: string
  readonly topics: readonly string[]
  /** All topics that match are read as well, also those that are made later: they begin at `start`. Not for `manual`. */
  readonly matches?: (topic: string) => boolean
  readonly start: StartPosition
  readonly ranges?: readonly PartitionRange[]
  /** For `group`: never a static member, so that others get its partitions as soon as it stops. */
  readonly isDynamic?: boolean
  readonly onBatch: BatchHandler
  /**
   * Memory of a batch that was handled is used again: a handler that keeps the bytes of keys, values or headers after it
   * has settled has to copy them. A catch-up then leaves less to the garbage collector. Default false.
   */
  readonly reusesMemory?: boolean
  /** Awaited before the first batch of these partitions, which come to those held already. `epoch` counts the calls from 1. */
  readonly onAssigned?: (partitions: readonly AssignedPartition[], epoch: number) => Promise<void> | void
  /** Awaited before these partitions, drained and committed, are given up. `areLost`: others may have had them meanwhile. */
  readonly onRevoked?: (partitions: readonly TopicPartition[], epoch: number, areLost?: boolean) => Promise<void> | void
  /** Awaited before a commit, for a second at most. Tells of which partitions all that was handled before it is kept. */
  readonly beforeCommit?: () => Promise<(partition: TopicPartition) => boolean>
  /** Called once for each event. An exception in it is ignored. */
  readonly onEvent?: (event: BrokerEvent) => void
}

/** Something that happened to a consumer or a producer, apart from records. */
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
  /** A producer may not number its records, so that one which is sent again may be stored twice. */
  | { readonly type: 'not-idempotent'; readonly reason: string }
  | { readonly type: 'reconnected' }
  | ({ readonly type: 'offset-jump'; readonly from: bigint; readonly to: bigint } & TopicPartition)
  /** Records that no codec can read were skipped, `from` the first of them `to` the last. */
  | ({
      readonly type: 'undecodable'
      readonly from: bigint
      readonly to: bigint
      readonly reason: string
    } & TopicPartition)
  /** It could not be fetched for a second because of errors, and then it could again; the reason is the last error. */
  | ({ readonly type: 'partition'; readonly change: 'failing' | 'back'; readonly reason: string } & TopicPartition)
  | ({ readonly type: 'stuck'; readonly groupId: string; readonly ms: number } & TopicPartition)
  /** Offsets before `to` were handled here, those from `from` on could not be committed: the next owner handles them, too. */
  | ({
      readonly type: 'uncommitted'
      readonly groupId: string
      readonly from: bigint
      readonly to: bigint
    } & TopicPartition)
  /** Another process has the name of this static member: this consumer has given up for good. */
  | { readonly type: 'fenced'; readonly groupId: string; readonly reason: string }
  /** A topic was found that matches, or was left out because too many match; or one that is read has changed. */
  | {
      readonly type: 'topic'
      readonly topic: string
      readonly change: 'found' | 'gone' | 'dropped' | 'forbidden' | 'back' | 'made-again' | 'grown' | 'left-out'
      /** How many it has, as far as is known. */
      readonly partitions: number
    }

/** How far a partition was read. */
export interface PartitionPosition extends TopicPartition {
  /** Tells topics of one name apart. Undefined where the broker gives no ids. */
  readonly topicId: string | undefined
  readonly position: bigint
  readonly stableEnd: bigint
  readonly highWatermark: bigint
  /**
   * Everything that was committed before this moment was handed out and handled. It is the moment at which the fetch
   * was sent that found no more, in milliseconds of `performance.now()`. Undefined before the first such fetch.
   */
  readonly readToEndAtMs: number | undefined
}

/** The state of a consumer, and the partitions that it has. */
export interface ConsumerHealth {
  readonly state: 'stopped' | 'joining' | 'running' | 'restarting' | 'failed'
  readonly epoch: number
  readonly restarts: number
  readonly assigned: readonly TopicPartition[]
  /** False if the group has not answered for the time of a session, so that others may have the partitions. */
  readonly isHeard: boolean
}

/** Reads topics and calls a handler with batches. */
export interface Consumer {
  /** Resolves when the group is joined and `onAssigned` has returned for the first assignment. */
  start(): Promise<void>
  /** Drains the batch in hand, commits and leaves the group. A second call changes nothing. */
  stop(options?: { readonly drainMs?: number }): Promise<void>
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  /** The lag of each assigned partition, as of the last fetch. */
  lag(): readonly PartitionLag[]
  positions(): readonly PartitionPosition[]
  health(): ConsumerHealth
}

/** A record to be sent. */
export interface OutgoingRecord {
  readonly partition: number
  readonly key?: Buffer | string
  /** Null for a tombstone. */
  readonly value: Buffer | string | null
  readonly headers?: Headers
  /** Unix time in milliseconds. The broker stamps a record that has none. */
  readonly timestampMs?: number
}

/** Records of one partition that were stored one behind the other. */
export interface Stored {
  readonly partition: number
  readonly records: number
  /** The offset of the first of them. Undefined if the broker only says that it has them already. */
  readonly offset: bigint | undefined
}

/** Sends batches of records. */
export interface Producer {
  connect(): Promise<void>
  /**
   * Resolves when every in-sync replica has the records, to where they are. Keeps the order within each partition, also
   * of calls that are not awaited. Rejects with a BrokerError; if it is a BatchError, the records that it does not name
   * are stored. Otherwise none is known to be. What is not acknowledged within `timeoutMs` is rejected and not sent again.
   */
  sendBatch(topic: string, records: readonly OutgoingRecord[], timeoutMs?: number): Promise<readonly Stored[]>
  /** The topic's number of partitions; undefined if there is no such topic. */
  partitions(topic: string): Promise<number | undefined>
  flush(): Promise<void>
  /**
   * Flushes, then disconnects. A record that is not acknowledged within `flushMs` milliseconds is rejected, though it may be
   * stored. The default is the broker's time-out for a close. A second call changes nothing.
   */
  close(options?: { readonly flushMs?: number }): Promise<void>
}

/** A topic to be created. */
export interface TopicSpec {
  readonly topic: string
  readonly partitions: number
  readonly replicationFactor?: number
  readonly config?: Readonly<Record<string, string>>
}

/** The offsets of one partition. */
export interface OffsetRange {
  readonly partition: number
  /** The first offset that still exists. */
  readonly low: bigint
  /** The first offset that is neither committed nor aborted yet. */
  readonly stableEnd: bigint
  readonly high: bigint
}

/** An offset of one partition. */
export interface PartitionOffset {
  readonly partition: number
  readonly offset: bigint | undefined
}

/** Looks at topics, offsets and groups, and changes them. */
export interface Admin {
  connect(): Promise<void>
  close(): Promise<void>
  clusterId(): Promise<string>
  topics(): Promise<readonly string[]>
  /** The topic's number of partitions; undefined if there is no such topic. */
  partitions(topic: string): Promise<number | undefined>
  /** Creates the missing topics and waits until they have leaders. Resolves to the names of those that it created. */
  createTopics(specs: readonly TopicSpec[]): Promise<readonly string[]>
  /** Gives the topic so many partitions, unless it has as many. Resolves when they have leaders. */
  growTopic(topic: string, partitions: number): Promise<void>
  deleteTopics(topics: readonly string[]): Promise<void>
  topicConfig(topic: string, names: readonly string[]): Promise<ReadonlyMap<string, string>>
  offsets(topic: string): Promise<readonly OffsetRange[]>
  /** For each partition, the first offset at or after the timestamp; undefined if all records are older. */
  offsetsAt(topic: string, timestampMs: number): Promise<readonly PartitionOffset[]>
  committed(groupId: string, topic: string): Promise<readonly PartitionOffset[]>
  deleteGroups(groupIds: readonly string[]): Promise<void>
}

/** A Kafka, or a broker in memory: it makes consumers, producers and admins. */
export interface Broker {
  readonly kind: 'kafka' | 'memory'
  consumer(options: ConsumerOptions): Consumer
  producer(): Producer
  admin(): Admin
  /** Closes what it handed out and is not closed yet, the last one first. */
  close(): Promise<void>
}

/** The error that calls of a broker reject with. The cause is the client's own error. */
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

/** The error of a call to a part that is not connected yet, or is closed. */
export function closed(message: string): BrokerError {
  return new BrokerError('closed', message, { retriable: false })
}
