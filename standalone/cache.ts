import { createCaches, startCaches } from '../node/caches.ts'
import { sharedPricesOf } from '../node/shared-prices.ts'
import { checkedAhead } from '../schemas/event-time.ts'
import { checkedName, updatesOf } from '../schemas/price-object.ts'
import { NUMBER_COUNT, NUMBER_FIELDS, type PriceUpdate } from '../schemas/price-update.ts'
import { MAX_CHAIN_BYTES } from '../schemas/topics.ts'
import type { CachedPrice } from '../src/cache/cached-price.ts'
import type { HierarchyStats } from '../src/cache/hierarchy-stats.ts'
import { longestJsonIn } from '../src/cache/l1/objects.ts'
import type { Optimized } from '../src/cache/optimizer.ts'
import type { Unaccepted } from '../src/cache/price-reads.ts'
import { UNKNOWN_SOURCE } from '../src/cache/sources/sources.ts'
import type { JsonValue } from '../src/cache/values/json-value.ts'
import { type Clock, systemClock } from '../src/clock.ts'
import { described } from '../src/config/argument.ts'
import type { Check } from '../src/config/check.ts'
import type { Environment } from '../src/config/environment.ts'
import { acceptedConfig } from '../src/config/load.ts'
import { aClock, anObject, assertOptions, callable, type Options, type OptionsOf } from '../src/config/options.ts'
import { assertReadOptions } from '../src/config/read-options.ts'
import type { Config, Overrides } from '../src/config/settings.ts'
import type { SharedPrices } from '../src/detect/attached-prices.ts'
import { type NoReading, type Reading, type ReadOptions, readingOf } from '../src/detect/reading.ts'
import { createLog } from '../src/telemetry/log.ts'
import { createMetrics } from '../src/telemetry/metrics.ts'
import { VERSION } from '../src/version.ts'
import { type JsonCache, type JsonCacheOptions, ValueCache } from './json-cache.ts'
import { type CacheParts, type DeleteOutcome, Levels, type SetOutcome } from './levels.ts'
import { assertPossible, wrongFor } from './names.ts'

/** The options of `createCache` for prices. The rest comes from the environment, the settings file and the defaults. */
export interface CacheOptions {
  readonly l1SizeMb?: number
  /** Overrides `l1SizeMb`. */
  readonly l1Slots?: number
  /** False: L2 is a table of this process, without Redis. */
  readonly l2Enabled?: boolean
  /** False: values of any kind (JsonCache). */
  readonly usePriceMatrix?: true
  readonly ttlSeconds?: { readonly l1?: number; readonly l2?: number }
  /** The chain of all its pairs. Default: `default`. */
  readonly chain?: string
  /** What a warming's scheduler runs, as in the settings file; whatever is not given has the default. */
  readonly schedules?: Overrides['schedules']
  readonly env?: Environment
  readonly clock?: Clock
  readonly random?: () => number
}

/** With another one, every read would miss, and every write be refused. */
const CHAIN: Check<string> = {
  allowed: `a name of 1 to ${MAX_CHAIN_BYTES} bytes`,
  parse: (input) => (checkedName(input, 'chain') === undefined ? (input as string) : undefined),
}

const CACHE_OPTIONS: OptionsOf<CacheOptions> = {
  ...{ l1SizeMb: true, l1Slots: true, l2Enabled: true, usePriceMatrix: true, chain: CHAIN },
  ttlSeconds: { l1: true, l2: true },
  ...{ env: anObject, clock: aClock, random: callable, schedules: true },
}

/** The options of `createCache`, whatever it holds. */
type AnyOptions = CacheOptions | (JsonCacheOptions & { readonly usePriceMatrix: false })

const VALUE_OPTIONS: OptionsOf<AnyOptions> = { ...CACHE_OPTIONS, maxValueBytes: true }

/** The numbers of a price. The event time is now unless it is given. */
export type PriceValue = Omit<PriceUpdate, 'pair' | 'chain' | 'eventTimeMs'> & {
  readonly eventTimeMs?: number
}

