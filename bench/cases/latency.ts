import { createPricePublisher, detector } from '../../index.ts'
import type { Bench, Figure } from '../harness/bench.ts'
import { contest } from '../harness/contest.ts'
import { quantile } from '../harness/quantile.ts'
import { startNode } from '../stages/bench-node.ts'
import { readRaw } from '../stages/raw-kafka.ts'
import type { Stage } from '../stages/stage.ts'
import { Arrivals } from '../traffic/arrivals.ts'
import { pace } from '../traffic/pace.ts'
import { PARTITIONS } from '../traffic/price-feed.ts'

/**
 * How long an update takes from `produce` until a detector could read it in L1, at a steady rate, against a KafkaJS
 * consumer that has parsed it. A node calls its detectors in the step in which it wrote L1, so the moment of the call is
 * the moment at which the value is readable.
 */
export const latency: Bench = { name: 'latency', cases }

const PER_SECOND = 2_000
const ARRIVAL_TIMEOUT_MS = 15_000
const P99 = 0.99

/** Starts a consumer that tells the sequence of each update it has; resolves to a function that ends it. */
type Reader = (stage: Stage, topic: string, seen: (sequence: number) => void) => Promise<() => Promise<void>>

async function* cases(stage: Stage): AsyncIterable<Figure> {
  const topic = await stage.topic(PARTITIONS)
  const ours: number[][] = []
  const measured = async (reader: Reader): Promise<number[]> => measure(stage, topic, reader)
  yield* await contest(stage, {
    unit: 'ms',
    better: 'lower',
    anchor: 'raw KafkaJS eachBatch',
    measureAnchor: async () => quantile(await measured(rawReader), P99),
    ours: {
      'p99, produce to readable in L1': async () => {
        const samples = await measured(nodeReader)
        ours.push(samples)
        return quantile(samples, P99)
      },
    },
  })
  const all = ours.slice(-stage.runs).flat()
  yield { kind: 'value', case: 'p50 of all runs, produce to readable in L1', unit: 'ms', value: quantile(all, 0.5) }
  yield { kind: 'value', case: 'p99 of all runs, produce to readable in L1', unit: 'ms', value: quantile(all, P99) }
}

const nodeReader: Reader = async (stage, topic, seen) => {
  const { close } = await startNode(stage, {
    topic,
    detectors: [detector('arrivals', {}, ({ sequence = Number.NaN }) => seen(sequence))],
  })
  return close
}

const rawReader: Reader = (stage, topic, seen) =>
  readRaw(stage, {
    topic,
    fromBeginning: false,
    onBatch: ({ messages }) => {
      for (const { value } of messages) seen(JSON.parse(value?.toString() ?? '').sequence)
    },
  })

/** Milliseconds of each update. */
async function measure(stage: Stage, topic: string, reader: Reader): Promise<number[]> {
  const { broker } = await stage.backends()
  const updates = PER_SECOND * stage.amount(5, 0.5)
  // Every partition is being read then, and every connection warm.
  const warmUp = PER_SECOND * stage.amount(1, 0.25)
  let arrivals = new Arrivals(0, PER_SECOND * (ARRIVAL_TIMEOUT_MS / 1000))
  const close = await reader(stage, topic, (sequence) => arrivals.note(sequence))
  const producer = broker.producer()
  await producer.connect()
  const publisher = createPricePublisher({ producer, topic, partitions: PARTITIONS })
  const steady = { publisher, perSecond: PER_SECOND }
  try {
    const deadlineMs = performance.now() + ARRIVAL_TIMEOUT_MS
    const isWarm = () => arrivals.distinct >= warmUp || performance.now() > deadlineMs
    const from = await pace({ ...steady, from: 0, more: () => !isWarm() })
    arrivals = new Arrivals(from, updates)
    const sentMs = new Float64Array(updates)
    await pace({
      ...steady,
      from,
      more: (sequence) => sequence < from + updates,
      onSending: (sequence) => {
        sentMs[sequence - from] = performance.now()
      },
    })
    if (!(await arrivals.reached(updates, ARRIVAL_TIMEOUT_MS)))
      throw new Error(`${updates - arrivals.distinct} of ${updates} updates did not arrive`)
    return Array.from(sentMs, (ms, i) => arrivals.atMs(from + i) - ms)
  } finally {
    await publisher.close()
    await producer.close()
    await close()
  }
}
