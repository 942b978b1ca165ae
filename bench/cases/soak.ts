import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  createMemoryBroker,
  createNode,
  createPricePublisher,
  createWarmPublisher,
  detector,
  type ForewarmNode,
  type PricePublisher,
  type WarmPublisher,
} from '../../index.ts'
import type { Bench, Figure } from '../harness/bench.ts'
import { collectGarbage } from '../harness/contest.ts'
import { median } from '../harness/quantile.ts'
import type { Stage } from '../stages/stage.ts'
import { nextInChain, PAIRS, PARTITIONS, updateAt } from '../traffic/price-feed.ts'

/**
 * Whether a node's memory stays where it is. Updates of 5,000 pairs go through publisher, in-memory broker and node as
 * fast as they are handled. L1 holds a fifth of the pairs, and a detector reads another pair on each update.
 */
export const soak: Bench = { name: 'soak', cases }

const TOPIC = 'prices.soak'
/** The broker forgets older records, or its log would grow. */
const RECORDS_A_PARTITION = 4_096
const L1_SLOTS = PAIRS / 5
/** An update of every pair, handled before the next are sent. */
const WAVE = PAIRS
const SAMPLES = 40

async function* cases(stage: Stage): AsyncIterable<Figure> {
  const updates = stage.amount(10_000_000, 1_000_000)
  const heap: number[] = []
  const buffers: number[] = []
  const startMs = performance.now()
  await play(updates, () => {
    collectGarbage()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    heap.push(heapUsed)
    buffers.push(arrayBuffers)
  })
  const perSecond = (updates * 1000) / (performance.now() - startMs)
  yield { kind: 'value', case: 'heap, last quarter to second quarter', unit: 'ratio', value: growth(heap) }
  yield { kind: 'value', case: 'buffers, last quarter to second quarter', unit: 'ratio', value: growth(buffers) }
  yield { kind: 'value', case: 'heap, last quarter', unit: 'MB', value: median(lastQuarter(heap)) / 2 ** 20 }
  yield { kind: 'value', case: 'updates', unit: 'updates/s', value: perSecond }
}

/** Compares medians. In the first quarter everything is still loaded and compiled. */
function growth(samples: readonly number[]): number {
  const quarter = samples.length / 4
  return median(lastQuarter(samples)) / median(samples.slice(quarter, 2 * quarter))
}

function lastQuarter(samples: readonly number[]): readonly number[] {
  return samples.slice((samples.length * 3) / 4)
}

async function play(updates: number, sample: () => void): Promise<void> {
  const broker = createMemoryBroker({
    partitions: { [TOPIC]: PARTITIONS },
    maxRecordsPerPartition: RECORDS_A_PARTITION,
  })
  const node = await createNode({
    broker,
    l2: 'memory',
    env: {},
    logLevel: 'warn',
    detectors: [readsAnother()],
    config: {
      kafka: { priceTopics: [TOPIC] },
      cache: { l1Slots: L1_SLOTS },
      warming: { rollout: 'full' },
      http: { port: 0 },
    },
  })
  const producer = broker.producer()
  const publisher = createPricePublisher({ producer, topic: TOPIC, partitions: PARTITIONS })
  try {
    await node.start()
    await producer.connect()
    const warms = await createWarmPublisher({ broker, env: {} })
    for (let sent = 0, sampled = 0; sent < updates; ) {
      sent = await wave(publisher, node, sent)
      await warm(warms, sent)
      if (sent < ((sampled + 1) * updates) / SAMPLES) continue
      sampled++
      sample()
    }
    await warms.close()
  } finally {
    await publisher.close()
    await node.close()
    await producer.close()
    await broker.close()
  }
}

/** Resolves, when all is handled, to how many updates were sent. */
async function wave(publisher: PricePublisher, node: ForewarmNode, from: number): Promise<number> {
  const end = from + WAVE
  const acknowledged: Promise<void>[] = []
  for (let i = from; i < end; i++) acknowledged.push(publisher.produce(updateAt(i, Date.now())))
  await Promise.all(acknowledged)
  while (node.stats().updates < end) await nextTurn()
  return end
}

/** Sends a warm request in each wave and asserts its answer: a node that refuses them would measure nothing. */
async function warm(warms: WarmPublisher, from: number): Promise<void> {
  const { chain, pair } = updateAt(from, 0)
  const receipt = await warms.request({ chain, pairs: [pair], wait: true })
  if (receipt.status !== 'answered' || receipt.result.status !== 'done')
    throw new Error(`a warm request was not served: ${JSON.stringify(receipt)}`)
}

function readsAnother() {
  return detector('reads-another', {}, ({ chain, sequence = 0 }, prices) => {
    prices.get(chain, updateAt(nextInChain(sequence), 0).pair)
  })
}
