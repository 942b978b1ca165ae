import { setTimeout as delay } from 'node:timers/promises'
import {
  createMemoryBroker,
  createNode,
  type Detector,
  type ForewarmNode,
  type MemoryBroker,
  type NodeStats,
  virtualClock,
} from '../index.ts'
import { DEAD_LETTER_SUFFIX, deadLetterTopic } from '../schemas/topics.ts'
import { letterOrigin } from '../src/broker/dead-letter.ts'
import { partitionName } from '../src/broker/partition-name.ts'
import type { Broker, OutgoingRecord, Producer } from '../src/broker/port.ts'
import { withAdmin } from '../src/broker/with-admin.ts'
import type { ReplayRecord } from '../src/replay/replay-record.ts'
import type { InProcessSink } from '../src/replay/sink/process.ts'
import { LostLedger, type LostRecords, type SourceOrigin } from '../src/replay/source/source.ts'
import { openTopics } from '../src/replay/source/topic.ts'
import { UsageError } from './usage-error.ts'

const BATCH_RECORDS = 500
const MOST_WAITING = 20_000
/** Records kept in a partition: more than may wait, so that none is dropped before the node has read it. */
const KEPT_RECORDS = 2 * MOST_WAITING
/** Kafka's highest limit: any records that a topic held fit again, many in one batch. */
const LARGEST_BATCH_BYTES = 2 ** 31 - 1
const POLL_MS = 1
const LONGEST_TTL_SECONDS = 31_536_000

export interface InProcessNodeOptions {
  readonly detectors: readonly Detector[]
  readonly configFile: string | undefined
  /** The topics of the source that are no price topics. */
  readonly ownTopics: ReadonlySet<string>
}

/** A node that a replay runs through: its broker and L2 are in this process, and its clock follows the records. */
export class InProcessNode implements InProcessSink {
  readonly #options: InProcessNodeOptions
  readonly #batches = new Map<string, OutgoingRecord[]>()
  #broker: MemoryBroker | undefined
  #node: ForewarmNode | undefined
  /** The topics of the node's dead letters, without those that hold recorded ones. */
  #letterTopics: ReadonlySet<string> = new Set()
  readonly #refused = new LostLedger()
  #closed: Promise<void> | undefined
  #producer: Producer | undefined
  #buffered = 0
  /** Whether the buffered records are warm requests; they are prices otherwise. */
  #isWarmRequest = false

  constructor(options: InProcessNodeOptions) {
    this.#options = options
  }

  async open({ topics }: SourceOrigin): Promise<void> {
    const { ownTopics, detectors, configFile } = this.#options
    const priceTopics = [...topics.keys()].filter(
      (topic) => !ownTopics.has(topic) && !topic.endsWith(DEAD_LETTER_SUFFIX),
    )
    if (priceTopics.length === 0)
      throw new UsageError(`--in-process: there is no price topic among ${[...topics.keys()].join(', ')}`)
    this.#letterTopics = new Set(priceTopics.map(deadLetterTopic).filter((topic) => !topics.has(topic)))
    this.#broker = await brokerWith(topics)
    this.#node = await createNode({
      broker: this.#broker,
      l2: 'memory',
      clock: virtualClock(),
      start: 'earliest',
      acceptReplays: true,
      detectors,
      logLevel: 'error',
      config: {
        kafka: { priceTopics },
        node: { roles: ['correlate', 'detect', 'warm'] },
        // Nothing expires, however many days a recording spans: the state hash covers every pair.
        cache: { l1TtlSeconds: LONGEST_TTL_SECONDS, l2TtlSeconds: LONGEST_TTL_SECONDS },
      },
      ...(configFile !== undefined && { configFile }),
    })
    await this.#node.start()
    this.#producer = this.#broker.producer()
    await this.#producer.connect()
  }

  /** Prices and warm requests keep their order: the node finishes one kind before the other begins. */
  apply(record: ReplayRecord): Promise<void> | undefined {
    const isWarmRequest = record.topic === this.#node?.config.kafka.warmRequestsTopic
    if (this.#buffered > 0 && isWarmRequest !== this.#isWarmRequest)
      return this.#send(0).then(() => this.#add(record, isWarmRequest))
    this.#add(record, isWarmRequest)
    return this.#buffered >= BATCH_RECORDS ? this.#send(MOST_WAITING) : undefined
  }

  /** Resolves when the node has handled everything. */
  flush(): Promise<void> {
    return this.#send(0)
  }

  /** The hash of the node's own state: a price that it dropped is missing in it. */
  stateHash(): Promise<string> {
    return this.#node?.stateHash() ?? Promise.reject(new Error('the node was not opened'))
  }

  stats(): NodeStats | undefined {
    return this.#node?.stats()
  }

  /** What the node refused, by reason. It is known once the node is closed. */
  get refused(): readonly LostRecords[] {
    return this.#refused.list()
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await this.#node?.close()
    await this.#producer?.close()
    if (this.#broker !== undefined) await this.#readLetters(this.#broker)
    await this.#broker?.close()
  }

  async #readLetters(broker: Broker): Promise<void> {
    const topics = (await withAdmin(broker, (admin) => admin.topics())).filter((topic) => this.#letterTopics.has(topic))
    if (topics.length === 0) return
    const letters = await openTopics({ broker, topics })
    for await (const records of letters.read(new AbortController().signal)) {
      for (const { headers } of records) {
        const letter = letterOrigin(headers)
        if (letter === undefined) continue
        const place = `${partitionName(letter)}, record of ${new Date(letter.timestampMs).toISOString()}`
        this.#refused.add(letter.reason, 1, `${place}: ${letter.detail}`)
      }
    }
  }

  #add(record: ReplayRecord, isWarmRequest: boolean): void {
    const { topic, offset: _, key, value = null, ...rest } = record
    const batch = this.#batches.get(topic) ?? []
    this.#batches.set(topic, batch)
    batch.push({ ...rest, value, ...(key !== undefined && { key }) })
    this.#isWarmRequest = isWarmRequest
    this.#buffered++
  }

  async #send(mostWaiting: number): Promise<void> {
    const batches = [...this.#batches]
    this.#batches.clear()
    this.#buffered = 0
    for (const [topic, records] of batches) await this.#producer?.sendBatch(topic, records)
    while (this.#waiting() > mostWaiting) await delay(POLL_MS)
  }

  #waiting(): number {
    const stats = this.#node?.stats()
    if (stats === undefined) return 0
    return stats.lagRecords + stats.warmRequests.lagRecords + stats.warmRequests.waiting
  }
}

async function brokerWith(topics: SourceOrigin['topics']): Promise<MemoryBroker> {
  const broker = createMemoryBroker({ maxRecordsPerPartition: KEPT_RECORDS })
  const config = { 'max.message.bytes': String(LARGEST_BATCH_BYTES) }
  const specs = [...topics].map(([topic, partitions]) => ({ topic, partitions, config }))
  await withAdmin(broker, (admin) => admin.createTopics(specs))
  return broker
}