/** An update may be passed as it is, if its pair and chain are those that it is stored under. */
const PRICE_VALUE: OptionsOf<PriceValue> & Options = {
  ...{
    price: true,
    bid: true,
    ask: true,
    reserve0: true,
    reserve1: true,
    liquidity: true,
    group: true,
    sequence: true,
  },
  ...{ eventTimeMs: true, pair: true, chain: true, extra: true },
}

/** Prices in three levels by the rules of a node, for a service that has its own feed and no Kafka. */
export interface Cache {
  /** Reads L1, at once. A miss is fetched in the background. */
  get(pair: string, options?: ReadOptions): Reading | NoReading
  /** Reads L1, then L2 and L3. */
  getOrLoad(pair: string, options?: ReadOptions): Promise<Reading | NoReading>
  /** Reads several pairs, in their order, with one trip for all that L1 lacks. */
  getMany(pairs: readonly string[], options?: ReadOptions): Promise<(Reading | NoReading)[]>
  /** Refuses a value that is older than one the pair has had. Throws a ForewarmError 'bad-value' for something that is not a price. */
  set(pair: string, value: PriceValue): SetOutcome
  /**
   * Delists the pair, for all who share L2. With an event time, values up to that time go and do not come back. Without one,
   * it deletes what there is now. Resolves when L2 has deleted it, or is away. Rejects with a ForewarmError 'bad-value' for
   * an impossible name or time.
   */
  delete(pair: string, options?: { readonly eventTimeMs?: number }): Promise<DeleteOutcome>
  stats(): HierarchyStats
  /** For `attachPrices` in worker threads of this process: the memory itself, no copy. */
  readonly sharedPrices: SharedPrices
  optimize(): Promise<Optimized>
  /** Writes pending values to L2. May be called twice. */
  close(): Promise<void>
}

/** A cache that `createCache` made, of prices or of values of any kind. A warming works beside both. */
export type AnyCache = Cache | JsonCache<unknown>

/**
 * Makes a cache and starts it. While L2 is away the cache goes on without it and tries again in the background. Rejects
 * with a ForewarmError 'bad-config' that names every fault, or says why PATTERN_STORE cannot be written to.
 */
export async function createCache<V = JsonValue>(
  options: JsonCacheOptions & { readonly usePriceMatrix: false },
): Promise<JsonCache<V>>
export async function createCache(options?: CacheOptions): Promise<Cache>
export async function createCache(options: AnyOptions = {}): Promise<Cache | JsonCache<unknown>> {
  const kind = options?.usePriceMatrix === false ? 'values' : 'prices'
  assertOptions<object>('createCache', options, kind === 'values' ? VALUE_OPTIONS : CACHE_OPTIONS)
  const { env = process.env, clock = systemClock, random = Math.random } = options
  const { chain = kind === 'values' ? 'values' : 'default' } = options
  const { config: configured, schedules } = acceptedConfig({ env, overrides: overridesOf(options) })
  const config = kind === 'values' ? withoutL3(configured) : configured
  const metrics = createMetrics()
  const log = createLog({ service: config.node.service, version: VERSION, secrets: [] })
  const caches = createCaches({ config, clock, random, metrics, log, kind, l2: 'redis', waitsForL2: false })
  await startCaches(caches)
  const parts = { caches, metrics, clock, chain, config, schedules, log }
  return kind === 'values' ? new ValueCache(parts, longestValue(config)) : new PriceCache(parts)
}

function overridesOf(options: AnyOptions) {
  const { l1SizeMb, l1Slots, l2Enabled, usePriceMatrix, ttlSeconds, schedules } = options
  const maxValueBytes = 'maxValueBytes' in options ? options.maxValueBytes : undefined
  const ttls = { l1TtlSeconds: ttlSeconds?.l1, l2TtlSeconds: ttlSeconds?.l2 }
  // It has no operators: its warming begins when it is made, as far as its own rollout lets it.
  const warming = { rollout: 'full', controlShare: 0 } as const
  return { schedules, cache: { l1SizeMb, l1Slots, l2Enabled, usePriceMatrix, maxValueBytes, ...ttls }, warming }
}

/** L3 is a table of prices. Without Redis, L1 is all there is: then nothing outlives its time there. */
function withoutL3({ cache, ...config }: Config): Config {
  const { l1TtlSeconds, l2Enabled, l2TtlSeconds } = cache
  const ttl = { l2TtlSeconds: l2Enabled ? l2TtlSeconds : l1TtlSeconds }
  return { ...config, cache: { ...cache, ...ttl, clickHouseUrl: undefined } }
}

