import { failuresOf } from '../../broker/batch-error.ts'
import { partitionName } from '../../broker/partition-name.ts'
import type { Admin, OutgoingRecord, Producer } from '../../broker/port.ts'
import {
  expiryText,
  isExpiring,
  refusalOf,
  type TimeLimits,
  timeLimitsOf,
  type WrittenAt,
} from '../../broker/topic-times.ts'
import { ReplayError } from '../replay-error.ts'
import type { ReplayRecord } from '../replay-record.ts'
import type { LostLedger } from '../source/source.ts'
import type { WrittenTimes } from '../timestamps.ts'
import type { ReplayTarget } from './sink.ts'

const BATCH_RECORDS = 1000
const BATCH_BYTES = 512 * 1024

/** Retention goes by the records' timestamps. With a limit, an old recording would be deleted while it is written. */
const CREATED_WITH = { 'retention.ms': '-1' }

export interface TargetState extends TimeLimits {
  readonly partitions: number
  readonly created: boolean
}

/** Finds the topic or creates it. */
export async function openTarget(admin: Admin, topic: string, partitions: number): Promise<TargetState> {
  const created = (await admin.createTopics([{ topic, partitions, config: CREATED_WITH }])).length > 0
  const limits = await timeLimitsOf(admin, topic)
  return { ...limits, partitions: (await admin.partitions(topic)) ?? partitions, created }
}

/** A topic that is written in batches. While one is sent, the next is filled. */
export class TargetTopic {
  readonly partitions: number
  readonly #state: TargetState
  readonly #producer: Producer
  readonly #failed: LostLedger
  #batch: OutgoingRecord[] = []
  /** The records of the source that the batch is made of. */
  #sources: ReplayRecord[] = []
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

  /** Throws `timestamp-ahead` if the broker would refuse one of the records. Returns whether it will delete some at once. */
  check({ first, last }: WrittenTimes): string[] {
    for (const written of [first, last]) this.#assertTaken(written)
    if (!isExpiring(this.#state, first)) return []
    return [`${expiryText(this.#state, first)}; replay with timestamps "shift" or "now", or set retention.ms=-1`]
  }

  /** Counts a record whose time the broker would refuse. */
  add(source: ReplayRecord, partition: number, nowMs: number): Promise<void> | undefined {
    const { topic: _, offset: __, key, value = null, ...rest } = source
    const record: OutgoingRecord = { ...rest, partition, value, ...(key !== undefined && { key }) }
    const written = { timestampMs: source.timestampMs, atMs: nowMs }
    const refusal = refusalOf(this.#state, written)
    if (refusal !== undefined) {
      this.#failed.add('timestamp-ahead', 1, `${placeOf(source)}: ${refusal}`)
      return undefined
    }
    if (isExpiring(this.#state, written)) this.#expiring++
    this.#batch.push(record)
    this.#sources.push(source)
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
    const sources = this.#sources
    this.#batch = []
    this.#sources = []
    this.#batchBytes = 0
    await this.#sending
    if (batch.length === 0) return
    this.#sending = this.#send(batch, sources)
    // The next send or flush awaits it and gets the error. Until then it must not count as unhandled.
    this.#sending.catch(() => undefined)
  }

  /** Counts the records that the broker refuses one by one. Rejects for any other failure. */
  async #send(batch: readonly OutgoingRecord[], sources: readonly ReplayRecord[]): Promise<void> {
    const { topic } = this.#state
    try {
      await this.#producer.sendBatch(topic, batch)
      this.#records += batch.length
    } catch (error) {
      const failureAt = failuresOf(error)
      const failures = batch.flatMap(({ partition }, place) => {
        const failure = failureAt(place)
        return failure === undefined ? [] : [{ failure, partition, source: sources[place] }]
      })
      this.#records += batch.length - failures.length
      for (const { failure, partition, source } of failures) {
        if (failure.code === 'too-large') this.#failed.add('too-large', 1, partitionName({ topic, partition }))
        else if (failure.code !== 'refused' || failure.retriable || source === undefined) throw failure
        else this.#failed.add('refused', 1, `${placeOf(source)}: ${failure.message}`)
      }
    }
  }

  #assertTaken(written: WrittenAt): void {
    const refusal = refusalOf(this.#state, written)
    if (refusal !== undefined)
      throw new ReplayError('timestamp-ahead', `${refusal}: replay with timestamps "now", or raise the setting`)
  }
}

function placeOf(record: ReplayRecord): string {
  return `${partitionName(record)} offset ${record.offset}`
}
