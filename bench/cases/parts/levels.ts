import { hasClickHouse, startClickHouse } from '../../../deploy/stack/clickhouse-server.ts'
import { emptyPrice } from '../../../src/cache/cached-price.ts'
import { Hierarchy } from '../../../src/cache/hierarchy.ts'
import { L1 } from '../../../src/cache/l1/l1.ts'
import { WriteBehind } from '../../../src/cache/l2/write-behind.ts'
import { ClickHouseL3 } from '../../../src/cache/l3/clickhouse.ts'
import { createTable, PRICE_TABLE, writeRow } from '../../../src/cache/l3/price-table.ts'
import { createHttpEngine } from '../../../src/cache/l3/sql-http.ts'
import { systemClock } from '../../../src/clock.ts'
import { createMetrics } from '../../../src/telemetry/metrics.ts'
import { systemTimer } from '../../../src/timer.ts'
import type { Figure } from '../../harness/bench.ts'
import { quantile } from '../../harness/quantile.ts'
import { CHAIN, L2_PAIRS, type L2Stage, pricesOf } from '../../stages/l2-stage.ts'
import type { Stage } from '../../stages/stage.ts'

/** The share of the pairs that L2 lacks and only L3 has. */
const ONLY_L3 = 0.2
const READS_PER_SECOND = 500
const TTL_MS = 86_400_000

/**
 * Reads of pairs in turn, begun when they are due, through an L1 that holds half of them, L2, and a ClickHouse for what
 * L2 has not. Gives no figures when there is no ClickHouse to start.
 */
export async function readsThroughLevels(stage: Stage, { l2, table }: L2Stage): Promise<readonly Figure[]> {
  if (!hasClickHouse) {
    console.error('promote: no clickhouse-server on the PATH, reads through all levels are not measured')
    return []
  }
  const server = await startClickHouse()
  const metrics = createMetrics()
  const l3 = new ClickHouseL3({
    engine: async () => createHttpEngine({ url: server.url, timeoutMs: 5_000 }),
    ...{ table, metrics, clock: systemClock, timer: systemTimer, random: Math.random },
    ttlMs: TTL_MS,
    createsTable: false,
  })
  try {
    await l3.start()
    await fill(server.url, table)
    await l2.delete(Array.from({ length: L2_PAIRS * ONLY_L3 }, (_, pairId) => ({ pairId, version: 0 })))
    const l1 = new L1({ slots: L2_PAIRS / 2, maxPairs: L2_PAIRS })
    const writeBehind = new WriteBehind({ l2, flushMs: 10, capacity: L2_PAIRS, maxPairs: L2_PAIRS })
    const hierarchy = new Hierarchy({ table, l1, l2, l3, writeBehind, metrics })
    const figures = await paced(hierarchy, stage.amount(10, 2))
    await writeBehind.close()
    return figures
  } finally {
    await l3.close()
    await server.stop()
  }
}

async function fill(url: string, table: L2Stage['table']): Promise<void> {
  const engine = createHttpEngine({ url, timeoutMs: 5_000 })
  await engine.run(createTable(TTL_MS / 1000, { withTtl: false }))
  const columns = pricesOf(0, L2_PAIRS, Date.now())
  const rows = Array.from({ length: L2_PAIRS }, (_, row) =>
    writeRow({ chain: CHAIN, pair: table.pairName(row) }, columns, row),
  )
  await engine.insert(PRICE_TABLE, rows)
  await engine.close()
}

async function paced(hierarchy: Hierarchy, seconds: number): Promise<readonly Figure[]> {
  const ms: number[] = []
  let missing = 0
  const read = async (pair: number): Promise<void> => {
    const beganMs = performance.now()
    const into = emptyPrice()
    if (!hierarchy.get(pair, into) && !hierarchy.newest(pair, await hierarchy.fetch(pair), into)) missing++
    ms.push(performance.now() - beganMs)
  }
  const underWay: Promise<void>[] = []
  const startMs = performance.now()
  const total = READS_PER_SECOND * seconds
  for (let begun = 0; begun < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - startMs) * READS_PER_SECOND) / 1000))
    for (; begun < due; begun++) underWay.push(read((begun * 7) % L2_PAIRS))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(underWay)
  if (missing > 0) throw new Error(`${missing} reads found nothing`)
  return [{ kind: 'value', case: 'p99 of a read through L1, L2 and L3', unit: 'ms', value: quantile(ms, 0.99) }]
}
