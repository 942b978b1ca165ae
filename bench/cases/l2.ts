import type { Bench, Figure, Ratio } from '../harness/bench.ts'
import { contest, ratioOf } from '../harness/contest.ts'
import { quantile } from '../harness/quantile.ts'
import { L2_PAIRS, type L2Stage, openL2, pricesOf } from '../stages/l2-stage.ts'
import { startRelay } from '../stages/relay.ts'
import type { Stage } from '../stages/stage.ts'
import { readsThroughLevels } from './parts/levels.ts'

/** Measures the cost of L2 in Redis: writing ten, holding one, and bringing five up into L1. */
export const l2: Bench = { name: 'l2', cases: l2Cases }

/** How fast pairs come up from Redis, against the usual warmer: one GET after the other, parsed and stored. */
export const promote: Bench = { name: 'promote', cases: promoteCases }

const TEN = 10
const FIVE = 5
/** Under way at once while writing. */
const LANES = 16
/** Each way: 2 ms there and back. */
const DELAY_MS = 1
const OPERATIONS_PER_SECOND = 1_000

async function* l2Cases(stage: Stage): AsyncIterable<Figure> {
  const { redisUrl } = await stage.backends()
  const near = await openL2(redisUrl)
  try {
    yield* await writing(stage, near)
    yield await memory(near)
    yield* await warmsOfFive(stage, near, 'at loopback')
  } finally {
    await near.close()
  }
  yield* await overRelay(redisUrl, (far) => warmsOfFive(stage, far, 'with 2 ms added'))
}

async function* promoteCases(stage: Stage): AsyncIterable<Figure> {
  const { redisUrl } = await stage.backends()
  const near = await openL2(redisUrl)
  try {
    yield* await promoting(stage, near, 'at loopback')
    yield* await readsThroughLevels(stage, near)
  } finally {
    await near.close()
  }
  yield* await overRelay(redisUrl, async (far) => [
    ...(await promoting(stage, far, 'with 2 ms added')),
    ...(await sustained(far, stage.amount(10, 2))),
  ])
}

async function overRelay(
  redisUrl: string,
  measure: (far: L2Stage) => Promise<readonly Figure[]>,
): Promise<readonly Figure[]> {
  const relay = await startRelay(redisUrl, DELAY_MS)
  const far = await openL2(relay.url)
  try {
    return await measure(far)
  } finally {
    await far.close()
    await relay.close()
  }
}

async function writing(stage: Stage, { l2, redis }: L2Stage): Promise<readonly Ratio[]> {
  const batches = stage.amount(4_000, 400)
  const rate = (write: (batch: number) => Promise<unknown>) => async (): Promise<number> => {
    let next = 0
    const startMs = performance.now()
    await Promise.all(
      Array.from({ length: LANES }, async () => {
        while (next < batches) await write(next++)
      }),
    )
    return (batches * TEN * 1000) / (performance.now() - startMs)
  }
  const value = 'x'.repeat(42)
  const columns = pricesOf(0, L2_PAIRS, Date.now())
  let version = (columns.versions[0] as number) + 1
  return contest(stage, {
    unit: 'entries/s',
    better: 'higher',
    anchor: 'ten blind SETs, pipelined',
    measureAnchor: rate((batch) => {
      const pipeline = redis.pipeline()
      for (let i = 0; i < TEN; i++)
        pipeline.set(`blind:{ethereum}:${(batch * TEN + i) % L2_PAIRS}`, value, 'PX', 3_600_000)
      return pipeline.exec()
    }),
    ours: {
      'versioned batch write of ten': rate(async (batch) => {
        const from = (batch * TEN) % L2_PAIRS
        columns.versions.fill(++version, from, from + TEN)
        const written = await l2.write(columns, from, from + TEN)
        if (written.status !== 'written' || written.written !== TEN) throw new Error(JSON.stringify(written))
      }),
    },
  })
}

