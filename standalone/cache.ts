import { type Caches, closeCaches, createCaches, startCaches } from '../node/caches.ts'
import { updatesOf } from '../schemas/price-object.ts'
import { NUMBER_COUNT, NUMBER_FIELDS, type PriceUpdate } from '../schemas/price-update.ts'
import { type HierarchyStats, hierarchyStats } from '../src/cache/hierarchy-stats.ts'
import { type JsonCache, type JsonCacheOptions, type SetOutcome, ValueCache } from '../src/cache/json-cache.ts'
import { type Optimized, optimize } from '../src/cache/optimizer.ts'
import { emptyRecord } from '../src/cache/price-record.ts'
import { type Clock, systemClock } from '../src/clock.ts'
import type { Environment } from '../src/config/environment.ts'
import { loadConfig } from '../src/config/load.ts'
import { describeProblems } from '../src/config/problem.ts'
import type { Config } from '../src/config/settings.ts'
import { type Reading, type ReadOptions, readingOf } from '../src/detect/reading.ts'
import { ForewarmError } from '../src/forewarm-error.ts'
import { createLog } from '../src/telemetry/log.ts'
import { createMetrics, type MetricSlab } from '../src/telemetry/metrics.ts'
import { VERSION } from '../src/version.ts'

/** What is not given comes from the environment, the file and the defaults, as for a node. */
export interface CacheOptions {
  readonly l1SizeMb?: number
  /** Overrides `l1SizeMb`. */
  readonly l1Slots?: number
  /** Off: L2 is memory of this process. */
  readonly l2Enabled?: boolean
  /** Off: values of any kind, in this process alone (JsonCache). */
  readonly usePriceMatrix?: boolean
  /** Seconds. */
  readonly ttl?: { readonly l1?: number; readonly l2?: number }
  /** The correlation domain that its pairs belong to; `default` unless given. */
  readonly chain?: string
  readonly env?: Environment
  readonly clock?: Clock
  readonly random?: () => number
}

/** The numbers of a price; the event time is now unless given. */
export type PriceValue = Omit<PriceUpdate, 'pair' | 'chain' | 'eventTimeMs'> & { readonly eventTimeMs?: number }

/** Prices in three levels, for a service that has its own feed: no Kafka, the same rules. */
export interface Cache {
  /** L1, at once. A miss is fetched in the background. */
  get(pair: string, options?: ReadOptions): Reading | 'missing' | 'stale'
  /** Goes on to L2 and L3. */
  getOrLoad(pair: string, options?: ReadOptions): Promise<Reading | 'missing' | 'stale'>
  /** As `getOrLoad`, in one trip for all that L1 lacks; in the order of `pairs`. */
  getMany(pairs: readonly string[], options?: ReadOptions): Promise<(Reading | 'missing' | 'stale')[]>
  /** Throws a ForewarmError 'bad-value' for what is no price. A value older than the pair has had is refused. */
  set(pair: string, value: PriceValue): SetOutcome
  /** The pair is delisted; resolves when L2 has heard of it, or is away. */
  delete(pair: string): Promise<void>
  stats(): HierarchyStats
  optimize(): Promise<Optimized>
  /** Writes the rest to L2. Twice is once. */
  close(): Promise<void>
}

/**
 * Starts; where L2 is away, `stats` and reads go on without it, and it is tried again in the background. Rejects with a
 * ForewarmError 'bad-config' that names every fault, or says why nothing can be saved to PATTERN_STORE.
 */
export async function createCache<V>(
  options: JsonCacheOptions & { readonly usePriceMatrix: false },
): Promise<JsonCache<V>>
export async function createCache(options?: CacheOptions): Promise<Cache>
export async function createCache(options: CacheOptions = {}): Promise<Cache | JsonCache<unknown>> {
  const { env = process.env, clock = systemClock, random = Math.random, chain = 'default' } = options
  const loaded = loadConfig({ env, overrides: { cache: overridesOf(options) } })
  if (loaded.status === 'refused') throw new ForewarmError('bad-config', describeProblems(loaded.problems))
  const { config } = loaded
  if (!config.cache.usePriceMatrix) return createJsonCache(config, options, clock)
  const metrics = createMetrics()
  const log = createLog({ service: config.node.service, version: VERSION, secrets: [] })
  const caches = createCaches({ config, clock, random, metrics, log, l2: 'redis' })
  await startCaches(caches)
  return new PriceCache({
    ...{ caches, metrics, clock, chain },
    maxTrackedPairs: config.correlation.maxTrackedPairs,
    onRead: undefined,
  })
}

function overridesOf({ l1SizeMb, l1Slots, l2Enabled, usePriceMatrix, ttl }: CacheOptions) {
  return {
    ...(l1SizeMb !== undefined && { l1SizeMb }),
    ...(l1Slots !== undefined && { l1Slots }),
    ...(l2Enabled !== undefined && { l2Enabled }),
    ...(usePriceMatrix !== undefined && { usePriceMatrix }),
    ...(ttl?.l1 !== undefined && { l1TtlSeconds: ttl.l1 }),
    ...(ttl?.l2 !== undefined && { l2TtlSeconds: ttl.l2 }),
  }
}

