import { closeCaches, createCaches, startCaches } from '../node/caches.ts'
import type { Caches } from '../node/options.ts'
import { sharedPricesOf } from '../node/shared-prices.ts'
import { checkedAhead, checkedEventTime } from '../schemas/event-time.ts'
import { checkedName, updatesOf } from '../schemas/price-object.ts'
import { NUMBER_COUNT, NUMBER_FIELDS, type PriceUpdate } from '../schemas/price-update.ts'
import { type CachedPrice, emptyPrice } from '../src/cache/cached-price.ts'
import { type HierarchyStats, hierarchyStats } from '../src/cache/hierarchy-stats.ts'
import { type JsonCache, type JsonCacheOptions, type SetOutcome, ValueCache } from '../src/cache/json-cache.ts'
import { type Optimized, optimize } from '../src/cache/optimizer.ts'
import { absenceWithoutId, readMany, type Unaccepted } from '../src/cache/price-reads.ts'
import { type Clock, systemClock } from '../src/clock.ts'
import { described } from '../src/config/argument.ts'
import type { Environment } from '../src/config/environment.ts'
import { acceptedConfig } from '../src/config/load.ts'
import { assertOptions, type Options, type OptionsOf } from '../src/config/options.ts'
import { assertReadOptions } from '../src/config/read-options.ts'
import type { Config } from '../src/config/settings.ts'
import type { SharedPrices } from '../src/detect/attached-prices.ts'
import { type NoReading, type Reading, type ReadOptions, readingOf } from '../src/detect/reading.ts'
import { ForewarmError } from '../src/forewarm-error.ts'
import type { RolloutValue } from '../src/rollout/rollout-value.ts'
import { createLog, type Log } from '../src/telemetry/log.ts'
import { createMetrics, type MetricSlab } from '../src/telemetry/metrics.ts'
import { VERSION } from '../src/version.ts'
import { ReadListeners } from './read-listeners.ts'

/** The options of `createCache` for prices. The rest comes from the environment, the settings file and the defaults. */
export interface CacheOptions {
  readonly l1SizeMb?: number
  /** Overrides `l1SizeMb`. */
  readonly l1Slots?: number
  /** False: L2 is a table of this process, without Redis. */
  readonly l2Enabled?: boolean
  /** False: values of any kind, in this process alone (JsonCache). */
  readonly usePriceMatrix?: boolean
  readonly ttlSeconds?: { readonly l1?: number; readonly l2?: number }
  /** The chain of all its pairs. Default: `default`. */
  readonly chain?: string
  readonly env?: Environment
  readonly clock?: Clock
  readonly random?: () => number
}

const CACHE_OPTIONS: OptionsOf<CacheOptions> = {
  ...{ l1SizeMb: true, l1Slots: true, l2Enabled: true, usePriceMatrix: true, chain: true },
  ttlSeconds: { l1: true, l2: true },
  ...{ env: true, clock: true, random: true },
}

