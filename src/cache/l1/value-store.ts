import { LRUCache } from 'lru-cache'
import { Floors } from './floors.ts'
import { PushedOut } from './pushed-out.ts'
import { HORIZON_PARTS } from './residency.ts'
import { type Usage, WarmTally } from './usage.ts'

/**
 * Values of any kind under L1's rules: bounded, least recently used first out, a version floor a pair that outlives
 * eviction and expiry, a part for warms that they may not exceed. The store is lru-cache; what it does not know is the
 * gate, the warms and whose time is over.
 */
export interface ValueStoreOptions {
  readonly slots: number
  readonly maxPairs: number
  /** 0 to 1: the most of the slots that warms may hold. */
  readonly warmShare: number
  readonly ttlMs: number
  /** 0 to 1: the part of its time after which a read asks the next level again. */
  readonly refreshThreshold: number
}

interface Held<V> {
  version: number
  value: V
  expiresAtMs: number
  renewAtMs: number
}

type Leaving = 'evicted' | 'expired' | 'removed'

export class ValueStore<V> implements Usage {
  readonly slots: number
  limit: number
  warmLimit: number
  readonly #warmTally = new WarmTally()
  readonly warmCounts = this.#warmTally.all
  readonly warmsByKind = this.#warmTally.byKind
  evictions = 0
  expirations = 0
  /** Pairs whose values were read in the last part of their time. */
  readonly due: number[] = []
  readonly #options: ValueStoreOptions
  readonly floors: Floors
  readonly #held: LRUCache<number, Held<V>>
  /** Not read yet, the oldest first, with their kinds. */
  readonly #warms = new Map<number, number>()
  readonly pushedOut: PushedOut
  #demandReads = 0
  #nowMs = 0

  constructor(options: ValueStoreOptions) {
    this.slots = options.slots
    this.limit = options.slots
    this.warmLimit = Math.floor(options.slots * options.warmShare)
    this.#options = options
    this.floors = new Floors(new Float64Array(options.maxPairs))
    this.pushedOut = new PushedOut(options.maxPairs)
    this.#held = new LRUCache({ max: options.slots + 1 })
  }

  get resident(): number {
    return this.#held.size
  }

  get warm(): number {
    return this.#warms.size
  }

  /** Undefined where the pair is not there; leaves no trace. */
  peek(pairId: number): Readonly<Held<V>> | undefined {
    return this.#held.peek(pairId)
  }

  /** A demand read. */
  get(pairId: number): V | undefined {
    const held = this.#held.get(pairId)
    this.#demandReads++
    if (held === undefined) {
      this.pushedOut.miss(pairId, this.#demandReads, this.warmLimit * HORIZON_PARTS)
      return undefined
    }
    this.#endWarm(pairId, 'used')
    if (held.renewAtMs <= this.#nowMs) {
      held.renewAtMs = Number.POSITIVE_INFINITY
      this.due.push(pairId)
    }
    return held.value
  }

  /** The pair is next to be read: it is not the next one to go. */
  touch(pairId: number): boolean {
    return this.#held.get(pairId) !== undefined
  }

  /** A warm would be asked for again: it is as new as one that comes now. */
  renew(pairId: number): void {
    const kind = this.#warms.get(pairId)
    if (kind === undefined) return
    this.#warms.delete(pairId)
    this.#warms.set(pairId, kind)
    this.touch(pairId)
  }

  /** At or above the floor, which is the caller's to look at. False where warms have no room at all. */
  put(
    pairId: number,
    entry: { readonly version: number; readonly value: V; readonly restMs: number },
    as: Part,
    kind = 0,
  ): boolean {
    const { version, value } = entry
    const held = this.#held.peek(pairId)
    if (held === undefined && !this.#makeRoom(as)) return false
    if (held === undefined) this.pushedOut.back(pairId)
    this.floors.raise(pairId, version)
    const times = this.#timesOf(entry.restMs)
    // In place: being written is no reason to stay.
    if (held !== undefined) Object.assign(held, { version, value, ...times })
    else this.#held.set(pairId, { version, value, ...times })
    if (held === undefined && as === 'warm') {
      this.#warms.set(pairId, kind)
      this.#warmTally.count(kind, 'admitted')
    }
    return true
  }

  /** The next level has the same value still. */
  prolong(pairId: number, restMs: number): void {
    const held = this.#held.peek(pairId)
    if (held !== undefined) Object.assign(held, this.#timesOf(restMs))
  }

  /** Tells the time, and looks at nothing. */
  tell(nowMs: number): void {
    this.#nowMs = nowMs
  }

  /** Tells the time; what has expired leaves. */
  tick(nowMs: number): void {
    this.tell(nowMs)
    const expired: number[] = []
    this.#held.forEach((held, pairId) => {
      if (held.expiresAtMs <= nowMs) expired.push(pairId)
    })
    for (const pairId of expired) this.leave(pairId, 'expired')
  }

  leave(pairId: number, how: Leaving): void {
    if (!this.#held.delete(pairId)) return
    this.#endWarm(pairId, how === 'removed' ? 'dropped' : 'unused')
    if (how === 'evicted') this.evictions++
    if (how === 'expired') this.expirations++
  }

  resize(slotShare: number, warmShare: number): void {
    this.limit = Math.max(1, Math.ceil(this.slots * slotShare))
    this.warmLimit = Math.floor(this.limit * this.#options.warmShare * warmShare)
    while (this.warm > this.warmLimit) this.#evict(this.#warms.keys())
    while (this.resident > this.limit) this.#evict(this.#held.rkeys())
  }

  /** Up to `limit` pairs, least recently used first. */
  coldest(limit: number): readonly number[] {
    const pairs: number[] = []
    for (const pairId of this.#held.rkeys()) {
      if (pairs.length === limit) break
      if (!this.#warms.has(pairId)) pairs.push(pairId)
    }
    return pairs
  }

  #timesOf(restMs: number): { readonly expiresAtMs: number; readonly renewAtMs: number } {
    const lifeMs = Math.min(restMs, this.#options.ttlMs)
    return { expiresAtMs: this.#nowMs + lifeMs, renewAtMs: this.#nowMs + lifeMs * this.#options.refreshThreshold }
  }

  #makeRoom(as: Part): boolean {
    if (as === 'warm') {
      if (this.warmLimit === 0) return false
      if (this.warm >= this.warmLimit) this.#evict(this.#warms.keys(), as)
    }
    while (this.resident >= this.limit) this.#evict(this.#held.rkeys(), as)
    return true
  }

  /** The first of them leaves. */
  #evict([oldest]: Iterable<number>, by?: Part): void {
    if (oldest === undefined) return
    this.leave(oldest, 'evicted')
    if (by === 'warm') this.pushedOut.left(oldest, this.#demandReads)
  }

  #endWarm(pairId: number, how: 'used' | 'unused' | 'dropped'): void {
    const kind = this.#warms.get(pairId)
    if (kind === undefined) return
    this.#warms.delete(pairId)
    this.#warmTally.count(kind, how)
  }
}

export type Part = 'demand' | 'warm'
