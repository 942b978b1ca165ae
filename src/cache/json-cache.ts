import { checkedAhead, checkedEventTime } from '../../schemas/event-time.ts'
import { Alarm } from '../alarm.ts'
import type { Clock } from '../clock.ts'
import { assertOptions } from '../config/options.ts'
import { assertMaxAge } from '../config/read-options.ts'
import { ForewarmError } from '../forewarm-error.ts'
import type { Timer } from '../timer.ts'
import { eventTimeOf } from './cached-price.ts'
import { TICKS } from './l1/expiry.ts'
import { FormerFloors } from './l1/floors.ts'
import { ValueStore } from './l1/value-store.ts'

/**
 * The outcome of a write. `older`: its key has had a newer one, or was deleted later. `too-many-in-ms`: a millisecond has at
 * most 4,096. `closed`: the cache is closed, and nothing was stored.
 */
export type SetOutcome = 'stored' | 'older' | 'too-many-in-ms' | 'too-many-pairs' | 'closed'

/** A value of any kind, with its time, age and version. */
export interface JsonReading<V> {
  readonly key: string
  /** The stored value, not a copy: it must not be changed. */
  readonly value: V
  readonly eventTimeMs: number
  readonly ageMs: number
  /** Rises with every newer value of the key; a later read never has a lower version. */
  readonly version: number
}

/** The options of `createCache` for values of any kind. */
export interface JsonCacheOptions {
  readonly l1SizeMb?: number
  readonly l1Slots?: number
  readonly l2Enabled?: false
  readonly ttlSeconds?: { readonly l1?: number }
  readonly clock?: Clock
}

/** A cache of values that are no prices, in this process alone. The rule about versions is that of prices. */
export interface JsonCache<V> {
  get(key: string, options?: { readonly maxAgeMs?: number }): JsonReading<V> | 'missing' | 'stale'
  /** The event time is now unless given. Throws a ForewarmError 'bad-value' for an impossible one. */
  set(key: string, value: V, options?: { readonly eventTimeMs?: number }): SetOutcome
  delete(key: string): void
  stats(): { readonly hits: number; readonly misses: number; readonly entries: number; readonly capacity: number }
  close(): void
}

export interface ValueCacheOptions {
  readonly slots: number
  /** The most keys that are known at a time; their floors outlive their values. */
  readonly maxPairs: number
  readonly ttlMs: number
  readonly clock: Clock
  readonly timer?: Timer
}

/** The time between two sweeps, as a share of the TTL. */
const SWEEP_SHARE = 1 / TICKS
/** For one new key, at most so many others are looked at for an expired value. */
const LOOKED_AT = 64

export class ValueCache<V> implements JsonCache<V> {
  readonly #options: ValueCacheOptions
  readonly #store: ValueStore<V>
  readonly #ids = new Map<string, number>()
  /** Keys without a value, the first deleted first; one that has got a value since is taken out later. */
  readonly #deleted = new Set<string>()
  readonly #former = new FormerFloors()
  #hits = 0
  #misses = 0
  readonly #nextSweep: Alarm

  constructor(options: ValueCacheOptions) {
    this.#options = options
    this.#store = new ValueStore({ ...options, warmShare: 0, refreshThreshold: 1 })
    this.#nextSweep = new Alarm(() => this.#sweep(), options.timer)
  }

  get(key: string, options: { readonly maxAgeMs?: number } = {}): JsonReading<V> | 'missing' | 'stale' {
    assertMaxAge(options)
    const id = this.#ids.get(key)
    const held = id === undefined ? undefined : this.#store.peek(id)
    const nowMs = this.#options.clock.now()
    // The value may have expired since the last sweep.
    if (id === undefined || held === undefined || held.expiresAtMs <= nowMs) {
      this.#misses++
      return 'missing'
    }
    this.#hits++
    this.#store.get(id)
    const eventTimeMs = eventTimeOf(held.version)
    const ageMs = nowMs - eventTimeMs
    if (options.maxAgeMs !== undefined && ageMs > options.maxAgeMs) return 'stale'
    return { key, value: held.value, eventTimeMs, ageMs, version: held.version }
  }

  set(key: string, value: V, options: { readonly eventTimeMs?: number } = {}): SetOutcome {
    assertOptions('set', options, { eventTimeMs: true })
    const nowMs = this.#options.clock.now()
    const { eventTimeMs = nowMs } = options
    const against = checkedEventTime(eventTimeMs) ?? checkedAhead(eventTimeMs, nowMs)
    if (against !== undefined) throw new ForewarmError('bad-value', `${key}: ${against.detail}`)
    const id = this.#idOf(key)
    if (id === undefined) return 'too-many-pairs'
    const version = this.#store.floors.nextVersion(id, Math.floor(eventTimeMs))
    if (version < 0) return version === -1 ? 'older' : 'too-many-in-ms'
    this.#store.tell(nowMs)
    this.#sweepLater()
    this.#store.put(id, { version, value, restMs: this.#options.ttlMs }, 'demand')
    return 'stored'
  }

  delete(key: string): void {
    const id = this.#ids.get(key)
    if (id === undefined) return
    this.#store.leave(id, 'removed')
    this.#store.floors.delist(id)
    this.#deleted.add(key)
  }

  stats() {
    return { hits: this.#hits, misses: this.#misses, entries: this.#store.resident, capacity: this.#store.slots }
  }

  close(): void {
    this.#nextSweep.close()
  }

  #idOf(key: string): number | undefined {
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    const { size } = this.#ids
    const id = size < this.#options.maxPairs ? size : this.#freedId()
    if (id === undefined) return undefined
    this.#ids.set(key, id)
    const floor = this.#former.take(key)
    if (floor > 0) {
      this.#store.floors.delist(id, floor)
      this.#deleted.add(key)
    }
    return id
  }

  /** All ids are taken: the id of a key that was deleted, or whose value has expired; undefined if none is found. */
  #freedId(): number | undefined {
    for (const key of this.#deleted) {
      this.#deleted.delete(key)
      const id = this.#ids.get(key)
      if (id !== undefined && !this.#store.floors.isKnown(id)) return this.#free(key, id)
    }
    let looked = 0
    for (const [key, id] of this.#ids) {
      if (this.#isOver(id)) return this.#free(key, id)
      if (++looked >= LOOKED_AT) return undefined
      // The next new key looks at others.
      this.#ids.delete(key)
      this.#ids.set(key, id)
    }
    return undefined
  }

  #isOver(id: number): boolean {
    const { clock, ttlMs } = this.#options
    const nowMs = clock.now()
    const held = this.#store.peek(id)
    const isGone = held === undefined || held.expiresAtMs <= nowMs
    return isGone && eventTimeOf(this.#store.floors.of(id)) + ttlMs < nowMs
  }

  #free(key: string, id: number): number {
    this.#former.set(key, this.#store.floors.of(id))
    this.#ids.delete(key)
    this.#store.forget(id)
    return id
  }

  /** There is no timer while the cache is empty. */
  #sweepLater(): void {
    if (!this.#nextSweep.isSet) this.#nextSweep.set(this.#options.ttlMs * SWEEP_SHARE)
  }

  #sweep(): void {
    this.#store.tick(this.#options.clock.now())
    if (this.#store.resident > 0) this.#sweepLater()
  }
}
