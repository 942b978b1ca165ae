import { randomUUID } from 'node:crypto'
import type { Backends, Backlog, ReaderStage } from './stage.ts'

/**
 * Catches up with a backlog and does nothing else, so that what the process costs is what reading costs. It loads its
 * own reader only.
 */
export interface CatchUpTask {
  readonly reader: 'node' | 'raw'
  readonly backlog: Backlog
  readonly backends: Pick<Backends, 'brokers' | 'redisUrl'>
}

/** What the process took from its start, with that of the reader, until the reader was closed. */
export interface CatchUpCost {
  /** User and system time of all threads. */
  readonly cpuSeconds: number
  /** Highest sample of the resident memory. */
  readonly residentBytes: number
}

/** Linux's own highest figure begins with that of the parent process, so it is of no use here. */
const SAMPLE_MS = 10

const { reader, backlog, backends }: CatchUpTask = JSON.parse(process.argv[2] ?? '')
const stage: ReaderStage = { unique: (prefix) => `${prefix}-${randomUUID()}`, backends: async () => backends }
let residentBytes = 0
const sampling = setInterval(() => {
  residentBytes = Math.max(residentBytes, process.memoryUsage.rss())
}, SAMPLE_MS)
if (reader === 'node') await (await import('./bench-node.ts')).catchUp(stage, backlog)
else await (await import('./raw-kafka.ts')).catchUpRaw(stage, backlog)
clearInterval(sampling)
const { user, system } = process.cpuUsage()
process.send?.({ cpuSeconds: (user + system) / 1e6, residentBytes }, () => process.exit())
