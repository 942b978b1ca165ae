import { Redis } from 'ioredis'
import { NUMBER_COUNT } from '../../schemas/price-update.ts'
import { type PriceColumns, priceColumns, VERSIONS_PER_MS } from '../../src/cache/cached-price.ts'
import { L1 } from '../../src/cache/l1/l1.ts'
import type { L2 } from '../../src/cache/l2/l2.ts'
import { createRedisL2 } from '../../src/cache/l2/redis/redis.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { Promotion } from '../../src/cache/promotion.ts'
import { systemClock } from '../../src/clock.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'

export const CHAIN = 'ethereum'
export const L2_PAIRS = 5_000
const TTL_MS = 3_600_000
const CONNECT_MS = 10_000

/** L2 over a Redis that holds every pair, as a node writes them and, under other keys, as JSON. */
export interface L2Stage {
  readonly l2: L2
  readonly redis: Redis
  readonly table: PairTable
  jsonKey(pair: number): string
  /** The key under which L2 keeps the pair. */
  key(pair: number): string
  /** Over an L1 that has nothing yet and room for everything. */
  promotion(): Promotion
  close(): Promise<void>
}

/** Three numbers a price, from pair `from` to before pair `to`. */
export function pricesOf(from: number, to: number, eventTimeMs: number): PriceColumns {
  const columns = priceColumns(to - from)
  for (let pair = from; pair < to; pair++) {
    const row = columns.count++
    columns.pairIds[row] = pair
    columns.versions[row] = eventTimeMs * VERSIONS_PER_MS
    columns.eventTimesMs[row] = eventTimeMs
    columns.numbers.fill(Number.NaN, row * NUMBER_COUNT, (row + 1) * NUMBER_COUNT)
    columns.numbers.set(numbersOf(pair), row * NUMBER_COUNT)
  }
  return columns
}

export async function openL2(url: string): Promise<L2Stage> {
  const table = new PairTable({ maxPairs: L2_PAIRS })
  for (let pair = 0; pair < L2_PAIRS; pair++) table.register(CHAIN, `0x${pair.toString(16).padStart(8, '0')}`)
  const l2 = createRedisL2({
    url,
    table,
    clock: systemClock,
    random: Math.random,
    ttlMs: TTL_MS,
    commandTimeoutMs: 5_000,
  })
  const redis = new Redis(url)
  await l2.start()
  const key = (pair: number): string => `fw:default:{${CHAIN}}:${table.pairName(pair)}`
  const jsonKey = (pair: number): string => `json:{${CHAIN}}:${table.pairName(pair)}`
  await connected(l2)
  const nowMs = Date.now()
  const written = await l2.write(pricesOf(0, L2_PAIRS, nowMs), 0, L2_PAIRS)
  if (written.status !== 'written') throw new Error(`Redis was not filled: ${written.reason}`)
  const pipeline = redis.pipeline()
  for (let pair = 0; pair < L2_PAIRS; pair++)
    pipeline.set(jsonKey(pair), jsonOf(table.pairName(pair), pair, nowMs), 'PX', TTL_MS)
  await pipeline.exec()
  return {
    l2,
    redis,
    table,
    key,
    jsonKey,
    promotion: () =>
      new Promotion({
        table,
        l2,
        l1: keptL1(),
        writeBehind: { pending: () => false },
        metrics: createMetrics(),
        timeoutMs: 1_000,
      }),
    close: async () => {
      redis.disconnect()
      await l2.close()
    },
  }
}

/**
 * Lives until the next one is made. When no instance of a class is left, V8 throws its compiled code away, and code that
 * another benchmark compiles in this process is slower by a half for good.
 */
let kept: L1 | undefined

function keptL1(): L1 {
  kept = new L1({ slots: L2_PAIRS * 4, maxPairs: L2_PAIRS })
  return kept
}

/** A price as one would store it by hand. */
function jsonOf(pair: string, at: number, eventTimeMs: number): string {
  const [price, bid, ask] = numbersOf(at)
  return JSON.stringify({ pair, chain: CHAIN, price, bid, ask, eventTimeMs })
}

/** Price, bid and ask, with as many digits as feeds have them. */
function numbersOf(pair: number): readonly [number, number, number] {
  return [1000 + pair / 10_000, 999 + pair / 10_000, 1001 + pair / 10_000]
}

async function connected(l2: L2): Promise<void> {
  const giveUpMs = performance.now() + CONNECT_MS
  while (l2.state().status !== 'up') {
    if (performance.now() > giveUpMs) throw new Error('Redis was not reached')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