function createJsonCache({ cache }: Config, { l2Enabled }: CacheOptions, clock: Clock): JsonCache<unknown> {
  if (l2Enabled)
    throw new ForewarmError(
      'bad-config',
      'l2Enabled: expected false where usePriceMatrix is false, got true: L2 holds prices, other values stay in this process',
    )
  const slots = cache.l1Slots ?? Math.max(1, Math.floor((cache.l1SizeMb * 1024 * 1024) / JSON_VALUE_BYTES))
  return new ValueCache({ slots, maxPairs: cache.maxPairs, ttlMs: cache.l1TtlSeconds * 1000, clock })
}

/** A guess at a value's size, for those who give megabytes and no slots. */
const JSON_VALUE_BYTES = 1024

interface PriceCacheParts {
  readonly caches: Caches
  readonly metrics: MetricSlab
  readonly clock: Clock
  readonly chain: string
  readonly maxTrackedPairs: number
  /** Told of each read. */
  onRead: ((pairId: number) => void) | undefined
}

const PARTS = new WeakMap<Cache, PriceCacheParts>()

/** For what works beside a cache; undefined where it is none of prices. */
export function cacheParts(cache: Cache): PriceCacheParts | undefined {
  return PARTS.get(cache)
}

class PriceCache implements Cache {
  readonly #parts: PriceCacheParts
  readonly #record = emptyRecord()
  readonly #numbers = new Float64Array(NUMBER_COUNT)
  #closed: Promise<void> | undefined

  constructor(parts: PriceCacheParts) {
    this.#parts = parts
    PARTS.set(this, parts)
  }

  get(pair: string, options?: ReadOptions): Reading | 'missing' | 'stale' {
    const { caches, chain } = this.#parts
    const pairId = caches.table.ask(chain, pair)
    if (pairId < 0) return 'missing'
    const isHit = caches.hierarchy.get(pairId, this.#record)
    const reading = isHit ? this.#reading(pair, options) : 'missing'
    this.#parts.onRead?.(pairId)
    return reading
  }

  async getOrLoad(pair: string, options?: ReadOptions): Promise<Reading | 'missing' | 'stale'> {
    const [reading = 'missing'] = await this.getMany([pair], options)
    return reading
  }

  async getMany(pairs: readonly string[], options?: ReadOptions): Promise<(Reading | 'missing' | 'stale')[]> {
    const { table, hierarchy } = this.#parts.caches
    const readings = pairs.map((pair) => this.get(pair, options))
    const fetches = pairs.map((pair, at) => {
      const pairId = table.find(this.#parts.chain, pair)
      if (typeof readings[at] === 'object' || pairId < 0) return undefined
      // What is too old here may be newer in L2, where another process writes.
      return { at, pair, pairId, fetch: readings[at] === 'stale' ? hierarchy.renew(pairId) : hierarchy.fetch(pairId) }
    })
    for (const each of fetches) {
      if (each === undefined) continue
      const fetched = await each.fetch
      if (hierarchy.newest(each.pairId, fetched, this.#record)) readings[each.at] = this.#reading(each.pair, options)
    }
    return readings
  }

  set(pair: string, value: PriceValue): SetOutcome {
    const { caches, chain, clock } = this.#parts
    const eventTimeMs = value.eventTimeMs ?? clock.now()
    const parsed = updatesOf({ ...value, pair, chain, eventTimeMs })
    if (!parsed.ok) throw new ForewarmError('bad-value', `${pair}: ${parsed.detail}`)
    const [update] = parsed.updates
    const pairId = caches.table.register(chain, pair)
    if (pairId < 0 || update === undefined) return 'too-many-pairs'
    const version = caches.l1.nextVersion(pairId, update.eventTimeMs)
    if (version < 0) return version === -1 ? 'older' : 'too-many-in-ms'
    for (const [field, name] of NUMBER_FIELDS.entries()) this.#numbers[field] = update[name] ?? Number.NaN
    caches.l1.update(pairId, version, this.#numbers, 0)
    caches.writeBehind.add(pairId, version, this.#numbers, 0)
    return 'stored'
  }

  async delete(pair: string): Promise<void> {
    const { table, l1, l2, writeBehind, tracker } = this.#parts.caches
    const pairId = table.find(this.#parts.chain, pair)
    if (pairId < 0) return
    l1.remove(pairId)
    writeBehind.forget(pairId)
    tracker.forget(pairId)
    await l2.delete([pairId])
    // Once more: a load that was under way may have brought the value back.
    l1.remove(pairId)
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

  #reading(pair: string, options: ReadOptions | undefined): Reading | 'stale' {
    const { chain, clock } = this.#parts
    return readingOf({ pair, chain, record: this.#record }, clock.now() - this.#record.eventTimeMs, options)
  }
}
