import type { Bench, Figure } from '../harness/bench.ts'
import { contest, ratioOf } from '../harness/contest.ts'
import type { CatchUpCost, CatchUpTask } from '../stages/catch-up-process.ts'
import { startProcess } from '../stages/own-process.ts'
import type { Stage } from '../stages/stage.ts'
import { fillTopic, PARTITIONS } from '../traffic/price-feed.ts'

/**
 * CPU time and memory of a node that catches up with a million records of one update, against a KafkaJS consumer that
 * does no more than JSON.parse. Each is measured in a new process, which ends when it has caught up.
 */
export const footprint: Bench = { name: 'footprint', cases }

const PROCESS = new URL('../stages/catch-up-process.ts', import.meta.url)
const ANCHOR = 'raw KafkaJS eachBatch, JSON.parse'

async function* cases(stage: Stage): AsyncIterable<Figure> {
  const updates = stage.amount(1_000_000, 60_000)
  const topic = await stage.topic(PARTITIONS)
  const backlog = await fillTopic(stage, { topic, updates, updatesPerRecord: 1, encoding: 'json' })
  const megabytes = { node: [] as number[], raw: [] as number[] }
  const cpuSeconds = (reader: CatchUpTask['reader']) => async (): Promise<number> => {
    const { brokers, redisUrl, emptyRedis } = await stage.backends()
    await emptyRedis()
    const task: CatchUpTask = { reader, backlog, backends: { brokers, redisUrl } }
    const cost = await startProcess<CatchUpCost>(PROCESS, task).answer
    megabytes[reader].push(cost.residentBytes / 2 ** 20)
    return cost.cpuSeconds
  }
  yield* await contest(stage, {
    unit: 's',
    better: 'lower',
    rounds: stage.amount(stage.runs, 1),
    anchor: ANCHOR,
    measureAnchor: cpuSeconds('raw'),
    ours: { 'CPU time, a million records of one update, JSON': cpuSeconds('node') },
  })
  // The first of each warmed up.
  const [values, anchorValues] = [megabytes.node.slice(1), megabytes.raw.slice(1)]
  const name = 'resident memory, a million records of one update, JSON'
  yield ratioOf({ case: name, unit: 'MB', better: 'lower', anchor: ANCHOR, anchorValues, values })
}
