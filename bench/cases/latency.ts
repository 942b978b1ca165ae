import { detector } from '../../index.ts'
import type { Bench, Figure, Value } from '../harness/bench.ts'
import { contest } from '../harness/contest.ts'
import { quantile } from '../harness/quantile.ts'
import { number } from '../harness/table.ts'
import { startNode } from '../stages/bench-node.ts'
import { startProcess } from '../stages/own-process.ts'
import { readRaw } from '../stages/raw-kafka.ts'
import type { Stage } from '../stages/stage.ts'
import { Arrivals } from '../traffic/arrivals.ts'
import type { PacedTask } from '../traffic/paced-process.ts'
import { PAIRS, PARTITIONS } from '../traffic/price-feed.ts'
import { SYSTEM_MS } from '../traffic/system-time.ts'

/**
 * How long an update takes from `produce` until a detector could read it in L1, at a steady rate, against a KafkaJS
 * consumer that has parsed it. The producer is a process of its own. A node calls its detectors in the step in which it
 * wrote L1, so the moment of the call is the moment at which the value is readable.
 */
export const latency: Bench = { name: 'latency', cases }

const ANCHOR = 'raw KafkaJS eachBatch'
const RATES = [2_000, 100_000]
const ROUNDS = 10
const MOST_UPDATES = 300_000
const ARRIVAL_TIMEOUT_MS = 15_000
const P99 = 0.99
const PRODUCER = new URL('../traffic/paced-process.ts', import.meta.url)
/** The sequence of the first update that is measured. Those that warm up have lower ones. */
const MEASURED_FROM = 2_000 * PAIRS

interface Measured {
  /** One figure an update. */
  readonly ms: Float64Array
  /** How many updates were sent in a second. */
  readonly perSecond: number
}

/** Starts a consumer that tells the sequence of each update it has; resolves to a function that ends it. */
type Reader = (stage: Stage, topic: string, seen: (sequence: number) => void) => Promise<() => Promise<void>>

async function* cases(stage: Stage): AsyncIterable<Figure> {
  for (const perSecond of RATES) yield* atRate(stage, perSecond)
}

async function* atRate(stage: Stage, perSecond: number): AsyncIterable<Figure> {
  const topic = await stage.topic(PARTITIONS)
  const ours: Measured[] = []
  const anchors: Measured[] = []
  const p99Of = (reader: Reader, runs: Measured[]) => async (): Promise<number> => {
    const run = await measure(stage, { topic, reader, perSecond })
    runs.push(run)
    return quantile(run.ms, P99)
  }
  const at = `at ${number(perSecond)}/s`
  yield* await contest(stage, {
    unit: 'ms',
    better: 'lower',
    rounds: stage.amount(ROUNDS, 1),
    anchor: ANCHOR,
    measureAnchor: p99Of(rawReader, anchors),
    ours: { [`p99, produce to readable in L1, ${at}`]: p99Of(nodeReader, ours) },
  })
  // The first of each warmed up. `--against` leaves the anchor out.
  const [all = [], allAnchor = []] = [ours, anchors].map((runs) => runs.slice(1).flatMap(({ ms }) => [...ms]))
  const value = (what: string, unit: string, of: number): Value => ({
    kind: 'value',
    case: `${what}, ${at}`,
    unit,
    value: of,
  })
  yield value('p50 of all runs, produce to readable in L1', 'ms', quantile(all, 0.5))
  yield value('p99 of all runs, produce to readable in L1', 'ms', quantile(all, P99))
  if (allAnchor.length > 0) yield value(`p99 of all runs, ${ANCHOR}`, 'ms', quantile(allAnchor, P99))
  const rates = [...ours, ...anchors].map((run) => run.perSecond)
  yield value('lowest rate of all runs', 'updates/s', Math.min(...rates))
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

interface Measurement {
  readonly topic: string
  readonly reader: Reader
  readonly perSecond: number
}

async function measure(stage: Stage, { topic, reader, perSecond }: Measurement): Promise<Measured> {
  const { brokers } = await stage.backends()
  const updates = Math.min(perSecond * stage.amount(5, 0.5), MOST_UPDATES)
  const warming = new Arrivals(0, MEASURED_FROM)
  const arrivals = new Arrivals(MEASURED_FROM, updates)
  const close = await reader(stage, topic, (sequence) => {
    ;(sequence < MEASURED_FROM ? warming : arrivals).note(sequence)
  })
  const task: PacedTask = { brokers, topic, perSecond, from: MEASURED_FROM, updates }
  const producer = startProcess<Float64Array>(PRODUCER, task)
  try {
    // Every partition is being read then, and every connection warm.
    await warming.reached(perSecond * stage.amount(1, 0.25), ARRIVAL_TIMEOUT_MS)
    producer.goOn()
    const sentMs = await producer.answer
    if (!(await arrivals.reached(updates, ARRIVAL_TIMEOUT_MS)))
      throw new Error(`${updates - arrivals.distinct} of ${updates} updates did not arrive`)
    return {
      ms: sentMs.map((ms, i) => arrivals.atMs(MEASURED_FROM + i) + SYSTEM_MS - ms),
      perSecond: (updates * 1000) / ((sentMs.at(-1) ?? 0) - (sentMs[0] ?? 0)),
    }
  } finally {
    await producer.end()
    await close()
  }
}
