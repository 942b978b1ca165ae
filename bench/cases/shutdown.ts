import { setTimeout as pause } from 'node:timers/promises'
import { createPricePublisher, detector } from '../../index.ts'
import type { Bench, Figure } from '../harness/bench.ts'
import { type BenchNode, startNode } from '../stages/bench-node.ts'
import type { Stage } from '../stages/stage.ts'
import { Arrivals } from '../traffic/arrivals.ts'
import { pace } from '../traffic/pace.ts'
import { PARTITIONS } from '../traffic/price-feed.ts'

/**
 * How long a node takes to close while updates keep coming and handlers are in flight. The node that follows it in the
 * group must see every update, and none that a detector has seen.
 */
export const shutdown: Bench = { name: 'shutdown', cases }

const PER_SECOND = 5_000
/** A close has to wait for handlers that are not done at once. */
const HANDLER_MS = 5
const CATCH_UP_MS = 15_000
/** Room for half a minute of updates; a restart takes a few seconds. */
const MOST_UPDATES = PER_SECOND * 30

interface Restart {
  readonly closeMs: number
  readonly repeated: number
  readonly lost: number
}

async function* cases(stage: Stage): AsyncIterable<Figure> {
  const topic = await stage.topic(PARTITIONS)
  const restarts: Restart[] = []
  for (let round = 0; round < stage.runs; round++) restarts.push(await restart(stage, topic))
  const unit = 'updates'
  const sum = (of: (restart: Restart) => number): number => restarts.reduce((total, each) => total + of(each), 0)
  const longestMs = Math.max(...restarts.map(({ closeMs }) => closeMs))
  yield { kind: 'value', case: 'longest close under load', unit: 'ms', value: longestMs }
  yield { kind: 'value', case: 'updates handled twice over a restart', unit, value: sum(({ repeated }) => repeated) }
  yield { kind: 'value', case: 'updates lost over a restart', unit, value: sum(({ lost }) => lost) }
}

async function restart(stage: Stage, topic: string): Promise<Restart> {
  const { broker } = await stage.backends()
  const arrivals = new Arrivals(0, MOST_UPDATES)
  const service = stage.unique('bench')
  const start = (): Promise<BenchNode> => startNode(stage, { topic, service, detectors: [counting(arrivals)] })
  const producer = broker.producer()
  await producer.connect()
  const publisher = createPricePublisher({ producer, topic, partitions: PARTITIONS })
  const loadMs = stage.amount(2_000, 500)
  const first = await start()
  let isLoaded = true
  const load = pace({ publisher, perSecond: PER_SECOND, from: 0, more: (next) => isLoaded && next < MOST_UPDATES })
  try {
    await pause(loadMs)
    const startMs = performance.now()
    await first.node.close()
    const closeMs = performance.now() - startMs
    await first.close()
    const second = await start()
    await pause(loadMs)
    isLoaded = false
    const sent = await load
    await arrivals.reached(sent, CATCH_UP_MS)
    await second.close()
    return { closeMs, repeated: arrivals.repeated, lost: sent - arrivals.distinct }
  } finally {
    isLoaded = false
    await load.catch(() => undefined)
    await publisher.close()
    await producer.close()
  }
}

function counting(arrivals: Arrivals) {
  return detector('arrivals', {}, async ({ sequence = Number.NaN }) => {
    arrivals.note(sequence)
    await pause(HANDLER_MS)
  })
}