/** The numbers of a price. The event time is now unless it is given. */
export type PriceValue = Omit<PriceUpdate, 'pair' | 'chain' | 'eventTimeMs' | 'extra'> & {
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

/**
 * The outcome of a deletion. `older`: the pair has a newer value, which stays, or was deleted later. `unavailable`: L2 is away,
 * and gets the deletion later. `closed`: the cache is closed, and nothing was deleted.
 */
export type DeleteOutcome = 'deleted' | 'older' | 'unavailable' | 'too-many-pairs' | 'closed'

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

/**
 * Makes a cache and starts it. While L2 is away the cache goes on without it and tries again in the background. Rejects
 * with a ForewarmError 'bad-config' that names every fault, or says why PATTERN_STORE cannot be written to.
 */
export async function createCache<V>(
  options: JsonCacheOptions & { readonly usePriceMatrix: false },
): Promise<JsonCache<V>>
export async function createCache(options?: CacheOptions): Promise<Cache>
export async function createCache(options: CacheOptions = {}): Promise<Cache | JsonCache<unknown>> {
  assertOptions<CacheOptions>('createCache', options, CACHE_OPTIONS)
  const { env = process.env, clock = systemClock, random = Math.random, chain = 'default' } = options
  const { l1SizeMb, l1Slots, l2Enabled, usePriceMatrix, ttlSeconds } = options
  const ttls = { l1TtlSeconds: ttlSeconds?.l1, l2TtlSeconds: ttlSeconds?.l2 }
  // It has no operators: its warming begins when it is made, as far as its own rollout lets it.
  const warming = { rollout: 'full', controlShare: 0 } as const
  const overrides = { cache: { l1SizeMb, l1Slots, l2Enabled, usePriceMatrix, ...ttls }, warming }
  const { config } = acceptedConfig({ env, overrides })
  if (!config.cache.usePriceMatrix) return createJsonCache(config, options, clock)
  const metrics = createMetrics()
  const log = createLog({ service: config.node.service, version: VERSION, secrets: [] })
  const caches = createCaches({ config, clock, random, metrics, log, l2: 'redis', waitsForL2: false })
  await startCaches(caches)
  return new PriceCache({ caches, metrics, clock, chain, config, log })
}

function createJsonCache({ cache }: Config, { l2Enabled }: CacheOptions, clock: Clock): JsonCache<unknown> {
  if (l2Enabled)
    throw new ForewarmError(
      'bad-config',
      'l2Enabled: expected false if usePriceMatrix is false, got true: L2 holds prices, other values stay in this process',
    )
  const slots = cache.l1Slots ?? Math.max(1, Math.floor((cache.l1SizeMb * 1024 * 1024) / JSON_VALUE_BYTES))
  return new ValueCache({ slots, maxPairs: cache.maxPairs, ttlMs: cache.l1TtlSeconds * 1000, clock })
}

/** The assumed size of a value when the options give megabytes and no slots. */
const JSON_VALUE_BYTES = 1024

interface PriceCacheParts {
  readonly caches: Caches
  readonly metrics: MetricSlab
  readonly clock: Clock
  readonly chain: string
  readonly config: Config
  readonly log: Log
}

/** The inside of a cache, for a warming that works beside it. */
export interface OpenedCache extends PriceCacheParts {
  /** The rollout before any warming had one. */
  readonly configuredRollout: RolloutValue
  readonly listeners: ReadListeners
}

const OPENED = new WeakMap<Cache, OpenedCache>()

/** Undefined for anything but a cache of prices that `createCache` made. */
export function openedCache(cache: Cache): OpenedCache | undefined {
  return OPENED.get(cache)
}

/** Throws a ForewarmError 'bad-value' for the value of another pair: it would be read as the price of this one. */
function assertOwn(value: object, ownPair: string, ownChain: string): void {
  const { pair = ownPair, chain = ownChain } = value as { readonly pair?: unknown; readonly chain?: unknown }
  if (pair !== ownPair) throw new ForewarmError('bad-value', `${ownPair}: the value is of pair ${described(pair)}`)
  if (chain === ownChain) return
  const chains = `chain ${described(chain)}, the cache of ${described(ownChain)}`
  throw new ForewarmError('bad-value', `${ownPair}: the value is of ${chains}`)
}

class PriceCache implements Cache {
  readonly #parts: PriceCacheParts
  readonly #listeners = new ReadListeners()
  readonly #onAccess: ((pairId: number, atMs: number) => void) | undefined
  readonly #price = emptyPrice()
  readonly #numbers = new Float64Array(NUMBER_COUNT)
  #closed: Promise<void> | undefined

  constructor(parts: PriceCacheParts) {
    this.#parts = parts
    this.#onAccess = parts.caches.prediction.onRead
    const configuredRollout = parts.caches.rollout.value
    OPENED.set(this, { ...parts, configuredRollout, listeners: this.#listeners })
  }

  get(pair: string, options?: ReadOptions): Reading | NoReading {
    assertReadOptions(options)
    const { caches, chain } = this.#parts
    const pairId = caches.table.ask(chain, pair)
    if (pairId < 0) return absenceWithoutId(chain, pair)
    if (this.#isHit(pairId, this.#price)) return this.#reading(pair, this.#price, options)
    return caches.hierarchy.absence(pairId)
  }

  async getOrLoad(pair: string, options?: ReadOptions): Promise<Reading | NoReading> {
    const [reading = 'unavailable'] = await this.getMany([pair], options)
    return reading
  }

  async getMany(pairs: readonly string[], options?: ReadOptions): Promise<(Reading | NoReading)[]> {
    assertReadOptions(options)
    const { chain, caches } = this.#parts
    const { table, hierarchy } = caches
    const readings = await readMany(
      {
        hierarchy,
        holds: table.holds,
        chain,
        ask: (pair) => table.ask(chain, pair),
        get: (pairId, into) => this.#isHit(pairId, into),
        readingOf: (_, pair, price) => this.#reading(pair, price, options),
        // Another process may have written a newer value to L2.
        renew: (pairId) => hierarchy.renew(pairId),
      },
      pairs,
    )
    await this.#listeners.waits()
    return readings
  }

  set(pair: string, value: PriceValue): SetOutcome {
    const { caches, chain, clock } = this.#parts
    const nowMs = clock.now()
    assertOptions<PriceValue>(pair, value, PRICE_VALUE)
    assertOwn(value, pair, chain)
    const parsed = updatesOf({ ...value, pair, chain, eventTimeMs: value.eventTimeMs ?? nowMs })
    if (!parsed.ok) throw new ForewarmError('bad-value', `${pair}: ${parsed.detail}`)
    const [update] = parsed.updates
    const against = update && checkedAhead(update.eventTimeMs, nowMs)
    if (against !== undefined) throw new ForewarmError('bad-value', `${pair}: ${against.detail}`)
    if (this.#closed !== undefined) return 'closed'
    const pairId = caches.table.register(chain, pair)
    if (pairId < 0 || update === undefined) return 'too-many-pairs'
    for (const [field, name] of NUMBER_FIELDS.entries()) this.#numbers[field] = update[name] ?? Number.NaN
    return caches.writer.write(pairId, update.eventTimeMs, this.#numbers, 0, update.sequence)
  }

  async delete(pair: string, options: { readonly eventTimeMs?: number } = {}): Promise<DeleteOutcome> {
    assertOptions('delete', options, { eventTimeMs: true })
    const { caches, chain, clock } = this.#parts
    const nowMs = clock.now()
    const { eventTimeMs = nowMs } = options
    const onlyUpTo = options.eventTimeMs !== undefined
    const againstTime = onlyUpTo ? (checkedEventTime(eventTimeMs) ?? checkedAhead(eventTimeMs, nowMs)) : undefined
    const against = checkedName(pair, 'pair') ?? againstTime
    if (against !== undefined) throw new ForewarmError('bad-value', `${pair}: ${against.detail}`)
    if (this.#closed !== undefined) return 'closed'
    // L2 may have the value of a pair that this process does not know.
    const pairId = caches.table.ask(chain, pair)
    if (pairId < 0) return 'too-many-pairs'
    const outcome = await caches.writer.delist(pairId, Math.floor(eventTimeMs), { onlyUpTo })
    return outcome === 'delisted' ? 'deleted' : outcome
  }

  get sharedPrices(): SharedPrices {
    return sharedPricesOf(this.#parts.caches)
  }

  stats(): HierarchyStats {
    return hierarchyStats({ ...this.#parts.caches, metrics: this.#parts.metrics })
  }

  optimize(): Promise<Optimized> {
    return optimize({ ...this.#parts.caches, nowMs: () => this.#parts.clock.now() })
  }

  close(): Promise<void> {
    this.#closed ??= closeCaches(this.#parts.caches)
    return this.#closed
  }

  #isHit(pairId: number, into: CachedPrice): boolean {
    const { hierarchy } = this.#parts.caches
    const { warmsUsed } = hierarchy
    const isHit = hierarchy.get(pairId, into)
    if (this.#listeners.isEmpty) return isHit
    this.#onAccess?.(pairId, this.#parts.clock.now())
    this.#parts.caches.shadow.read(pairId, isHit)
    this.#listeners.tell(pairId, isHit, hierarchy.warmsUsed > warmsUsed)
    return isHit
  }

  #reading(pair: string, price: Readonly<CachedPrice>, options: ReadOptions | undefined): Reading | Unaccepted {
    const { chain, clock } = this.#parts
    // Whoever else writes to L2 does not say up to when.
    return readingOf({ pair, chain, price }, { ageMs: clock.now() - price.eventTimeMs, behindMs: Infinity }, options)
  }
}
