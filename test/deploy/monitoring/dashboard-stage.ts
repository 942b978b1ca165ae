import { rows } from '../../../deploy/monitoring/dashboard/panels.ts'
import { startForewarm } from '../../bin/forewarm-process.ts'
import { freePort, type Prometheus, startPrometheus } from '../../harness/prometheus.ts'
import { until } from '../../harness/until.ts'

/** Every query of the dashboard, by panel and legend. */
export const QUERIES = rows('arbitrage_').flatMap(({ panels }) =>
  panels.flatMap(({ title, queries }) =>
    queries.map(([legend, expression]) => [`${title}: ${legend}`, expression] as const),
  ),
)

/** Has no series as long as nothing fails. */
const WITHOUT_TROUBLE_EMPTY = ['Dead letters and drops by reason: dead letter: {{reason}}']

/** The expression as Grafana sends it, with all chains and a scrape interval of a second. */
export function filledIn(expression: string): string {
  return expression.replaceAll('$chain', '.*').replaceAll('$__rate_interval', '10s')
}

/** Resolves when every query has had data, and no query an error. Rejects naming those that have none. */
export async function allAnswered({ query }: Prometheus): Promise<void> {
  const waiting = new Map(QUERIES.filter(([name]) => !WITHOUT_TROUBLE_EMPTY.includes(name)))
  for (const [, expression] of QUERIES) await query(filledIn(expression))
  const answered = async () => {
    for (const [name, expression] of waiting) {
      const results = await query(filledIn(expression))
      if (results.some(({ value }) => Number.isFinite(value))) waiting.delete(name)
    }
    if (waiting.size > 0) throw new Error(`no data: ${[...waiting.keys()].join('; ')}`)
    return true
  }
  await until('every query of the dashboard has data', answered, { timeoutMs: 120_000 })
}

/** Runs a node in a process of its own, and a Prometheus that scrapes it, until `body` has ended. */
export async function scrapedNode<T>(program: string, body: (prometheus: Prometheus) => Promise<T>): Promise<T> {
  const port = await freePort()
  const { child, ended } = startForewarm(['dev', '--port', `${port}`, '--json'])
  try {
    const prometheus = await startPrometheus(`127.0.0.1:${port}`, program)
    try {
      return await body(prometheus)
    } finally {
      await prometheus.close()
    }
  } finally {
    child.kill('SIGTERM')
    await ended
  }
}
