import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { performance } from 'node:perf_hooks'

/**
 * Usual callers, in a process of their own: a scraper, and a dashboard whose requests go out together. They begin when they
 * are told the port, and end when they are told to go on. The answer is how long each request took, in milliseconds.
 */
export interface Calls {
  readonly scrape: string
  readonly scrapeEveryMs: number
  readonly dashboard: readonly string[]
  readonly dashboardEveryMs: number
  /** Statuses besides 200 that count as answers, by path. */
  readonly others: Readonly<Record<string, number>>
}

export interface CallTimes {
  readonly scrapes: readonly number[]
  readonly dashboard: readonly number[]
}

const { scrape, scrapeEveryMs, dashboard, dashboardEveryMs, others }: Calls = JSON.parse(process.argv[2] ?? '')
const agent = new Agent({ keepAlive: true })
const times = { scrapes: [] as number[], dashboard: [] as number[] }
const underWay = new Set<Promise<void>>()

function call(port: number, path: string, tookMs: number[]): void {
  const answered = answer(port, path).then((ms) => void tookMs.push(ms))
  underWay.add(answered)
  void answered.finally(() => underWay.delete(answered))
}

function answer(port: number, path: string, startMs = performance.now()): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const request = get({ host: '127.0.0.1', port, path, agent }, (response) => {
    const { statusCode = 0 } = response
    if (statusCode !== 200 && others[path] !== statusCode) reject(new Error(`${path} was answered with ${statusCode}`))
    response.resume().once('end', () => resolve(performance.now() - startMs))
  })
  request.once('error', (error: NodeJS.ErrnoException) => {
    // The node had closed the connection, which nobody used, as this request came.
    if (request.reusedSocket && error.code === 'ECONNRESET') resolve(answer(port, path, startMs))
    else reject(error)
  })
  return promise
}

const [port] = (await once(process, 'message')) as [number]
const timers = [
  setInterval(() => call(port, scrape, times.scrapes), scrapeEveryMs),
  setInterval(() => {
    for (const path of dashboard) call(port, path, times.dashboard)
  }, dashboardEveryMs),
]
await once(process, 'message')
for (const timer of timers) clearInterval(timer)
await Promise.all(underWay)
process.send?.(times satisfies CallTimes, () => process.exit())
