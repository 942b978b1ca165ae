import { setTimeout as pause } from 'node:timers/promises'
import {
  type Broker,
  createKafkaBroker,
  createNode,
  createPricePublisher,
  detector,
  type ForewarmNode,
  type Prices,
  type PriceUpdate,
} from '../../../index.ts'
import type { RolloutMode } from '../../../schemas/control/rollout-modes.ts'
import { withAdmin } from '../../../src/broker/with-admin.ts'
import type { PriceTape } from '../../../src/simulate/traffic/price-tape.ts'
import type { Stage } from '../../stages/stage.ts'

export interface DetectingDay {
  readonly tape: PriceTape
  readonly redisUrl: string
  readonly rollout: RolloutMode
  /** LOOK_AHEAD_MS; its default unless given. */
  readonly lookAheadMs?: number | undefined
  /** What the detector does on an update: it reads these pairs. */
  readonly read: (prices: Prices, chain: string, pairs: readonly string[]) => Promise<unknown>
  /** So many of the day, its first ones. */
  readonly sweeps: number
}

export interface DetectedDay {
  /** Milliseconds of each update until its handler had settled, since the node took it up: after the one before it. */
  readonly turnMs: readonly number[]
  /** The same since the node was handed its batch: the updates before it in the batch come first. */
  readonly batchMs: readonly number[]
  readonly hitRatio: number
  /** Warms that went into L1. */
  readonly warms: number
  /** The hit ratio that shadow predicts; undefined but for shadow. */
  readonly predicted: number | undefined
}

const CHAIN = 'polygon'
const L1_SHARE = 0.05
/** Redis is written behind: the first sweep begins when it has the prices. */
const WRITTEN_MS = 500

/**
 * A node at work: each sweep of the recorded day is published at once, at the time that it is now, and the next one when
 * all handlers of its updates have settled. Before the day, each pair has an update, so that Redis has its price.
 */
export async function detectDay(stage: Stage, day: DetectingDay): Promise<DetectedDay> {
  const { tape, rollout, redisUrl, lookAheadMs } = day
  const { brokers } = await stage.backends()
  const broker = createKafkaBroker({ brokers, clientId: 'bench-detect' })
  const topic = await stage.topic(1)
  const names = tape.names ?? []
  const run = new Run(day, names)
  const node = await createNode({
    broker: run.timed(broker),
    detectors: [detector('siblings', {}, (update, prices) => run.detect(update, prices))],
    start: 'earliest',
    env: {},
    logLevel: 'warn',
    config: {
      kafka: { priceTopics: [topic] },
      node: { service: stage.unique('detect'), lookAheadMs },
      // No control group: the day without warming is the comparison.
      warming: { rollout, controlShare: 0 },
      cache: { l1Slots: Math.round(tape.pairs * L1_SHARE), redisUrls: [redisUrl] },
      http: { port: 0 },
    },
  })
  const producer = broker.producer()
  await producer.connect()
  const publisher = createPricePublisher({ producer, topic, partitions: 1 })
  try {
    await node.start()
    await run.publish(publisher, names)
    await pause(WRITTEN_MS)
    return await run.day(node, publisher)
  } finally {
    await node.close()
    await producer.close()
    await broker.close()
    await withAdmin((await stage.backends()).broker, (admin) => admin.deleteTopics([topic]))
  }
}

type Publisher = ReturnType<typeof createPricePublisher>

/** The updates of a day on their way through the node. */
class Run {
  readonly #day: DetectingDay
  readonly #siblings: ReadonlyMap<string, readonly string[]>
  readonly #turnMs: number[] = []
  readonly #batchMs: number[] = []
  #isDay = false
  #handedMs = 0
  #calledMs = 0
  #open = 0
  #settled = Promise.withResolvers<void>()

  constructor(day: DetectingDay, names: readonly string[]) {
    this.#day = day
    this.#siblings = new Map(
      day.tape.reads.map((reads, pair) => [names[pair] ?? '', [...reads].map((of) => names[of] ?? '')]),
    )
  }

  /** Notes when each batch is handed to the node. */
  timed(broker: Broker): Broker {
    return {
      ...broker,
      consumer: (options) =>
        broker.consumer({
          ...options,
          onBatch: (batch, context) => {
            if (options.mode === 'group') this.#handedMs = performance.now()
            return options.onBatch(batch, context)
          },
        }),
    }
  }

  async detect({ chain, pair }: PriceUpdate, prices: Prices): Promise<void> {
    const handedMs = this.#handedMs
    const startMs = Math.max(handedMs, this.#calledMs)
    this.#calledMs = performance.now()
    if (this.#isDay) {
      await this.#day.read(prices, chain, this.#siblings.get(pair) ?? [])
      const endMs = performance.now()
      this.#turnMs.push(endMs - startMs)
      this.#batchMs.push(endMs - handedMs)
    }
    if (--this.#open === 0) this.#settled.resolve()
  }

  async publish(publisher: Publisher, pairs: readonly string[]): Promise<void> {
    this.#open = pairs.length
    this.#settled = Promise.withResolvers()
    const eventTimeMs = Date.now()
    const sent = pairs.map((pair) =>
      publisher.produce({ chain: CHAIN, pair, price: 0.5, bid: 0.4, ask: 0.6, eventTimeMs }),
    )
    await Promise.all([...sent, this.#settled.promise])
  }

  async day(node: ForewarmNode, publisher: Publisher): Promise<DetectedDay> {
    const { tape, sweeps } = this.#day
    const names = tape.names ?? []
    this.#isDay = true
    const before = node.stats().reads
    const [hits, misses] = [before.hits, before.misses]
    let done = 0
    for (let from = 0; from < tape.updates.length && done < sweeps; done++) {
      let end = from
      while (end < tape.updates.length && tape.batches[end] === tape.batches[from]) end++
      await this.publish(
        publisher,
        [...tape.updates.subarray(from, end)].map((pair) => names[pair] ?? ''),
      )
      from = end
    }
    const { reads, warms } = node.stats()
    const [hit, missed] = [reads.hits - hits, reads.misses - misses]
    const predicted = node.rollout.status().shadow?.hitRatioWithWarming
    const measured = { turnMs: this.#turnMs, batchMs: this.#batchMs, hitRatio: hit / (hit + missed) }
    return { ...measured, warms: warms.admitted, predicted }
  }
}
