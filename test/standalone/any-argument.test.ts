import { afterEach, expect, test } from '@jest/globals'
import { ForewarmError } from '../../src/forewarm-error.ts'
import { type Cache, createCache } from '../../standalone/cache.ts'
import { createAdaptiveWarming, createTopNWarming } from '../../standalone/warming/factories.ts'
import type { CacheWarmer } from '../../standalone/warming/warmer.ts'
import { createWarming } from '../../standalone/warming/warming.ts'
import { expectWarmed, strategyFaults } from '../../testing.ts'
import { closeAll, closedLater } from './groups-stage.ts'

afterEach(closeAll)

const LONG = 'x'.repeat(200_000)
const NOTHING = { selected: [], reason: 'none' }
const HOSTILE = new Proxy(() => 1, {})

/** What callers without types may pass. */
const ANY: readonly (readonly [string, unknown])[] = [
  ...(
    [undefined, null, true, 7, -1, Number.NaN, Number.POSITIVE_INFINITY, '', '\0', '\ud800', '17800000000000'] as const
  ).map((value) => [JSON.stringify(value) ?? 'undefined', value] as const),
  ['a bigint', 1_780_000_000_000n],
  ['a symbol', Symbol('pair')],
  ['a symbol of a long name', Symbol(LONG)],
  ['a long text', LONG],
  ['a function', HOSTILE],
  ['a list of lists', [[[]]]],
  ['an object', { [LONG]: 1 }],
]

type Call = (value: never) => unknown

async function callsOf(): Promise<Readonly<Record<string, Call>>> {
  const cache = closedLater(await createCache({ l1Slots: 4, l2Enabled: false, env: {} }))
  const values = closedLater(
    await createCache<string>({ usePriceMatrix: false, l1Slots: 4, l2Enabled: false, env: {} }),
  )
  const { tracker, predictor, warmer, rollout, metrics, close } = createWarming(cache)
  closedLater({ close })
  return {
    ...readsOf(cache),
    'set name': (value) => cache.set(value, { price: 1 }),
    'set value': (value) => cache.set('A', value),
    'set price': (price) => cache.set('A', { price }),
    'set time': (eventTimeMs) => cache.set('A', { price: 1, eventTimeMs }),
    'set key': (value) => values.set(value, 'text'),
    'set value time': (eventTimeMs) => values.set('A', 'text', { eventTimeMs }),
    'set value options': (value) => values.set('A', 'text', value),
    'read value': (value) => values.get(value),
    'read value options': (value) => values.get('A', value),
    delete: (value) => cache.delete(value),
    'delete options': (value) => cache.delete('A', value),
    'delete time': (eventTimeMs) => cache.delete('A', { eventTimeMs }),
    recordPriceUpdate: (value) => tracker.recordPriceUpdate(value),
    'recordPriceUpdate time': (value) => tracker.recordPriceUpdate('A', value),
    getPairsToWarm: (value) => tracker.getPairsToWarm(value),
    'getPairsToWarm time': (value) => tracker.getPairsToWarm('A', value),
    'getPairsToWarm limit': (value) => tracker.getPairsToWarm('A', undefined, value),
    recordAccess: (value) => predictor.recordAccess(value),
    'recordAccess options': (value) => predictor.recordAccess('A', value),
    'recordAccess time': (atMs) => predictor.recordAccess('A', { atMs }),
    popular: (value) => predictor.popular(value),
    trending: (value) => predictor.trending(value),
    forecast: (value) => predictor.forecast(value),
    next: (value) => predictor.next(value),
    pattern: (value) => predictor.pattern(value),
    recommendations: (value) => predictor.recommendations(value),
    importPatterns: (value) => predictor.importPatterns(value),
    ...warmsOf(warmer),
    'rollout.set': (value) => rollout.set(value),
    'metrics.export': (value) => metrics.export(value).slice(0, 1),
    ...creationsOf(cache),
    ...trialsOf(),
  }
}

