import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import {
  createMemoryBroker,
  createNode,
  type Detector,
  type ForewarmNode,
  type FormatRule,
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
/** The node usually needs a few turns of the event loop. A timer would take longer. */
const POLLED_TURNS = 100
const LONGEST_TTL_SECONDS = 31_536_000

export interface InProcessNodeOptions {
  readonly detectors: readonly Detector[]
  /** Before those of the settings file. */
  readonly formats?: readonly FormatRule[]
  readonly configFile: string | undefined
  /** The topics of the source that are no price topics. */
  readonly ownTopics: ReadonlySet<string>
}

/** A node that a replay runs through: its broker and L2 are in this process, and its clock follows the records. */
export class InProcessNode implements InProcessSink {
  /** The node itself bounds what its detectors take. */
  readonly timeoutMs = Number.POSITIVE_INFINITY
  readonly #options: InProcessNodeOptions
  #broker: MemoryBroker | undefined
  #node: ForewarmNode | undefined
  /** The topics of the node's dead letters. */
  #letterTopics: ReadonlySet<string> = new Set()
  /** What the node writes itself: no node reads letters, and detectors find their outputs anew. */
  #leftOut: ReadonlySet<string> = new Set()
  readonly #refused = new LostLedger()
  #closed: Promise<void> | undefined
  #producer: Producer | undefined
  #buffered: OutgoingRecord[] = []
  /** The topic of the last record. */
  #topic = ''

  constructor(options: InProcessNodeOptions) {
    this.#options = options
  }

  async open({ topics }: SourceOrigin): Promise<void> {
    const { ownTopics, detectors, formats = [], configFile } = this.#options
    const outputs = detectors.flatMap(({ output = [] }) => output)
    const priceTopics = [...topics.keys()].filter(
      (topic) => !ownTopics.has(topic) && !topic.endsWith(DEAD_LETTER_SUFFIX) && !outputs.includes(topic),
    )
    if (priceTopics.length === 0)
      throw new UsageError(`--in-process: there is no price topic among ${[...topics.keys()].join(', ')}`)
    this.#letterTopics = new Set(priceTopics.map(deadLetterTopic))
    this.#leftOut = new Set([...this.#letterTopics, ...outputs])
    this.#broker = await brokerWith(topics)
    this.#node = await createNode({
      broker: this.#broker,
      l2: 'memory',
      clock: virtualClock(),
      start: 'earliest',
      acceptReplays: true,
      detectors,
      formats,
      logLevel: 'warn',
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

  /** Records of several topics keep their order: the node finishes those of one topic before the next begins. */
  apply(record: ReplayRecord): Promise<void> | undefined {
    if (this.#leftOut.has(record.topic)) return undefined
    if (this.#topic !== '' && record.topic !== this.#topic) return this.#send(0).then(() => this.#add(record))
    this.#add(record)
    return this.#buffered.length >= BATCH_RECORDS ? this.#send(MOST_WAITING) : undefined
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

  /** It may grow until the node is closed. */
  get strayErrors(): number {
    return this.#node?.stats().strayErrors ?? 0
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
    await withAdmin(broker, async (admin) => {
      for (const topic of topics)
        for (const { low } of await admin.offsets(topic))
          if (low > 0n) this.#refused.add('earlier-ones', Number(low), `before those that ${topic} still has`)
    })
    for await (const records of letters.read(new AbortController().signal)) {
      for (const { headers } of records) {
        const letter = letterOrigin(headers)
        if (letter === undefined) continue
        const place = `${partitionName(letter)}, record of ${new Date(letter.timestampMs).toISOString()}`
        this.#refused.add(letter.reason, 1, `${place}: ${letter.detail}`)
      }
    }
  }

  #add(record: ReplayRecord): void {
    const { topic, offset: _, partition: __, key, value = null, ...rest } = record
    this.#topic = topic
    this.#buffered.push({ ...rest, partition: 0, value, ...(key !== undefined && { key }) })
  }

  async #send(mostWaiting: number): Promise<void> {
    const records = this.#buffered
    this.#buffered = []
    if (records.length > 0) await this.#producer?.sendBatch(this.#topic, records)
    for (let turn = 0; this.#waiting() > mostWaiting; turn++) await (turn < POLLED_TURNS ? nextTurn() : delay(POLL_MS))
  }

  #waiting(): number {
    const stats = this.#node?.stats()
    if (stats === undefined) return 0
    return stats.lagRecords + stats.warmRequests.lagRecords + stats.warmRequests.waiting
  }
}

/** One partition for each topic: a partition apart from the others would be handled before or after its time. */
async function brokerWith(topics: SourceOrigin['topics']): Promise<MemoryBroker> {
  const broker = createMemoryBroker({ maxRecordsPerPartition: KEPT_RECORDS })
  const config = { 'max.message.bytes': String(LARGEST_BATCH_BYTES) }
  const specs = [...topics.keys()].map((topic) => ({ topic, partitions: 1, config }))
  await withAdmin(broker, (admin) => admin.createTopics(specs))
  return broker
}
