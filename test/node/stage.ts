import { createNode, type ForewarmNode } from '../../node/node.ts'
import type { NodeOptions } from '../../node/options.ts'
import type { WarmPublisher } from '../../producers/warm-publisher.ts'
import { encodePriceJson } from '../../schemas/price-json.ts'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { deadLetterTopic, pairKey, partitionOf } from '../../schemas/topics.ts'
import type { Admin, Broker, Consumer, OutgoingRecord, Producer } from '../../src/broker/port.ts'
import type { Overrides } from '../../src/config/settings.ts'
import type { Detector } from '../../src/detect/detector.ts'
import { createWarmPublisher } from '../../standalone/warm-publisher.ts'
import { type Seen, seenIn } from '../broker/conformance/stage.ts'
import { uniqueName } from '../harness/kafka.ts'
import { until } from '../harness/until.ts'

export interface StageOptions {
  readonly broker: Broker
  /** The broker of the nodes. Default: `broker`, which the test itself uses. */
  readonly nodeBroker?: Broker
  /** Without it, each node has its own L2 in memory. */
  readonly redisUrl?: string
  readonly partitions?: number
  /** The configuration of the price topic. */
  readonly topicConfig?: Readonly<Record<string, string>>
}

export interface StageNodeOptions extends Omit<NodeOptions, 'config' | 'broker' | 'l2'> {
  readonly detectors?: readonly Detector[]
  readonly config?: Overrides
}

/** A price topic on a broker, the nodes that read it, a producer that writes to it, and consumers of its results. */
export class Stage {
  readonly broker: Broker
  readonly topic = uniqueName('prices.node')
  readonly service = uniqueName('node')
  readonly topics = {
    warmRequests: uniqueName('warm-requests'),
    warmResults: uniqueName('warm-results'),
    correlations: uniqueName('correlations'),
    control: uniqueName('forewarm-control'),
  }
  readonly partitions: number
  readonly admin: Admin
  readonly producer: Producer
  readonly #nodeBroker: Broker
  readonly #redisUrl: string | undefined
  readonly #opened: { close(): Promise<void> }[] = []

  constructor({ broker, nodeBroker = broker, redisUrl, partitions = 1 }: StageOptions) {
    this.broker = broker
    this.#nodeBroker = nodeBroker
    this.partitions = partitions
    this.#redisUrl = redisUrl
    this.admin = broker.admin()
    this.producer = broker.producer()
  }

  /** Creates a node without starting it. */
  async node({ config, ...options }: StageNodeOptions = {}): Promise<ForewarmNode> {
    const node = await createNode({
      broker: this.#nodeBroker,
      l2: this.#redisUrl === undefined ? 'memory' : 'redis',
      env: {},
      logLevel: 'silent',
      ...options,
      config: this.#config(config ?? {}),
    })
    this.#opened.push(node)
    return node
  }

  async startNode(options: StageNodeOptions = {}): Promise<ForewarmNode> {
    const node = await this.node(options)
    await node.start()
    return node
  }

  async warmPublisher(): Promise<WarmPublisher> {
    const publisher = await createWarmPublisher({
      broker: this.broker,
      env: {},
      config: {
        kafka: topicNames(this),
        node: { service: this.service },
      },
    })
    this.#opened.push(publisher)
    return publisher
  }

  partitionOf(chain: string): number {
    return partitionOf(chain, this.partitions)
  }

  /** Sends one record for each update, in order. Resolves when all are stored. */
  async produce(...updates: readonly PriceUpdate[]): Promise<void> {
    await this.produceRecords(
      ...updates.map((update) => ({
        partition: this.partitionOf(update.chain),
        key: pairKey(update.chain, update.pair),
        value: encodePriceJson(update),
      })),
    )
  }

  async produceRecords(...records: readonly OutgoingRecord[]): Promise<void> {
    await this.producer.sendBatch(this.topic, records)
  }

