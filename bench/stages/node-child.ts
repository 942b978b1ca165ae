import { once } from 'node:events'
import { createNode, detector } from '../../index.ts'

export interface NodeProcessOptions {
  readonly brokers: readonly string[]
  readonly redisUrl: string
  readonly topics: readonly string[]
  /** Names the group. */
  readonly service: string
  readonly sessionTimeoutMs?: number
}

/** What a node tells its parent. */
export interface Report {
  /** For each update its sequence, then when it was handled, in Unix milliseconds with fractions. */
  readonly handled: readonly number[]
  readonly isReady?: true
  readonly isStarted?: true
}

/**
 * A node in a process of its own, with every default but these. It starts at its parent's word, and tells it what it handles,
 * and when.
 */
const { brokers, topics, service, redisUrl, sessionTimeoutMs } = JSON.parse(process.argv[2] ?? '') as NodeProcessOptions

/** Handled updates go to the parent together, which costs less than a message each. */
const REPORT_MS = 10

let handled: number[] = []

function report(rest: Partial<Report> = {}): void {
  process.send?.({ handled, ...rest })
  handled = []
}

const node = await createNode({
  detectors: [
    detector('reports', {}, ({ sequence = Number.NaN }) => {
      handled.push(sequence, performance.timeOrigin + performance.now())
    }),
  ],
  env: {},
  logLevel: 'error',
  config: {
    kafka: { brokers, priceTopics: topics, ...(sessionTimeoutMs && { sessionTimeoutMs }) },
    node: { service },
    warming: { rollout: 'full' },
    cache: { redisUrls: [redisUrl] },
    http: { port: 0 },
  },
})
const timer = setInterval(() => handled.length > 0 && report(), REPORT_MS)
process.once('SIGTERM', () => {
  void node.close().then(() => {
    clearInterval(timer)
    report()
    process.disconnect()
  })
})
report({ isReady: true })
await once(process, 'message')
await node.start()
report({ isStarted: true })
