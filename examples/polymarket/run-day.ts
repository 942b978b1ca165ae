import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createNode, detector, type ForewarmNode, virtualClock } from '../../index.ts'
import { priceColumns, VERSIONS_PER_MS } from '../../src/cache/cached-price.ts'
import { PairKeys } from '../../src/cache/l2/redis/keys.ts'
import { createRedisL2 } from '../../src/cache/l2/redis/redis.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { systemClock } from '../../src/clock.ts'
import type { Day } from './dataset.ts'

export interface RunOptions {
  readonly brokers: readonly string[]
  readonly redisUrl: string
  readonly topic: string
  readonly day: Day
  readonly warming: boolean
}

export interface Figures {
  readonly slots: number
  readonly updates: number
  readonly seconds: number
  readonly reads: number
  readonly hitRatio: number
  readonly warms: number
  readonly warmsUsed: number
  /** From the first read in a handler to the last answer. */
  readonly readMs: Percentiles
  readonly ageSeconds: Percentiles
}

export interface Percentiles {
  readonly p50: number
  readonly p99: number
}

const L1_SHARE = 0.05
const HOUR_SECONDS = 3_600
const POLL_MS = 20
const GIVE_UP_MS = 300_000

/** Runs the whole day through one node, on its defaults but for what is set here. */
export async function runDay(options: RunOptions): Promise<Figures> {
  const { brokers, redisUrl, topic, day, warming } = options
  await openMarket(options)
  const readMs: number[] = []
  const agesSeconds: number[] = []
  const siblings = detector('siblings', {}, async (update, prices) => {
    const startMs = performance.now()
    const readings = await prices.getMany(update.chain, day.siblings(update.pair))
    readMs.push(performance.now() - startMs)
    for (const reading of readings) if (typeof reading === 'object') agesSeconds.push(reading.ageMs / 1000)
  })
  const node = await createNode({
    detectors: [siblings],
    start: 'earliest',
    clock: virtualClock(),
    logLevel: 'warn',
    env: {},
    config: {
      kafka: { brokers, priceTopics: [topic] },
      node: { service: serviceOf(options) },
      // No control group: the run without warming is the comparison.
      warming: { rollout: warming ? 'full' : 'off', controlShare: 0 },
      cache: {
        l1Slots: Math.round(day.openings.length * L1_SHARE),
        // The source polls each market every two minutes; a price that it did not change is still valid.
        l1TtlSeconds: HOUR_SECONDS,
        redisUrls: [redisUrl],
      },
    },
  })
  const startMs = performance.now()
  await node.start()
  await untilHandled(node, day.updates.length)
  const seconds = (performance.now() - startMs) / 1000
  await node.close()
  const { reads, warms, l1, updates } = node.stats()
  return {
    slots: l1.slots,
    updates,
    seconds,
    reads: reads.hits + reads.misses,
    hitRatio: reads.hits / (reads.hits + reads.misses),
    warms: warms.admitted,
    warmsUsed: warms.used,
    readMs: percentiles(readMs),
    ageSeconds: percentiles(agesSeconds),
  }
}

/** Each run has values of its own in Redis. */
function serviceOf({ topic, warming }: RunOptions): string {
  return `${topic}.${warming ? 'warmed' : 'unwarmed'}`
}

async function untilHandled(node: ForewarmNode, updates: number): Promise<void> {
  const deadlineMs = performance.now() + GIVE_UP_MS
  while (node.stats().updates < updates) {
    if (performance.now() > deadlineMs) throw new Error(`only ${node.stats().updates} of ${updates} updates arrived`)
    await pause(POLL_MS)
  }
}

/** Resets Redis to the opening price of every market, as the day before would have left it. */
async function openMarket(options: RunOptions): Promise<void> {
  const { redisUrl, day } = options
  const service = serviceOf(options)
  const table = new PairTable({ maxPairs: day.openings.length })
  const ttlMs = 3_600_000
  const l2 = createRedisL2({ url: redisUrl, table, service, clock: systemClock, random: Math.random, ttlMs })
  await l2.start()
  const columns = priceColumns(day.openings.length)
  const openedMs = Math.min(...day.openings.map(({ eventTimeMs }) => eventTimeMs)) - 1
  for (const { chain, pair, price, bid, ask } of day.openings) {
    const row = columns.count++
    columns.pairIds[row] = table.register(chain, pair)
    columns.versions[row] = openedMs * VERSIONS_PER_MS
    columns.eventTimesMs[row] = openedMs
    columns.numbers.set([price, bid ?? Number.NaN, ask ?? Number.NaN, Number.NaN, Number.NaN, Number.NaN], row * 6)
  }
  await erase(redisUrl, new PairKeys(table, service), table.size)
  await untilWritten(() => l2.write(columns, 0, columns.count))
  await l2.close()
}

/** The prices of an earlier run are newer. A deletion would leave tombstones, which refuse older prices as well. */
async function erase(redisUrl: string, keys: PairKeys, pairs: number): Promise<void> {
  const redis = new Redis(redisUrl)
  for (let pairId = 0; pairId < pairs; pairId++) await redis.unlink(keys.keyOf(pairId))
  redis.disconnect()
}

async function untilWritten(write: () => Promise<{ readonly status: 'written' | 'unavailable' }>): Promise<void> {
  const deadlineMs = performance.now() + 10_000
  while ((await write()).status !== 'written') {
    if (performance.now() > deadlineMs) throw new Error('Redis does not answer')
    await pause(POLL_MS)
  }
}

function percentiles(values: number[]): Percentiles {
  values.sort((a, b) => a - b)
  const at = (share: number) => values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99) }
}
