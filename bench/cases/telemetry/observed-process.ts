import { randomUUID } from 'node:crypto'
import { HistogramCell, NumberCell } from '../../../src/telemetry/cells.ts'
import type { Backends, Backlog, ReaderStage } from '../../stages/stage.ts'

/** Catches up with a backlog, in a process of its own: the metrics of one run must not have been compiled for another. */
export interface ObservedTask {
  /** `off`: counters and histograms count nothing, and nobody reads them. `on`: they are scraped once a second. */
  readonly metrics: 'on' | 'off'
  /** The receiver of sampled spans. Without it, no spans are made. */
  readonly traces?: { readonly endpoint: string; readonly ratio: number }
  readonly backlog: Backlog
  readonly backends: Pick<Backends, 'brokers' | 'redisUrl'>
}

const SCRAPE_EVERY_MS = 1_000

const { metrics, traces, backlog, backends }: ObservedTask = JSON.parse(process.argv[2] ?? '')
if (metrics === 'off') {
  NumberCell.prototype.add = () => undefined
  HistogramCell.prototype.record = () => undefined
}
if (traces !== undefined)
  Object.assign(process.env, {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces.endpoint,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: `${traces.ratio}`,
  })
const { startNode } = await import('../../stages/bench-node.ts')
const { StopWatch } = await import('../../stages/stop-watch.ts')
const stage: ReaderStage = { unique: (prefix) => `${prefix}-${randomUUID()}`, backends: async () => backends }
const watch = new StopWatch(backlog.updates / backlog.updatesPerRecord)
const { node, close } = await startNode(stage, { ...backlog, watch })
const scrape = async () => (await fetch(`http://127.0.0.1:${node.httpPort}/metrics`)).text()
const scraping = metrics === 'on' ? setInterval(() => void scrape(), SCRAPE_EVERY_MS) : undefined
const ms = await watch.finished()
clearInterval(scraping)
const { updates } = node.stats()
if (updates !== backlog.updates) throw new Error(`${backlog.updates} updates were there, ${updates} handled`)
await close()
process.send?.(ms, () => process.exit())
