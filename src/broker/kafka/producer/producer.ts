import type { Producer as KafkaJsProducer } from 'kafkajs'
import kafkajs, { type CompressionTypes, type ICustomPartitioner, type Message } from 'kafkajs'
import { FAREWELL_MS, settlesWithin } from '../../deadline.ts'
import { BrokerError, type BrokerEvent, closed, type OutgoingRecord, type Producer } from '../../port.ts'
import { partitionCount, unknownTopics } from '../admin.ts'
import type { KafkaClient } from '../client.ts'
import { CLIENT_RETRY } from '../client.ts'
import { gatherHeaders } from '../consumer/batch.ts'
import { toBrokerError } from '../errors.ts'
import { PartitionTurns } from './partition-turns.ts'
import { sendingRecords } from './produce-request.ts'

const ACKS_ALL = -1
/** With CLIENT_RETRY's steps about 7 s: a new leader is there about 4 s after the old one died. */
const SEND_RETRIES = 9

export interface ProducerOptions {
  readonly compression: CompressionTypes
  /** Our own encoder is installed: records go as they are. */
  readonly takesRecords: boolean
  /** Calls of `sendBatch` that wait at once; one more is refused. */
  readonly maxPendingBatches: number
  /** How long a close waits for requests in flight, unless it is told otherwise. */
  readonly closeTimeoutMs: number
  readonly onEvent: (event: BrokerEvent) => void
}

/**
 * A call of `sendBatch` is one request to each broker that leads one of its partitions. KafkaJS may send two calls in
 * either order: the one that is encoded first wins, and a retry comes later. So calls that share a partition go one
 * after the other; calls that don't are in flight at once. A batch that fails does not hold up the next.
 */
export class KafkaProducer implements Producer {
  readonly #client: KafkaClient
  readonly #options: ProducerOptions
  readonly #producer: KafkaJsProducer
  readonly #turns = new PartitionTurns()
  readonly #topics = new Map<string, Promise<number>>()
  #state: 'new' | 'connected' | 'closed' = 'new'
  #closing: Promise<void> | undefined
  #away = false
  /** Closed, and whatever has not had its turn never gets one. */
  #isGone = false
  isClosed = false

  constructor(client: KafkaClient, options: ProducerOptions) {
    this.#client = client
    this.#options = options
    this.#producer = client.kafka.producer({
      createPartitioner: givenPartition,
      allowAutoTopicCreation: false,
      retry: { ...CLIENT_RETRY, retries: SEND_RETRIES },
    })
  }

  async connect(): Promise<void> {
    if (this.#state === 'closed') throw closed('the producer was closed: make a new one')
    try {
      await this.#producer.connect()
    } catch (error) {
      throw toBrokerError(error, 'connecting to Kafka')
    }
    this.#state = 'connected'
  }

  async sendBatch(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    if (this.#state !== 'connected') throw closed(`the producer is ${this.#state}, connected expected`)
    if (records.length === 0) return
    if (this.#turns.pending >= this.#options.maxPendingBatches) {
      const message = `${this.#turns.pending} batches are under way, at most ${this.#options.maxPendingBatches} expected`
      throw new BrokerError('refused', message, { retriable: true })
    }
    const partitions = new Set<number>()
    for (const record of records) partitions.add(record.partition)
    await this.#turns.take(topic, partitions, () => this.#send(topic, records, partitions))
  }

  async flush(): Promise<void> {
    await this.#turns.idle()
  }

  close({ flushMs = this.#options.closeTimeoutMs }: { readonly flushMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#disconnect(flushMs)
    return this.#closing
  }

  async #send(topic: string, records: readonly OutgoingRecord[], partitions: ReadonlySet<number>): Promise<void> {
    if (this.#isGone) throw closed('the producer was closed before it could send this')
    try {
      await this.#assertPartitions(topic, partitions)
      await this.#sendMessages(topic, records)
      this.#setAway(undefined)
    } catch (error) {
      const failure = toBrokerError(error, `sending ${records.length} records to ${topic}`)
      if (failure.code === 'unreachable') this.#setAway(failure)
      throw failure
    }
  }

  #sendMessages(topic: string, records: readonly OutgoingRecord[]): Promise<unknown> {
    const request = { topic, acks: ACKS_ALL, compression: this.#options.compression }
    if (!this.#options.takesRecords) return this.#producer.send({ ...request, messages: records.map(toMessage) })
    return sendingRecords(records, (messages) => this.#producer.send({ ...request, messages }))
  }

  /**
   * KafkaJS drops records of a partition that it doesn't know without a word, and needs all its retries to find that a
   * topic does not exist: so both are asked for first, once a topic.
   */
  async #assertPartitions(topic: string, partitions: ReadonlySet<number>): Promise<void> {
    const highest = Math.max(...partitions)
    let count = await this.#partitionCount(topic)
    if (highest >= count) {
      // It may have been given more since.
      this.#topics.delete(topic)
      count = await this.#partitionCount(topic)
    }
    const wrong = [...partitions].find((partition) => !(partition >= 0 && partition < count))
    if (wrong === undefined) return
    const message = `partition ${wrong} of ${topic}, 0 to ${count - 1} expected`
    throw new BrokerError('refused', message, { retriable: false })
  }

  #partitionCount(topic: string): Promise<number> {
    const known = this.#topics.get(topic)
    if (known !== undefined) return known
    const count = this.#askPartitionCount(topic)
    this.#topics.set(topic, count)
    count.catch(() => this.#topics.delete(topic))
    return count
  }

  async #askPartitionCount(topic: string): Promise<number> {
    const admin = this.#client.kafka.admin({ retry: {} })
    try {
      await admin.connect()
      const count = await partitionCount(admin, topic)
      if (count === undefined) throw unknownTopics([topic])
      return count
    } finally {
      await admin.disconnect().catch(() => undefined)
    }
  }

  #setAway(failure: BrokerError | undefined): void {
    const away = failure !== undefined
    if (away === this.#away) return
    this.#away = away
    this.#options.onEvent(failure ? { type: 'disconnected', reason: failure.message } : { type: 'reconnected' })
  }

  async #disconnect(flushMs: number): Promise<void> {
    this.#state = 'closed'
    // KafkaJS's disconnect drops what it has not sent.
    await settlesWithin(this.flush(), flushMs)
    this.#isGone = true
    // It waits for every answer that is still due, of a broker that hangs in vain.
    await settlesWithin(this.#producer.disconnect(), FAREWELL_MS)
    this.#client.sockets.destroyAll()
    this.isClosed = true
  }
}

function toMessage({ partition, key, value, headers, timestampMs }: OutgoingRecord): Message {
  const message: Message = { partition, key: key ?? null, value }
  if (headers !== undefined) message.headers = gatherHeaders(headers)
  // As text: KafkaJS takes the number 0 for no timestamp.
  if (timestampMs !== undefined) message.timestamp = String(timestampMs)
  return message
}

/** Retriable: KafkaJS's view of the topic is older than ours, and is refreshed between two attempts. */
class PartitionNotLoaded extends kafkajs.KafkaJSError {
  override readonly name = 'KafkaJSMetadataNotLoaded'
}

const givenPartition: ICustomPartitioner =
  () =>
  ({ topic, partitionMetadata, message: { partition = -1 } }) => {
    if (partition >= partitionMetadata.length) throw new PartitionNotLoaded(`partition ${partition} of ${topic}`)
    return partition
  }
