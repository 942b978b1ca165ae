import type { Figure } from '../../harness/bench.ts'
import { contest } from '../../harness/contest.ts'
import { quantile } from '../../harness/quantile.ts'
import { startNode } from '../../stages/bench-node.ts'
import type { Calls, CallTimes } from '../../stages/http-callers.ts'
import { type OwnProcess, startProcess } from '../../stages/own-process.ts'
import type { Stage } from '../../stages/stage.ts'
import { StopWatch } from '../../stages/stop-watch.ts'
import { type Feed, fillTopic, PARTITIONS, updateAt } from '../../traffic/price-feed.ts'

const CALLERS = new URL('../../stages/http-callers.ts', import.meta.url)
const ROUNDS = 10
const P99 = 0.99

const { chain, pair } = updateAt(0, 0)
const PRICE = `/prices/${encodeURIComponent(chain)}/${encodeURIComponent(pair)}`
/** A scrape a second, and ten times a second what a dashboard asks for at once. */
const CALLS: Calls = {
  scrape: '/metrics',
  scrapeEveryMs: 1_000,
  dashboard: ['/readyz', '/health/warming', '/cache/hierarchy/stats', PRICE],
  dashboardEveryMs: 100,
  // A node is not ready before it has caught up, and it has no price before its first update.
  others: { '/readyz': 503, [PRICE]: 404 },
}

/**
 * How long usual callers wait for their answers while a node catches up with a backlog as fast as it can, and how many
 * updates a second go through with these callers, against without them.
 */
export async function* loaded(stage: Stage): AsyncIterable<Figure> {
  const updates = stage.amount(5_000_000, 200_000)
  const topic = await stage.topic(PARTITIONS)
  const feed = await fillTopic(stage, { topic, updates, updatesPerRecord: 1, encoding: 'json' })
  const scrapes: number[] = []
  const dashboard: number[] = []
  const withCallers = async (): Promise<number> => {
    const callers = startProcess<CallTimes>(CALLERS, CALLS)
    try {
      const perSecond = await caughtUp(stage, feed, callers)
      const times = await callers.answer
      scrapes.push(...times.scrapes)
      dashboard.push(...times.dashboard)
      return perSecond
    } finally {
      await callers.end()
    }
  }
  yield* await contest(stage, {
    ...{ unit: 'updates/s', better: 'higher', rounds: stage.amount(ROUNDS, 1) },
    anchor: 'the same without callers',
    measureAnchor: () => caughtUp(stage, feed),
    ours: { 'updates with a scraper and a dashboard': withCallers },
  })
  const p99 = (name: string, of: readonly number[]): Figure => {
    return { kind: 'value', case: `p99 of ${name}, the node catches up`, unit: 'ms', value: quantile(of, P99) }
  }
  yield p99('an answer to the dashboard', dashboard)
  if (scrapes.length > 0) yield p99('/metrics', scrapes)
}

/** Updates a second. */
async function caughtUp(stage: Stage, { topic, updates }: Feed, callers?: OwnProcess<unknown>): Promise<number> {
  const { emptyRedis } = await stage.backends()
  await emptyRedis()
  const watch = new StopWatch(updates)
  const { node, close } = await startNode(stage, { topic, watch })
  try {
    callers?.goOn(node.httpPort)
    const ms = await watch.finished()
    callers?.goOn()
    if (node.stats().updates !== updates) throw new Error(`${node.stats().updates} of ${updates} updates were handled`)
    await callers?.answer
    return (updates * 1_000) / ms
  } finally {
    await close()
  }
}
