import { partitionName } from '../../broker/partition-name.ts'
import { type Admin, BrokerError, type OutgoingRecord, type Producer } from '../../broker/port.ts'
import { ReplayError } from '../replay-error.ts'
import type { LostLedger } from '../source/source.ts'
import type { ReplayTarget } from './sink.ts'

const BATCH_RECORDS = 1000
const BATCH_BYTES = 512 * 1024

/** Retention goes by the records' timestamps. With a limit, an old recording would be deleted while it is written. */
const CREATED_WITH = { 'retention.ms': '-1' }
const AHEAD_SETTING = 'message.timestamp.after.max.ms'
const TYPE_SETTING = 'message.timestamp.type'
const RETENTION_SETTING = 'retention.ms'

export interface TargetState {
  readonly topic: string
  readonly partitions: number
  readonly created: boolean
  /** How far ahead of the clock the broker accepts a timestamp; Infinity if it has no limit. */
  readonly maxAheadMs: number
  /** How long the broker keeps a record, by the record's timestamp; Infinity for ever. */
  readonly retentionMs: number
}

/** Finds the topic or creates it. */
export async function openTarget(admin: Admin, topic: string, partitions: number): Promise<TargetState> {
  const created = (await admin.createTopics([{ topic, partitions, config: CREATED_WITH }])).length > 0
  const config = await admin.topicConfig(topic, [AHEAD_SETTING, TYPE_SETTING, RETENTION_SETTING])
  const found = await admin.partitions(topic)
  return { topic, partitions: found ?? partitions, created, ...timestampLimits(config) }
}

/** Brokers before 3.6 lack the setting and have no limit. With append time a broker overwrites the timestamps. */
function timestampLimits(config: ReadonlyMap<string, string>): Pick<TargetState, 'maxAheadMs' | 'retentionMs'> {
  const isAppendTime = config.get(TYPE_SETTING) === 'LogAppendTime'
  const limit = (name: string) => {
    const value = Number(config.get(name) ?? -1)
    return isAppendTime || value < 0 ? Number.POSITIVE_INFINITY : value
  }
  return { maxAheadMs: limit(AHEAD_SETTING), retentionMs: limit(RETENTION_SETTING) }
}

/** A topic that is written in batches. While one is sent, the next is filled. */
export class TargetTopic {
  readonly partitions: number
  readonly #state: TargetState
  readonly #producer: Producer
  readonly #failed: LostLedger
  #batch: OutgoingRecord[] = []
  #batchBytes = 0
  #records = 0
  #expiring = 0
  /** The batch that is sent. One at a time: two might overtake each other. */
  #sending: Promise<void> = Promise.resolve()

  constructor(state: TargetState, producer: Producer, failed: LostLedger) {
    this.partitions = state.partitions
    this.#state = state
    this.#producer = producer
    this.#failed = failed
  }

  /** Throws `timestamp-ahead` for a record that the broker would refuse. */
  add(record: OutgoingRecord & { readonly timestampMs: number }, nowMs: number): Promise<void> | undefined {
    const aheadMs = record.timestampMs - nowMs
    if (aheadMs > this.#state.maxAheadMs) {
      const at = new Date(record.timestampMs).toISOString()
      throw new ReplayError(
        'timestamp-ahead',
        `a record of ${at} is ${Math.round(aheadMs / 1000)} s ahead of the clock, and the broker of ${this.#state.topic} takes at most ` +
          `${this.#state.maxAheadMs / 1000} s (${AHEAD_SETTING}): replay with timestamps "now", or raise the setting`,
      )
    }
    if (-aheadMs > this.#state.retentionMs) this.#expiring++
    this.#batch.push(record)
    this.#batchBytes += (record.key?.length ?? 0) + (record.value?.length ?? 0)
    const isFull = this.#batch.length >= BATCH_RECORDS || this.#batchBytes >= BATCH_BYTES
    return isFull ? this.#sendBatch() : undefined
  }

  async flush(): Promise<void> {
    await this.#sendBatch()
    await this.#sending
  }

  report(): ReplayTarget {
    const { topic, partitions, created } = this.#state
    return { topic, partitions, created, records: this.#records, expiring: this.#expiring }
  }

  /** Resolves when the batch before has arrived and this one is being sent. */
  async #sendBatch(): Promise<void> {
    const batch = this.#batch
    this.#batch = []
    this.#batchBytes = 0
    await this.#sending
    if (batch.length === 0) return
    this.#sending = this.#sendAll(batch)
    // The next send or flush awaits it and gets the error. Until then it must not count as unhandled.
    this.#sending.catch(() => undefined)
  }

  /**
   * Makes a call for each partition, as a partition's records are stored all or none. In a call for several partitions, the records
   * of one may be refused while others are stored; these would be stored twice after the next attempt.
   */
  async #sendAll(batch: readonly OutgoingRecord[]): Promise<void> {
    const byPartition = Map.groupBy(batch, ({ partition }) => partition)
    await Promise.all([...byPartition.values()].map((records) => this.#send(records)))
  }

  /** Records may be too large together. Halving leaves over only those that are too large themselves. */
  async #send(batch: readonly OutgoingRecord[]): Promise<void> {
    try {
      await this.#producer.sendBatch(this.#state.topic, batch)
      this.#records += batch.length
    } catch (cause) {
      if (!(cause instanceof BrokerError) || cause.code !== 'too-large') throw cause
      const [first] = batch
      if (batch.length === 1 && first !== undefined) {
        this.#failed.add('too-large', 1, partitionName({ topic: this.#state.topic, partition: first.partition }))
        return
      }
      const middle = batch.length >> 1
      await this.#send(batch.slice(0, middle))
      await this.#send(batch.slice(middle))
    }
  }
}
