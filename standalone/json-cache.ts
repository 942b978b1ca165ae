import type { CachedPrice } from '../src/cache/cached-price.ts'
import type { HierarchyStats } from '../src/cache/hierarchy-stats.ts'
import type { Optimized } from '../src/cache/optimizer.ts'
import { type JsonOf, jsonOf } from '../src/cache/values/json-value.ts'
import type { Clock } from '../src/clock.ts'
import type { Environment } from '../src/config/environment.ts'
import { assertOptions } from '../src/config/options.ts'
import { assertMaxAge } from '../src/config/read-options.ts'
import type { Overrides } from '../src/config/settings.ts'
import type { NoReading } from '../src/detect/reading.ts'
import type { Counter } from '../src/telemetry/slab.ts'
import { type CacheParts, type DeleteOutcome, Levels, type SetOutcome, timeFault } from './levels.ts'
import { assertPossible, wrongFor } from './names.ts'

/** A value of any kind, with its time, age and version. */
export interface JsonReading<V> {
  readonly key: string
  /** As JSON gives it back. All readers in the process have the same object: it must not be changed. */
  readonly value: V
  readonly eventTimeMs: number
  readonly ageMs: number
  /** Rises with every newer value of the key; a later read never has a lower version. */
  readonly version: number
}

/** The options of `createCache` for values of any kind. The rest comes from the environment, the settings file and the defaults. */
export interface JsonCacheOptions {
  readonly l1SizeMb?: number
  /** The most values in L1, whatever they take. Overrides `l1SizeMb`. */
  readonly l1Slots?: number
  /** False: the values are in L1 of this process alone, without Redis. */
  readonly l2Enabled?: boolean
  readonly ttlSeconds?: { readonly l1?: number; readonly l2?: number }
  /** Part of all its keys in Redis; in a cluster they lie together. Default: `values`. */
  readonly chain?: string
  /** The longest value that is taken, in bytes of its JSON, if it fits into L1. Default: CACHE_MAX_VALUE_BYTES. */
  readonly maxValueBytes?: number
  /** What a warming's scheduler runs, as in the settings file; whatever is not given has the default. */
  readonly schedules?: Overrides['schedules']
  readonly env?: Environment
  readonly clock?: Clock
  readonly random?: () => number
}

/** The outcome of a write. `too-large`: its JSON has more than `maxValueBytes`; what the key had before stays. */
export type JsonSetOutcome = SetOutcome | 'too-large'

/** The values that a reader accepts. */
export interface JsonReadOptions {
  /** A value older than this is 'stale'. From 0; a ForewarmError 'bad-value' otherwise. */
  readonly maxAgeMs?: number
}

/** Reads as of any cache, and what became of values that were set. */
export interface JsonCacheStats extends HierarchyStats {
  readonly writes: {
    /** Refused, as their JSON was too large. */
    readonly tooLarge: number
    /** Waiting to be written to L2. */
    readonly waiting: number
    /** Values that did not find room among those while L2 was away. L2 gets them later, if L1 still has them then. */
    readonly skipped: number
  }
}

/**
 * Values of any kind that JSON holds, in two levels by the rules of prices: the newest version wins, in this process and in
 * Redis, and a deleted value does not come back.
 */
export interface JsonCache<V> {
  /** Reads L1, at once. A miss is fetched in the background. */
  get(key: string, options?: JsonReadOptions): JsonReading<V> | NoReading
  /** Reads L1, and then L2 if L1 has nothing or another process may have set something newer. */
  getOrLoad(key: string, options?: JsonReadOptions): Promise<JsonReading<V> | NoReading>
  /** Reads several keys, in their order, with one trip for all that L1 lacks. */
  getMany(keys: readonly string[], options?: JsonReadOptions): Promise<(JsonReading<V> | NoReading)[]>
  /**
   * The event time is now unless given. Throws a ForewarmError 'bad-value' for an impossible key or time, and for a value that JSON
   * does not give back as it was.
   */
  set(key: string, value: V & JsonOf<V>, options?: { readonly eventTimeMs?: number }): JsonSetOutcome
  /**
   * Deletes the key's value, for all who share L2. With an event time, values up to that time go and do not come back. Without
   * one, it deletes what there is now. Resolves when L2 has deleted it, or is away. Rejects with a ForewarmError 'bad-value' for
   * an impossible key or time.
   */
  delete(key: string, options?: { readonly eventTimeMs?: number }): Promise<DeleteOutcome>
  stats(): JsonCacheStats
  optimize(): Promise<Optimized>
  /** Writes pending values to L2. May be called twice. */
  close(): Promise<void>
}

