import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { TopicPartition } from '../../../src/broker/port.ts'
import type { Overrides } from '../../../src/config/settings.ts'
import { kafkaBrokers, redisUrl, uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { onKafka } from '../../node/kafka-stage.ts'
import { type Stage, topicNames } from '../../node/stage.ts'
import { Market, type MarketOptions } from './market.ts'
import { Reader, sharedOut } from './readers.ts'

const CHILD = fileURLToPath(new URL('./child-node.ts', import.meta.url))
const SESSION_MS = 3_000
/** Generous, as the machine may be busy: a pair that stands still is behind without end. */
export const FRESH_MS = 1_500

export interface FleetOptions extends Pick<MarketOptions, 'pairs'> {
  /** How many partitions each topic has. */
  readonly topics: readonly number[]
  /** The places among all partitions, and the keys. */
  readonly placeOf: (all: readonly TopicPartition[]) => MarketOptions['placeOf']
}

/** Two nodes that read a market of which each gets a part, and what the market finds wrong with that. */
export class Fleet {
  readonly stage: Stage
  readonly topics: readonly string[]
  readonly all: TopicPartition[]
  readonly market: Market
  readonly readers: readonly Reader[]

  constructor(stage: Stage, { topics, pairs, placeOf }: FleetOptions) {
    this.stage = stage
    this.topics = topics.map(() => uniqueName('prices.nodes'))
    this.all = topics.flatMap((partitions, at) =>
      Array.from({ length: partitions }, (_, partition) => ({ topic: this.topics[at] ?? '', partition })),
    )
    this.market = new Market(stage, { pairs, placeOf: placeOf(this.all) })
    this.readers = [new Reader(this.market), new Reader(this.market)]
  }

  get config(): Overrides {
    return {
      kafka: { priceTopics: this.topics, sessionTimeoutMs: SESSION_MS, metadataAgeMs: 500 },
      warming: { rollout: 'full', controlShare: 0 },
    }
  }

  async open(partitions: readonly number[], nodes = 2): Promise<void> {
    const specs = this.topics.map((topic, at) => ({ topic, partitions: partitions[at] ?? 1 }))
    await this.stage.admin.createTopics(specs)
    const started = this.readers.slice(0, nodes)
    await Promise.all(started.map((reader) => reader.start(this.stage, this.config)))
    if (nodes > 1) await sharedOut(this.stage, started, this.all)
  }

  /** Every pair is fresh on both nodes, and they have read on since. */
  async isFresh(what: string, readers: readonly Reader[] = this.readers): Promise<void> {
    await until(what, () => {
      if (this.market.failure !== undefined) throw this.market.failure
      return readers.every((reader) => reader.isFresh(FRESH_MS))
    })
    const reads = readers.map(({ state }) => state.reads)
    await until('many more reads are made', () =>
      readers.every(({ state }, at) => state.reads >= (reads[at] ?? 0) + 100 * this.market.pairs.length),
    )
  }

  /** Waits until the nodes know the moments of so many sources: partitions, a topic as a whole, and all topics. */
  async knowsSources(count: number): Promise<void> {
    const known = ({ node }: Reader) =>
      new Float64Array(node?.sharedPrices.sources ?? new SharedArrayBuffer(0)).filter(Number.isFinite).length
    await until(`every node knows ${count} sources`, () => this.readers.every((reader) => known(reader) === count))
  }

  /** Each of the pairs was read as one of the updates after these. */
  async hasRead(since: number, readers: readonly Reader[] = this.readers): Promise<void> {
    const { pairs } = this.market
    await until(`every pair is read as after update ${since}`, () =>
      readers.every(({ state }) => pairs.every((_, pair) => (state.updates[pair] ?? 0) > since)),
    )
  }

  async close(): Promise<void> {
    for (const reader of this.readers) reader.close()
    await this.market.close()
  }
}

export function onFleet(options: FleetOptions, body: (fleet: Fleet) => Promise<void>, nodes = 2): Promise<void> {
  return onKafka({}, async (stage) => {
    const fleet = new Fleet(stage, options)
    try {
      await fleet.open(options.topics, nodes)
      await body(fleet)
    } finally {
      await fleet.close()
    }
  })
}

/** A node of the fleet's service in a process of its own. Resolves when it reads. */
export async function startChild({ stage, config }: Fleet): Promise<ChildProcess> {
  const settings: Overrides = {
    ...config,
    kafka: { ...config.kafka, ...topicNames(stage), brokers: kafkaBrokers() },
    node: { service: stage.service },
    cache: { redisUrls: [redisUrl()], l1Slots: 1_000, maxPairs: 10_000 },
    http: { port: 0 },
  }
  const child = fork(CHILD, [JSON.stringify(settings)], { execArgv: ['--disable-warning=ExperimentalWarning'] })
  await once(child, 'message')
  return child
}