async function memory({ redis, key, jsonKey }: L2Stage): Promise<Ratio> {
  const bytes = async (keyOf: (pair: number) => string): Promise<number> => {
    let sum = 0
    for (let pair = 0; pair < 1_000; pair++) sum += (await redis.memory('USAGE', keyOf(pair))) ?? Number.NaN
    return sum / 1_000
  }
  return ratioOf({
    ...{ case: 'memory of an entry', unit: 'B', better: 'lower', anchor: 'JSON in Redis' },
    ...{ anchorValues: [await bytes(jsonKey)], values: [await bytes(key)] },
  })
}

/** Milliseconds a call, one after the other, each of five pairs that were not asked for before. */
async function msOfFives(calls: number, call: (pairs: readonly number[]) => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  for (let at = 0; at < calls; at++) await call(Array.from({ length: FIVE }, (_, i) => (at * FIVE + i) % L2_PAIRS))
  return (performance.now() - startMs) / calls
}

async function warm(promotion: ReturnType<L2Stage['promotion']>, pairs: readonly number[]): Promise<void> {
  const { outcomes } = await promotion.promote(pairs)
  if (outcomes.some((outcome) => outcome !== 'warmed')) throw new Error(`warmed expected, got ${outcomes}`)
}

async function warmsOfFive(stage: Stage, { promotion, redis, key }: L2Stage, where: string): Promise<readonly Ratio[]> {
  const calls = stage.amount(900, 100)
  return contest(stage, {
    unit: 'ms',
    better: 'lower',
    anchor: 'one bare MGET of five',
    measureAnchor: () => msOfFives(calls, (pairs) => redis.mgetBuffer(pairs.map(key))),
    ours: {
      [`warm of five until readable, ${where}`]: () => {
        const fresh = promotion()
        return msOfFives(calls, (pairs) => warm(fresh, pairs))
      },
    },
  })
}

async function promoting(
  stage: Stage,
  { promotion, redis, jsonKey }: L2Stage,
  where: string,
): Promise<readonly Ratio[]> {
  const calls = stage.amount(900, 60)
  const perSecond = async (ms: Promise<number>): Promise<number> => (FIVE * 1000) / (await ms)
  return contest(stage, {
    unit: 'entries/s',
    better: 'higher',
    anchor: 'GET, JSON.parse, store, one by one',
    measureAnchor: () => {
      const store = new Map<number, unknown>()
      return perSecond(
        msOfFives(calls, async (pairs) => {
          for (const pair of pairs) store.set(pair, JSON.parse((await redis.get(jsonKey(pair))) ?? ''))
        }),
      )
    },
    ours: {
      [`fives, ${where}`]: () => {
        const fresh = promotion()
        return perSecond(msOfFives(calls, (pairs) => warm(fresh, pairs)))
      },
    },
  })
}

/** A thousand warms of five a second, begun when they are due, however long those before them take. */
async function sustained({ promotion }: L2Stage, seconds: number): Promise<readonly Figure[]> {
  const ms: number[] = []
  let failed = 0
  const underWay: Promise<void>[] = []
  let fresh = promotion()
  const startMs = performance.now()
  const total = OPERATIONS_PER_SECOND * seconds
  for (let begun = 0; begun < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - startMs) * OPERATIONS_PER_SECOND) / 1000))
    for (; begun < due; begun++) {
      if (begun % (L2_PAIRS / FIVE) === 0) fresh = promotion()
      const first = (begun * FIVE) % L2_PAIRS
      const beganMs = performance.now()
      const pairs = Array.from({ length: FIVE }, (_, i) => first + i)
      underWay.push(
        warm(fresh, pairs).then(
          () => void ms.push(performance.now() - beganMs),
          () => void failed++,
        ),
      )
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(underWay)
  return [
    { kind: 'value', case: 'p95 of a warm at 1,000/s, with 2 ms added', unit: 'ms', value: quantile(ms, 0.95) },
    { kind: 'value', case: 'warms that failed at 1,000/s', unit: '%', value: (100 * failed) / total },
  ]
}
