import { assertOptions, type OptionsOf } from '../../config/options.ts'
import { Opened } from '../opened.ts'
import type { Broker, BrokerEvent } from '../port.ts'
import { KafkaAdmin } from './admin.ts'
import { type ClientOptions, createKafkaClient } from './client.ts'
import { COMPRESSORS, type CodecName } from './compression.ts'
import { KafkaConsumer } from './consumer/consumer.ts'
import { ConsumerState } from './consumer/consumer-state.ts'
import type { ConsumerTiming } from './consumer/timing.ts'
import { guardIdleTimers } from './idle-timer.ts'
import { KafkaProducer } from './producer/producer.ts'
import { Cluster } from './wire/cluster.ts'

export type { CodecName } from './compression.ts'

/**
 * The options of `createKafkaBroker`. The broker speaks to Kafka over the connections of KafkaJS 2.2.4 (wire/kafkajs.ts),
 * by requests of its own (wire/). A record comes in through fetch/fetch-loop.ts, fetch/record-batches.ts and
 * fetch/partition.ts. consumer/consumer.ts decides which partitions are read, or group/member.ts with the group. A record
 * goes out through ../micro-batch.ts and producer/producer.ts.
 */
export interface KafkaBrokerOptions extends ClientOptions {
  /** How long a fetch waits for records, milliseconds. Default 20. */
  readonly maxWaitMs?: number
  /** How often the topics' metadata is looked at, ms. Default 4,000: new partitions are read within five seconds. */
  readonly metadataAgeMs?: number
  /** A member loses its partitions when Kafka has not heard of it for so long. Default 10,000. */
  readonly sessionTimeoutMs?: number
  /** How long a rebalance waits for members that drain. Default 60,000. */
  readonly rebalanceTimeoutMs?: number
  /** The name of a static member: a restart within the session's timeout moves no partitions. */
  readonly groupInstanceId?: string
  /** A member notices a rebalance at most so much later. Default 250, at most a third of the session's timeout. */
  readonly heartbeatIntervalMs?: number
  /** Default 1,000. A stop or a rebalance commits first; after a crash, what was handled since is handled again. */
  readonly commitIntervalMs?: number
  /** A batch without progress for longer is `stuck`. Default 30,000. */
  readonly stuckAfterMs?: number
  /** How long a close may take while Kafka does not answer. Default 5,000. */
  readonly closeTimeoutMs?: number
  /**
   * Bytes in one fetch from one broker. Default 4 MiB: a fetch is decoded in one go, and nothing else runs meanwhile. A
   * larger record is fetched all the same.
   */
  readonly maxBytes?: number
  /** Bytes of one partition in a fetch. Default 1 MiB. */
  readonly maxBytesPerPartition?: number
  /** The codec that producers compress with. Default none. */
  readonly compression?: CodecName
  /** How long a producer tries to have a record stored before it rejects it. Default 30,000. */
  readonly deliveryTimeoutMs?: number
  /**
   * Default true: a record that is sent again is stored once. Without it, and where the user may not, it may be stored
   * twice.
   */
  readonly idempotent?: boolean
  /** A producer refuses a `sendBatch` while so many of its calls are in flight or wait. Default 1,000. */
  readonly maxPendingBatches?: number
  /** Called for the events of all consumers and producers. */
  readonly onEvent?: (event: BrokerEvent) => void
  readonly random?: () => number
}

const OPTIONS: OptionsOf<KafkaBrokerOptions> = {
  ...{ brokers: true, clientId: true, ssl: true, sasl: true, connectTimeoutMs: true, requestTimeoutMs: true },
  ...{ maxWaitMs: true, metadataAgeMs: true, sessionTimeoutMs: true, rebalanceTimeoutMs: true },
  ...{ groupInstanceId: true, heartbeatIntervalMs: true, commitIntervalMs: true, stuckAfterMs: true },
  ...{ closeTimeoutMs: true, maxBytes: true, maxBytesPerPartition: true, compression: true, deliveryTimeoutMs: true },
  ...{ idempotent: true, maxPendingBatches: true, onEvent: true, random: true },
}

/**
 * Makes a broker over Kafka and does not connect it yet. Throws `refused` for a compression without a codec, and a
 * ForewarmError 'bad-value' for an unknown option.
 */
export function createKafkaBroker(options: KafkaBrokerOptions): Broker {
  assertOptions('createKafkaBroker', options, OPTIONS)
  guardIdleTimers()
  const compressor = options.compression && COMPRESSORS[options.compression]
  const timing = timingOf(options)
  const random = options.random ?? Math.random
  const onEvent = guarded(options.onEvent)
  const opened = new Opened()
  let closing: Promise<void> | undefined

  return {
    kind: 'kafka',
    consumer: (consumerOptions) => {
      const isDynamic = consumerOptions.isDynamic === true
      const state = new ConsumerState(consumerOptions, { random, onEvent })
      return opened.add(
        new KafkaConsumer(options, state, isDynamic ? { ...timing, groupInstanceId: undefined } : timing),
      )
    },
    producer: () => {
      const { maxPendingBatches = 1000, deliveryTimeoutMs = 30_000, idempotent: isIdempotent = true } = options
      const { closeTimeoutMs } = timing
      const { requestTimeoutMs } = options
      const settings = { compressor, isIdempotent, deliveryTimeoutMs, maxPendingBatches, closeTimeoutMs, onEvent }
      return opened.add(new KafkaProducer(new Cluster(options), { ...settings, requestTimeoutMs }))
    },
    admin: () => opened.add(new KafkaAdmin(createKafkaClient(options), new Cluster(options))),
    close: () => {
      closing ??= opened.close()
      return closing
    },
  }
}

function timingOf(options: KafkaBrokerOptions): ConsumerTiming {
  const sessionTimeoutMs = options.sessionTimeoutMs ?? 10_000
  return {
    maxWaitMs: options.maxWaitMs ?? 20,
    metadataAgeMs: options.metadataAgeMs ?? 4_000,
    sessionTimeoutMs,
    rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? 60_000,
    groupInstanceId: options.groupInstanceId,
    heartbeatIntervalMs: Math.min(options.heartbeatIntervalMs ?? 250, Math.floor(sessionTimeoutMs / 3)),
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