export class ValueCache<V> implements JsonCache<V> {
  readonly #parts: CacheParts
  readonly #maxValueBytes: number
  readonly #levels: Levels<JsonReading<V>, JsonReadOptions>
  readonly #tooLarge: Counter

  constructor(parts: CacheParts, maxValueBytes: number) {
    this.#parts = parts
    this.#maxValueBytes = maxValueBytes
    this.#tooLarge = parts.metrics.counter('drops_total', { reason: 'value-too-large' })
    this.#levels = new Levels(this, parts, {
      readingOf: (key, held, options) => this.#reading(key, held, options),
      sharesPairs: true,
    })
  }

  get(key: string, options?: JsonReadOptions): JsonReading<V> | NoReading {
    assertMaxAge(options)
    return this.#levels.get(key, options)
  }

  async getOrLoad(key: string, options?: JsonReadOptions): Promise<JsonReading<V> | NoReading> {
    const [reading = 'unavailable'] = await this.getMany([key], options)
    return reading
  }

  async getMany(keys: readonly string[], options?: JsonReadOptions): Promise<(JsonReading<V> | NoReading)[]> {
    assertMaxAge(options)
    return this.#levels.getMany(keys, options)
  }

  set(key: string, value: V & JsonOf<V>, options: { readonly eventTimeMs?: number } = {}): JsonSetOutcome {
    assertOptions('set', options, { eventTimeMs: true })
    const { caches, chain, clock } = this.#parts
    const nowMs = clock.now()
    const { eventTimeMs = nowMs } = options
    assertPossible(key, 'key')
    const against = timeFault(eventTimeMs, nowMs)
    if (against !== undefined) throw wrongFor(key, against.detail)
    const written = jsonOf(value, this.#maxValueBytes)
    if (!written.ok && written.reason === 'no-json') throw wrongFor(key, written.detail)
    if (this.#levels.isClosed) return 'closed'
    if (!written.ok) {
      this.#tooLarge.add(1)
      return 'too-large'
    }
    const pairId = caches.table.register(chain, key)
    if (pairId < 0) return 'too-many-pairs'
    return caches.writer.writeJson(pairId, Math.floor(eventTimeMs), written.json)
  }

  async delete(key: string, options: { readonly eventTimeMs?: number } = {}): Promise<DeleteOutcome> {
    assertPossible(key, 'key')
    return this.#levels.delete(key, options)
  }

  stats(): JsonCacheStats {
    const { pendingEntries: waiting, skipped } = this.#parts.caches.writeBehind
    return { ...this.#levels.stats(), writes: { tooLarge: this.#tooLarge.value, waiting, skipped } }
  }

  optimize(): Promise<Optimized> {
    return this.#levels.optimize()
  }

  close(): Promise<void> {
    return this.#levels.close()
  }

  #reading(key: string, held: Readonly<CachedPrice>, options: JsonReadOptions | undefined): JsonReading<V> | 'stale' {
    const { version, eventTimeMs, json } = held
    const ageMs = this.#parts.clock.now() - eventTimeMs
    if (options?.maxAgeMs !== undefined && ageMs > options.maxAgeMs) return 'stale'
    return { key, value: json?.value as V, eventTimeMs, ageMs, version }
  }
}
