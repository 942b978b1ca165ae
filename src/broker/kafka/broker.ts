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
 * Kafka through KafkaJS 2.2.4. A record's way in: kafka-session.ts (a KafkaJS consumer's life), kafka-assignment.ts
 * (what it holds between two joins), kafka-batch.ts (columns over its messages); above them kafka-consumer.ts replaces
 * what crashed. Out: micro-batch.ts, kafka-producer.ts. What KafkaJS does otherwise than one would expect is said
 * where it is dealt with.
 */
export interface KafkaBrokerOptions extends ClientOptions {
  /** How long a fetch waits for records, ms; pause, resume and stop take up to that long. Default 100. */
  readonly maxWaitMs?: number
  /**
   * Default 10,000. A member that was not heard of for so long loses its partitions; one that lost its connection is a
   * new member to Kafka and waits for them as long.
   */
  readonly sessionTimeoutMs?: number
  /** Default 60,000. How long a rebalance waits for members that drain. */
  readonly rebalanceTimeoutMs?: number
  /** Default 1,000, at most a third of the session's timeout. A rebalance is noticed up to this late. */
  readonly heartbeatIntervalMs?: number
  /** Default 1,000. What was handled since is handled again after a crash; a stop or a rebalance commits first. */
  readonly commitIntervalMs?: number
  /** Default 30,000. A batch without progress for longer is `stuck`. */
  readonly stuckAfterMs?: number
  /** Default 5,000. How long the farewell to a broker that does not answer may take. */
  readonly closeTimeoutMs?: number
  /**
   * In one fetch from one broker. Default 4 MiB: KafkaJS decodes it in one go, about 1 µs a record, in which nothing
   * else runs; a larger record is fetched all the same.
   */
  readonly maxBytes?: number
  /** Default 1 MiB. */
  readonly maxBytesPerPartition?: number
  /** What a producer compresses with. Default: not at all. */
  readonly compression?: CodecName
  /** gzip, snappy and zstd are there; lz4 is read and written where it is given. Shared by the process. */
  readonly codecs?: Partial<Record<CodecName, Codec>>
  /** Calls of `sendBatch` that wait at once. Default 1,000. */
  readonly maxPendingBatches?: number
  /** What happened beside the records, of all consumers and producers. */
  readonly onEvent?: (event: BrokerEvent) => void
  readonly random?: () => number
}

/** Connects nothing yet. Throws `refused` for a compression without a codec. */
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
      // An observer that throws must not stop what it observes.
    }
  }
}