/** A value that is larger than L1 would be nowhere without Redis, and with it be read from there each time. */
function longestValue(config: Config): number {
  const { l1SizeMb, l1Slots, maxValueBytes } = config.cache
  return l1Slots === undefined ? Math.min(maxValueBytes, longestJsonIn(l1SizeMb * 1024 * 1024)) : maxValueBytes
}

/** Throws a ForewarmError 'bad-value' for the value of another pair: it would be read as the price of this one. */
function assertOwn(value: object, ownPair: string, ownChain: string): void {
  const { pair = ownPair, chain = ownChain } = value as { readonly pair?: unknown; readonly chain?: unknown }
  if (pair !== ownPair) throw wrongFor(ownPair, `the value is of pair ${described(pair)}`)
  if (chain === ownChain) return
  const chains = `chain ${described(chain)}, the cache of ${described(ownChain)}`
  throw wrongFor(ownPair, `the value is of ${chains}`)
}

class PriceCache implements Cache {
  readonly #parts: CacheParts
  readonly #levels: Levels<Reading, ReadOptions>
  readonly #numbers = new Float64Array(NUMBER_COUNT)

  constructor(parts: CacheParts) {
    this.#parts = parts
    this.#levels = new Levels(this, parts, { readingOf: (...found) => this.#reading(...found) })
  }

  get(pair: string, options?: ReadOptions): Reading | NoReading {
    assertReadOptions(options)
    return this.#levels.get(pair, options)
  }

  async getOrLoad(pair: string, options?: ReadOptions): Promise<Reading | NoReading> {
    const [reading = 'unavailable'] = await this.getMany([pair], options)
    return reading
  }

  async getMany(pairs: readonly string[], options?: ReadOptions): Promise<(Reading | NoReading)[]> {
    assertReadOptions(options)
    return this.#levels.getMany(pairs, options)
  }

  set(pair: string, value: PriceValue): SetOutcome {
    const { caches, chain, clock } = this.#parts
    const nowMs = clock.now()
    assertPossible(pair, 'pair')
    assertOptions<PriceValue>(pair, value, PRICE_VALUE)
    assertOwn(value, pair, chain)
    const given = { ...value, pair, chain, eventTimeMs: value.eventTimeMs ?? nowMs }
    const parsed = updatesOf(given, { hasExtra: value.extra !== undefined })
    if (!parsed.ok) throw wrongFor(pair, parsed.detail)
    const [update] = parsed.updates
    const against = update && checkedAhead(update.eventTimeMs, nowMs)
    if (against !== undefined) throw wrongFor(pair, against.detail)
    if (this.#levels.isClosed) return 'closed'
    const pairId = caches.table.register(chain, pair)
    if (pairId < 0 || update === undefined) return 'too-many-pairs'
    for (const [field, name] of NUMBER_FIELDS.entries()) this.#numbers[field] = update[name] ?? Number.NaN
    const { eventTimeMs, sequence, extra, group } = update
    const { table, writer } = caches
    if (group !== undefined) table.setGroup(pairId, group)
    return writer.write(pairId, eventTimeMs, this.#numbers, 0, sequence, UNKNOWN_SOURCE, writer.jsonOf(extra))
  }

  delete(pair: string, options: { readonly eventTimeMs?: number } = {}): Promise<DeleteOutcome> {
    return this.#levels.delete(pair, options)
  }

  get sharedPrices(): SharedPrices {
    return sharedPricesOf(this.#parts.caches)
  }

  stats(): HierarchyStats {
    return this.#levels.stats()
  }

  optimize(): Promise<Optimized> {
    return this.#levels.optimize()
  }

  close(): Promise<void> {
    return this.#levels.close()
  }

  #reading(pair: string, price: Readonly<CachedPrice>, options: ReadOptions | undefined): Reading | Unaccepted {
    const { chain, clock } = this.#parts
    // Whoever else writes to L2 does not say up to when.
    return readingOf({ pair, chain, price }, { ageMs: clock.now() - price.eventTimeMs, behindMs: Infinity }, options)
  }
}
