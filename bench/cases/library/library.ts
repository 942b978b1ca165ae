import type { Bench, Figure, Ratio } from '../../harness/bench.ts'
import { contest } from '../../harness/contest.ts'
import { quantile } from '../../harness/quantile.ts'
import { type L2Stage, openL2 } from '../../stages/l2-stage.ts'
import { startRelay } from '../../stages/relay.ts'
import type { Stage } from '../../stages/stage.ts'
import { besideDocuments } from './footprint.ts'
import { FIVE, openReadCache, openTaughtCache, SOURCES, type TaughtCache, warmFive } from './taught-cache.ts'

/** Measures a cache and a warming without Kafka: a warm for a pair, many of them, and what the two take of the machine. */
export const library: Bench = { name: 'library', cases }

/** Each way: 2 ms there and back. */
const DELAY_MS = 1
const WARMS_PER_SECOND = 1_000
const CYCLE_PAIRS = 100

async function* cases(stage: Stage): AsyncIterable<Figure> {
  const { redisUrl } = await stage.backends()
  yield* await onRedis(redisUrl, (near) => againstMget(stage, near, 'at loopback'))
  yield* await onRedis(redisUrl, (near) => oneCycle(stage, near))
  const relay = await startRelay(redisUrl, DELAY_MS)
  try {
    const far = { url: relay.url, where: 'with 2 ms added' }
    yield* await onRedis(far.url, (redis) => againstMget(stage, redis, far.where))
    yield* await onRedis(far.url, (redis) => againstGets(stage, redis, far.where))
    yield* await onRedis(far.url, (redis) => sustained(redis, stage.amount(10, 2)))
  } finally {
    await relay.close()
  }
  yield* await besideDocuments(stage)
}

/** Redis has every pair. */
interface Filled extends L2Stage {
  readonly url: string
}

async function onRedis(
  url: string,
  measure: (redis: Filled) => Promise<readonly Figure[]>,
): Promise<readonly Figure[]> {
  const l2 = await openL2(url)
  try {
    return await measure({ ...l2, url })
  } finally {
    await l2.close()
  }
}

/**
 * Milliseconds a warm, one after the other, until the five pairs are readable. As many go before them untimed, on both
 * sides: the collection of garbage before each measurement throws away what the engine has compiled.
 */
async function msOfWarms({ url, table }: Filled, warms: number): Promise<number> {
  const taught = await openTaughtCache(url, (pair) => table.pairName(pair))
  try {
    // The first trips come before Redis is known to be there.
    await taught.cache.getOrLoad(table.pairName(0))
    return await msOfEach(warms, (at) => warmFive(taught, at + 1))
  } finally {
    await taught.close()
  }
}

function msOfFives(calls: number, call: (pairs: readonly number[]) => Promise<unknown>): Promise<number> {
  return msOfEach(calls, (at) => call(Array.from({ length: FIVE }, (_, i) => at * FIVE + i)))
}

async function msOfEach(calls: number, call: (at: number) => Promise<unknown>): Promise<number> {
  for (let at = 0; at < calls; at++) await call(at)
  const startMs = performance.now()
  for (let at = calls; at < 2 * calls; at++) await call(at)
  return (performance.now() - startMs) / calls
}

function againstMget(stage: Stage, redis: Filled, where: string): Promise<readonly Ratio[]> {
  const warms = stage.amount(490, 100)
  return contest(stage, {
    unit: 'ms',
    better: 'lower',
    anchor: 'one bare MGET of five',
    measureAnchor: () => msOfFives(warms, (pairs) => redis.redis.mgetBuffer(pairs.map(redis.key))),
    ours: { [`warmForPair of five, ${where}`]: () => msOfWarms(redis, warms) },
  })
}

function againstGets(stage: Stage, redis: Filled, where: string): Promise<readonly Ratio[]> {
  const warms = stage.amount(300, 60)
  return contest(stage, {
    unit: 'ms',
    better: 'lower',
    anchor: 'five GETs one after the other, JSON.parse',
    measureAnchor: () => {
      const stored = new Map<number, unknown>()
      return msOfFives(warms, async (pairs) => {
        for (const pair of pairs) stored.set(pair, JSON.parse((await redis.redis.get(redis.jsonKey(pair))) ?? ''))
      })
    },
    ours: { [`warmForPair of five against one by one, ${where}`]: () => msOfWarms(redis, warms) },
  })
}

/** What a scheduler runs at once, from an L1 that is empty, until all of it is readable: the longest of several. */
async function oneCycle(stage: Stage, { url, table }: Filled): Promise<readonly Figure[]> {
  const ms: number[] = []
  for (let cycle = 0; cycle < stage.amount(20, 3); cycle++) {
    const { warming, close } = await openReadCache(url, {
      pairs: CYCLE_PAIRS,
      pairName: (pair) => table.pairName(pair),
    })
    try {
      const startMs = performance.now()
      const { popular } = await warming.scheduler.runOnce()
      ms.push(performance.now() - startMs)
      if (popular?.pairsWarmed !== CYCLE_PAIRS) throw new Error(`a full cycle expected: ${JSON.stringify(popular)}`)
    } finally {
      await close()
    }
  }
  return [{ kind: 'value', case: 'a cycle of 100 pairs (documents: 1,100)', unit: 'ms', value: Math.max(...ms) }]
}

/** A thousand warms a second, begun when they are due, however long those before them take. */
async function sustained({ url, table }: Filled, seconds: number): Promise<readonly Figure[]> {
  const total = WARMS_PER_SECOND * seconds
  const caches = await Promise.all(
    Array.from({ length: Math.ceil(total / SOURCES) }, () => openTaughtCache(url, (pair) => table.pairName(pair))),
  )
  try {
    for (const { cache } of caches) await cache.getOrLoad('none')
    return await atRate(caches, total)
  } finally {
    for (const taught of caches) await taught.close()
  }
}

async function atRate(caches: readonly TaughtCache[], total: number): Promise<readonly Figure[]> {
  const ms: number[] = []
  let failed = 0
  const underWay: Promise<void>[] = []
  const startMs = performance.now()
  for (let begun = 0; begun < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - startMs) * WARMS_PER_SECOND) / 1000))
    for (; begun < due; begun++) {
      const taught = caches[Math.floor(begun / SOURCES)] as TaughtCache
      const beganMs = performance.now()
      underWay.push(
        warmFive(taught, begun % SOURCES).then(
          () => void ms.push(performance.now() - beganMs),
          () => void failed++,
        ),
      )
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(underWay)
  return [
    { kind: 'value', case: 'p95 of warmForPair at 1,000/s, with 2 ms added', unit: 'ms', value: quantile(ms, 0.95) },
    { kind: 'value', case: 'failures of warmForPair at 1,000/s', unit: '%', value: (100 * failed) / total },
  ]
}
