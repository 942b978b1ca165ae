import { Opened } from '../opened.ts'
import type { Broker, BrokerEvent } from '../port.ts'
import { KafkaAdmin } from './admin.ts'
import { type ClientOptions, createKafkaClient } from './client.ts'
import { type Codec, type CodecName, compressionType, registerCodecs } from './compression.ts'
import { KafkaConsumer } from './consumer/consumer.ts'
import { type ConsumerTiming, Membership } from './consumer/membership.ts'
import { guardIdleTimers } from './idle-timer.ts'
import { installProduceEncoder } from './producer/produce-request.ts'
import { KafkaProducer } from './producer/producer.ts'

export type { KafkaLogEvent } from './client.ts'
export type { Codec, CodecName } from './compression.ts'

/**
 * The options of `createKafkaBroker`. The broker speaks to Kafka through KafkaJS 2.2.4. A record comes in through
 * consumer/session.ts (the life of one KafkaJS consumer), consumer/assignment.ts (its partitions between two joins) and
 * consumer/batch.ts (columns over its messages). Above them consumer/consumer.ts replaces a KafkaJS consumer that
 * crashed. A record goes out through ../micro-batch.ts and producer/producer.ts. The oddities of KafkaJS are told by the
 * code that copes with them.
 */
export interface KafkaBrokerOptions extends ClientOptions {
  /** How long a fetch waits for records. Default 100. Pause, resume and stop take up to that long. */
  readonly maxWaitMs?: number
  /**
   * A member loses its partitions when Kafka has not heard of it for so long. Default 10,000. A member that lost its
   * connection is a new one to Kafka, so it waits as long for its old partitions.
   */
  readonly sessionTimeoutMs?: number
  /** How long a rebalance waits for members that drain. Default 60,000. */
  readonly rebalanceTimeoutMs?: number
  /** A member notices a rebalance at most so much later. Default 1,000, at most a third of the session's timeout. */
  readonly heartbeatIntervalMs?: number
  /** Default 1,000. A stop or a rebalance commits first; after a crash, what was handled since is handled again. */
  readonly commitIntervalMs?: number
  /** A batch without progress for longer is `stuck`. Default 30,000. */
  readonly stuckAfterMs?: number
  /** How long a close may take while Kafka does not answer. Default 5,000. */
  readonly closeTimeoutMs?: number
  /**
   * Bytes in one fetch from one broker. Default 4 MiB: KafkaJS decodes a fetch in one go, about 1 µs a record, and
   * nothing else runs meanwhile. A larger record is fetched all the same.
   */
  readonly maxBytes?: number
  /** Bytes of one partition in a fetch. Default 1 MiB. */
  readonly maxBytesPerPartition?: number
  /** The codec that producers compress with. Default none. */
  readonly compression?: CodecName
  /** More codecs, or replacements: gzip, snappy and zstd are built in, lz4 is not. The whole process shares them. */
  readonly codecs?: Partial<Record<CodecName, Codec>>
  /** A producer refuses a `sendBatch` while so many of its calls are in flight or wait. Default 1,000. */
  readonly maxPendingBatches?: number
  /** Called for the events of all consumers and producers. */
  readonly onEvent?: (event: BrokerEvent) => void
  readonly random?: () => number
}

/** Makes a broker over Kafka and does not connect it yet. Throws `refused` for a compression without a codec. */
export function createKafkaBroker(options: KafkaBrokerOptions): Broker {
  guardIdleTimers()
  const takesRecords = installProduceEncoder()
  registerCodecs(options.codecs)
  const compression = options.compression === undefined ? 0 : compressionType(options.compression)
  const timing = timingOf(options)
  const random = options.random ?? Math.random
  const onEvent = guarded(options.onEvent)
  const connect = () => createKafkaClient(options)
  const opened = new Opened()
  let closing: Promise<void> | undefined

  return {
    kind: 'kafka',
    consumer: (consumerOptions) =>
      opened.add(new KafkaConsumer(connect, new Membership(consumerOptions, { timing, random, onEvent }))),
    producer: () => {
      const { maxPendingBatches = 1000 } = options
      const { closeTimeoutMs } = timing
      const settings = { compression, takesRecords, maxPendingBatches, closeTimeoutMs, onEvent }
      return opened.add(new KafkaProducer(connect(), settings))
    },
    admin: () => opened.add(new KafkaAdmin(connect())),
    close: () => {
      closing ??= opened.close()
      return closing
    },
  }
}

function timingOf(options: KafkaBrokerOptions): ConsumerTiming {
  const sessionTimeoutMs = options.sessionTimeoutMs ?? 10_000
  return {
    maxWaitMs: options.maxWaitMs ?? 100,
    sessionTimeoutMs,
    rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? 60_000,
    heartbeatIntervalMs: Math.min(options.heartbeatIntervalMs ?? 1000, Math.floor(sessionTimeoutMs / 3)),
    commitIntervalMs: options.commitIntervalMs ?? 1000,
    stuckAfterMs: options.stuckAfterMs ?? 30_000,
    closeTimeoutMs: options.closeTimeoutMs ?? 5000,
    maxBytes: options.maxBytes ?? 4 * 1024 * 1024,
    maxBytesPerPartition: options.maxBytesPerPartition ?? 1024 * 1024,
  }
}

function guarded(onEvent: KafkaBrokerOptions['onEvent']): (event: BrokerEvent) => void {
  return (event) => {
    try {
      onEvent?.(event)
    } catch {
      // A callback that throws must not stop a consumer or a producer.
    }
  }
}
