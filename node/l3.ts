import { ClickHouseL3 } from '../src/cache/l3/clickhouse.ts'
import { PriceHistory } from '../src/cache/l3/price-history.ts'
import { createEmbeddedEngine } from '../src/cache/l3/sql-embedded.ts'
import type { SqlEngine } from '../src/cache/l3/sql-engine.ts'
import { createHttpEngine } from '../src/cache/l3/sql-http.ts'
import type { PairTable } from '../src/cache/names/pair-table.ts'
import { systemTimer } from '../src/timer.ts'
import type { CachesOptions } from './options.ts'

/** The third level and its writer. */
export interface ThirdLevel {
  readonly l3: ClickHouseL3 | undefined
  readonly history: PriceHistory | undefined
}

/** The longest that a read or an insert waits for the source. */
const TIMEOUT_MS = 5_000
const EMBEDDED = 'chdb:'

export function createThirdLevel(options: CachesOptions, table: PairTable): ThirdLevel {
  const { config, clock, random, metrics, log } = options
  const { clickHouseUrl: url, clickHouseWrite, l3TtlSeconds } = config.cache
  if (url === undefined || options.l2 === 'memory') return { l3: undefined, history: undefined }
  const l3 = new ClickHouseL3({
    engine: () => engineOf(url),
    ...{ table, clock, random, metrics, timer: systemTimer },
    ttlMs: l3TtlSeconds * 1000,
    createsTable: clickHouseWrite,
    onAway: (reason) => log.warn({ reason }, 'degraded: ClickHouse is away, going on with L1 and L2'),
    onBack: () => log.info('ClickHouse is back'),
  })
  if (!clickHouseWrite) return { l3, history: undefined }
  const onLost = (rows: number, reason: string) =>
    log.warn({ rows, reason }, 'closed before the history had these prices')
  const history = new PriceHistory({
    ...{ table, metrics, onLost },
    insert: (name, rows) => l3.insert(name, rows),
    onAway: (reason) => log.warn({ reason }, 'the price history is not written: ClickHouse refuses it, or is away'),
    onBack: () => log.info('the price history is written again'),
  })
  return { l3, history }
}

async function engineOf(url: string): Promise<SqlEngine> {
  if (!url.startsWith(EMBEDDED)) return createHttpEngine({ url, timeoutMs: TIMEOUT_MS })
  const path = url.slice(EMBEDDED.length)
  return createEmbeddedEngine(path === '' ? undefined : path)
}
