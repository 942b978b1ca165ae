import type { ForewarmNode } from '../../../node/node.ts'
import { encodePriceJson } from '../../../schemas/price-json.ts'
import { Alarm } from '../../../src/alarm.ts'
import type { TopicPartition } from '../../../src/broker/port.ts'
import type { Overrides } from '../../../src/config/settings.ts'
import { detector } from '../../../src/detect/detector.ts'
import type { Prices } from '../../../src/detect/prices.ts'
import { monotonicMs } from '../../../src/monotonic.ts'
import { until } from '../../harness/until.ts'
import type { Stage } from '../../node/stage.ts'
import { MAX_BEHIND_MS, type Market, type ReaderState } from './market.ts'

/** The chain of updates that only ask which node gets them. */
export const PROBES = 'probes'
const EVERY_MS = 5

/** A node that reads every pair of a market all the time, as its detectors could. */
export class Reader {
  readonly #market: Market
  readonly #next = new Alarm(() => this.#turn())
  readonly state: ReaderState
  /** The partitions from which it has got a probe of late, by their places among all. */
  readonly probes = new Set<number>()
  #prices: Prices | undefined
  #turns = 0
  node: ForewarmNode | undefined

  constructor(market: Market) {
    this.#market = market
    this.state = market.reader()
  }

  async start(stage: Stage, config: Overrides): Promise<this> {
    const probe = detector('probe', { chains: [PROBES] }, ({ pair }, prices) => {
      this.#prices = prices
      this.probes.add(Number(pair))
      if (!this.#next.isSet) this.#turn()
    })
    this.node = await stage.startNode({ detectors: [probe], config })
    return this
  }

  close(): void {
    this.#next.close()
  }

  /** It has read every pair, each with a bound that is finite and not large, and is not far behind. */
  isFresh(withinMs: number): boolean {
    const { pairs } = this.#market
    const { behindMs, distanceMs } = this.state
    const is = (of: readonly number[]) => pairs.every((_, pair) => (of[pair] ?? Number.POSITIVE_INFINITY) < withinMs)
    return is(behindMs) && is(distanceMs)
  }

  #turn(): void {
    this.#next.set(EVERY_MS)
    const prices = this.#prices
    if (prices === undefined) return
    const options = this.#turns++ % 2 === 1 ? { maxBehindMs: MAX_BEHIND_MS } : undefined
    for (const [at, { chain, pair }] of this.#market.pairs.entries()) {
      const atMs = monotonicMs()
      this.#market.judge(this.state, at, prices.get(chain, pair, options), { ...options, atMs })
    }
  }
}

/** Sends a probe to each partition until each of these nodes has some; resolves when all partitions are with someone. */
export async function sharedOut(
  stage: Stage,
  readers: readonly Reader[],
  all: readonly TopicPartition[],
): Promise<void> {
  await until('the nodes have shared the partitions out', async () => {
    for (const reader of readers) reader.probes.clear()
    await probe(stage, all)
    await until('a round of probes is handled', () => readers.some(({ probes }) => probes.size > 0))
    return readers.every(({ probes }) => probes.size > 0)
  })
}

export async function probe(stage: Stage, all: readonly TopicPartition[]): Promise<void> {
  await Promise.all(
    all.map(({ topic, partition }, at) => {
      const value = encodePriceJson({ chain: PROBES, pair: `${at}`, price: 1, eventTimeMs: Date.now() })
      return stage.producer.sendBatch(topic, [{ partition, key: PROBES, value }])
    }),
  )
}