function warmsOf(warmer: CacheWarmer): Readonly<Record<string, Call>> {
  return {
    warmForPair: (value) => warmer.warmForPair(value),
    warmPairs: (value) => warmer.warmPairs(value),
    'warmPairs one': (value) => warmer.warmPairs([value]),
    warmPopular: (value) => warmer.warmPopular(value),
    warmTrending: (value) => warmer.warmTrending(value),
    warmTimeOfDay: (value) => warmer.warmTimeOfDay(value),
    warmPredicted: (value) => warmer.warmPredicted(value),
    'warmPredicted limit': (limit) => warmer.warmPredicted(['A'], { limit }),
    updateConfig: (value) => warmer.updateConfig(value),
  }
}

function readsOf(cache: Cache): Readonly<Record<string, Call>> {
  return {
    get: (value) => cache.get(value),
    'get options': (value) => cache.get('A', value),
    getOrLoad: (value) => cache.getOrLoad(value),
    'getOrLoad options': (value) => cache.getOrLoad('A', value),
    getMany: (value) => cache.getMany(value),
    'getMany one': (value) => cache.getMany([value]),
  }
}

function creationsOf(cache: Cache): Readonly<Record<string, Call>> {
  const made = (options: object) => closedLater(createWarming(cache, options)).close()
  const cacheOf = async (options: object) =>
    closedLater(await createCache({ l1Slots: 4, l2Enabled: false, env: {}, ...options })).close()
  return {
    createWarming: (value) => closedLater(createWarming(value)).close(),
    'createWarming options': (value) => closedLater(createWarming(cache, value)).close(),
    strategy: (strategy) => made({ strategy }),
    strategyConfig: (strategyConfig) => made({ strategyConfig }),
    metricsConfig: (metricsConfig) => made({ metricsConfig }),
    useSharedAnalyzer: (useSharedAnalyzer) => made({ useSharedAnalyzer }),
    topN: (value) => closedLater(createTopNWarming(cache, value)).close(),
    'topN options': (value) => closedLater(createTopNWarming(cache, 5, 0.3, value)).close(),
    adaptive: (value) => closedLater(createAdaptiveWarming(cache, value)).close(),
    chain: (chain) => cacheOf({ chain }),
    clock: (clock) => cacheOf({ clock }),
    random: (random) => cacheOf({ random }),
    env: (env) => cacheOf({ env }),
    l1Slots: (l1Slots) => cacheOf({ l1Slots }),
    schedules: (schedules) => cacheOf({ schedules }),
    ttlSeconds: (ttlSeconds) => cacheOf({ ttlSeconds }),
  }
}

function trialsOf(): Readonly<Record<string, Call>> {
  const own = { name: 'own', select: () => NOTHING }
  return {
    strategyFaults: (value) => strategyFaults(value),
    seed: (seed) => strategyFaults(own, { seed, contexts: 2 }),
    contexts: (contexts) => strategyFaults(own, { contexts }),
    expectWarmed: (value) => expectWarmed({ has: () => true }, 'c', value),
  }
}

/** The names of all settings take some thousand. */
const MOST_CHARS = 10_000
const isWarm = (name: string) => name.startsWith('warm')

test.each(ANY)('%s is taken, or refused in a short sentence, by all that takes anything', async (_, value) => {
  const calls = await callsOf()
  const faults: string[] = []
  for (const [name, call] of Object.entries(calls)) {
    let started: unknown
    try {
      started = call(value as never)
    } catch (error) {
      if (!isShortRefusal(error)) faults.push(`${name} throws ${String(error).slice(0, 100)}`)
      continue
    }
    await Promise.resolve(started).catch((error: unknown) => {
      if (isWarm(name)) faults.push(`${name} rejects`)
      else if (!isShortRefusal(error)) faults.push(`${name} rejects with ${String(error).slice(0, 100)}`)
    })
  }
  expect(faults).toEqual([])
})

function isShortRefusal(error: unknown): boolean {
  return error instanceof ForewarmError && error.message.length <= MOST_CHARS
}