  /** The records of a topic, those from now on unless `from` is given; the list grows as they arrive. */
  async watch(topic: string, from: 'earliest' | 'latest' = 'latest'): Promise<readonly Seen[]> {
    const seen: Seen[] = []
    const consumer = this.broker.consumer({
      mode: 'broadcast',
      groupId: uniqueName('watch'),
      topics: [topic],
      start: { at: from },
      onBatch: async (batch) => {
        seen.push(...seenIn(batch))
        return batch.count
      },
    })
    this.#opened.push(closable(consumer))
    await consumer.start()
    return seen
  }

  /** Every dead letter of the price topic, the oldest first in each partition, once there are `count`. */
  async deadLetters(count: number): Promise<readonly Seen[]> {
    const letters = await this.watch(deadLetterTopic(this.topic), 'earliest')
    await until(`${count} dead letters`, () => letters.length >= count)
    return letters
  }

  /** The committed offsets of the group of `service`, summed over the partitions. */
  async committed(service: string = this.service): Promise<number> {
    const offsets = await this.admin.committed(`forewarm.${service}`, this.topic)
    return offsets.reduce((sum, { offset }) => sum + Number(offset ?? 0n), 0)
  }

  async close(): Promise<void> {
    for (const opened of this.#opened.toReversed()) await opened.close()
    await this.producer.close()
    await this.admin.close()
    await this.#nodeBroker.close()
    await this.broker.close()
  }

  #config(config: Overrides): Overrides {
    const redis = this.#redisUrl === undefined ? {} : { redisUrls: [this.#redisUrl] }
    const names = topicNames(this)
    return {
      ...config,
      kafka: { priceTopics: [this.topic], ...names, ...config.kafka },
      // After the default second of a handler or a close, a stall would repeat updates or run too many handlers at once.
      // Each node's watchdog would be a thread of its own.
      node: { service: this.service, detectorTimeoutMs: 60_000, drainTimeoutMs: 60_000, watchdogMs: 0, ...config.node },
      // A busy machine may exceed the default timeouts of Redis (250 ms) and of a warm (50 ms).
      cache: { l1Slots: 1_000, maxPairs: 10_000, redisCommandTimeoutMs: 5_000, ...redis, ...config.cache },
      warming: { rollout: 'full', timeoutMs: 5_000, ...config.warming },
      // Their group and their records would be in the way of what a test counts.
      schedules: { enabled: false, ...config.schedules },
      http: { port: 0, ...config.http },
    }
  }
}

/** The stage's own topics, as settings. */
export function topicNames({ topics }: Pick<Stage, 'topics'>) {
  const { warmRequests: warmRequestsTopic, warmResults: warmResultsTopic, correlations: correlationsTopic } = topics
  return { warmRequestsTopic, warmResultsTopic, correlationsTopic, controlTopic: topics.control }
}

/** Connects a stage and creates its price topic. */
export async function openStage(options: StageOptions): Promise<Stage> {
  const stage = new Stage(options)
  await Promise.all([stage.admin.connect(), stage.producer.connect()])
  const config = options.topicConfig === undefined ? {} : { config: options.topicConfig }
  await stage.admin.createTopics([{ topic: stage.topic, partitions: stage.partitions, ...config }])
  return stage
}

/** Opens a stage for the body, and closes it whatever happens. */
export async function onStage<T>(options: StageOptions, body: (stage: Stage) => Promise<T>): Promise<T> {
  const stage = await openStage(options)
  try {
    return await body(stage)
  } finally {
    await stage.close()
  }
}

/** The text of a header; the last one if it repeats. */
export function header(seen: Seen, name: string): string | undefined {
  return seen.headers.findLast(([each]) => each === name)?.[1]
}

let lastMs = 0

/** An update of now, later than all updates before it. */
export function updateOf(pair: string, rest: Partial<PriceUpdate> = {}): PriceUpdate {
  lastMs = Math.max(lastMs + 1, Date.now())
  return { pair, chain: 'ethereum', price: 1, eventTimeMs: lastMs, ...rest }
}

function closable(consumer: Consumer): { close(): Promise<void> } {
  return { close: () => consumer.stop() }
}
