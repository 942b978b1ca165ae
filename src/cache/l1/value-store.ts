import { LRUCache } from 'lru-cache'
import { Floors } from './floors.ts'
import { PushedOut } from './pushed-out.ts'
import { type Usage, WarmTally } from './usage.ts'
import { HORIZON_PARTS } from './warm-part.ts'

/**
 * Values of any kind under L1's rules: the store is bounded and evicts the least recently used first, each pair's floor
 * outlives eviction and expiry, and warms have a part that they may not exceed. The values are kept by lru-cache; floors,
 * warms and expiry are added here.
 */
export interface ValueStoreOptions {
  readonly slots: number
  readonly maxPairs: number
  /** The most that the values may take together, as their callers count it; no bound unless given. */
  readonly mostBytes?: number
  /** 0 to 1: the most of the slots, and of the bytes, that warms may hold. */
  readonly warmShare: number
  readonly ttlMs: number
  /** 0 to 1: the share of its time after which a read asks the next level again. */
  readonly refreshThreshold: number
}

interface Held<V> {
  version: number
  value: V
  bytes: number
  expiresAtMs: number
  renewAtMs: number
}

interface Entry<V> {
  readonly version: number
  readonly value: V
  /** 0 unless given. */
  readonly bytes?: number
  readonly restMs: number
}

type Leaving = 'evicted' | 'expired' | 'removed'

export class ValueStore<V> implements Usage {
  readonly slots: number
  limit: number
  warmLimit: number
  readonly #warmTally = new WarmTally()
  readonly warmCounts = this.#warmTally.all
  readonly warmsByKind = this.#warmTally.byKind
  readonly warmsByCell = this.#warmTally.byCell
  evictions = 0
  expirations = 0
  /** Pairs whose values were read in the last part of their time. */
  readonly due: number[] = []
  readonly #options: ValueStoreOptions
  readonly floors: Floors
  readonly #held: LRUCache<number, Held<V>>
  /** Pairs that were warmed and not read yet, the oldest first, with the kinds of their warms. */
  readonly #warms = new Map<number, number>()
  readonly pushedOut: PushedOut
  /** What all values take, and those that were warmed and not read yet. */
  bytes = 0
  #warmBytes = 0
  #mostBytes: number
  #demandReads = 0
  #nowMs = 0

  constructor(options: ValueStoreOptions) {
    this.slots = options.slots
    this.limit = options.slots
    this.warmLimit = Math.floor(options.slots * options.warmShare)
    this.#options = options
    this.#mostBytes = this.#byteShare(1)
    this.floors = new Floors(new Float64Array(options.maxPairs))
    this.pushedOut = new PushedOut(options.maxPairs)
    this.#held = new LRUCache({ max: options.slots + 1 })
  }

  get resident(): number {
    return this.#held.size
  }

  pairIds(): Iterable<number> {
    return this.#held.keys()
  }

  get warm(): number {
    return this.#warms.size
  }

  /** Undefined if the pair is not resident. The read is not counted. */
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

  /** Whether a value that takes so many bytes evicts no other because of them. */
  hasRoomFor(bytes: number): boolean {
    return this.bytes + bytes <= this.#mostBytes
  }

  /** The pair will be read soon: if it is resident, it is not the next to be evicted. */
  touch(pairId: number): boolean {
    return this.#held.get(pairId) !== undefined
  }

  /** The pair would be warmed again: its warm counts as a new one. */
  renew(pairId: number): void {
    const kind = this.#warms.get(pairId)
    if (kind === undefined) return
    this.#warms.delete(pairId)
    this.#warms.set(pairId, kind)
    this.touch(pairId)
  }

  /** The caller has seen that the version is not below the floor. False if warms have no room at all, or the value is too large. */
  put(pairId: number, entry: Entry<V>, as: Part, kind = 0): boolean {
    const { version, value, bytes = 0 } = entry
    if (bytes > this.#mostBytes) {
      if (as === 'warm') return false
      this.leave(pairId, 'evicted')
      this.floors.raise(pairId, version)
      return false
    }
    const held = this.#held.peek(pairId)
    if (held === undefined && !this.#makeRoom(as, bytes)) return false
    if (held === undefined) this.pushedOut.back(pairId)
    this.floors.raise(pairId, version)
    const times = this.#timesOf(entry.restMs)
    const more = bytes - (held?.bytes ?? 0)
    this.bytes += more
    // It is changed in place, because a write is no reason to keep the value longer.
    if (held !== undefined) Object.assign(held, { version, value, bytes, ...times })
    else this.#held.set(pairId, { version, value, bytes, ...times })
    if (held === undefined && as === 'warm') {
      this.#warms.set(pairId, kind)
      this.#warmTally.count(kind, 'admitted')
    }
    if (this.#warms.has(pairId)) this.#warmBytes += more
    if (held !== undefined) this.#fit(pairId)
    return true
  }

  /** The next level still has the same value. */
  prolong(pairId: number, restMs: number): void {
    const held = this.#held.peek(pairId)
    if (held !== undefined) Object.assign(held, this.#timesOf(restMs))
  }

  /** Tells the time; nothing expires. */
  tell(nowMs: number): void {
    this.#nowMs = nowMs
  }

  /** Tells the time; expired values leave. */
  tick(nowMs: number): void {
    this.tell(nowMs)
    const expired: number[] = []
    this.#held.forEach((held, pairId) => {
      if (held.expiresAtMs <= nowMs) expired.push(pairId)
    })
    for (const pairId of expired) this.leave(pairId, 'expired')
  }

  leave(pairId: number, how: Leaving): void {
    const held = this.#held.peek(pairId)
    if (held === undefined) return
    this.#endWarm(pairId, how === 'removed' ? 'dropped' : 'unused')
    this.#held.delete(pairId)
    this.bytes -= held.bytes
    if (how === 'evicted') this.evictions++
    if (how === 'expired') this.expirations++
  }

  /** The id goes to another pair. */
  forget(pairId: number): void {
    this.leave(pairId, 'removed')
    this.floors.forget(pairId)
    this.pushedOut.back(pairId)
  }

  resize(slotShare: number, warmShare: number): void {
    this.limit = Math.max(1, Math.ceil(this.slots * slotShare))
    this.warmLimit = Math.floor(this.limit * this.#options.warmShare * warmShare)
    this.#mostBytes = this.#byteShare(slotShare)
    while (this.warm > this.warmLimit) this.#evict(this.#warms.keys())
    while (this.resident > this.limit || this.bytes > this.#mostBytes) this.#evict(this.#held.rkeys())
  }

  #byteShare(share: number): number {
    return (this.#options.mostBytes ?? Number.POSITIVE_INFINITY) * share
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

  #makeRoom(as: Part, bytes: number): boolean {
    if (as === 'warm') {
      const mostBytes = this.#mostBytes * this.#options.warmShare
      if (this.warmLimit === 0 || bytes > mostBytes) return false
      while (this.warm >= this.warmLimit || this.#warmBytes + bytes > mostBytes) this.#evict(this.#warms.keys(), as)
    }
    while (this.resident >= this.limit || this.bytes + bytes > this.#mostBytes) this.#evict(this.#held.rkeys(), as)
    return true
  }

  /** A value has grown in its place: others leave. */
  #fit(grown: number): void {
    while (this.bytes > this.#mostBytes) {
      const [oldest, next] = this.#held.rkeys()
      this.#evict(oldest === grown && next !== undefined ? [next] : [oldest as number])
    }
  }

  /** Evicts the first of the pairs, if there is one. */
  #evict([oldest]: Iterable<number>, by?: Part): void {
    if (oldest === undefined) return
    this.leave(oldest, 'evicted')
    if (by === 'warm') this.pushedOut.left(oldest, this.#demandReads)
  }

  #endWarm(pairId: number, how: 'used' | 'unused' | 'dropped'): void {
    const kind = this.#warms.get(pairId)
    if (kind === undefined) return
    this.#warms.delete(pairId)
    this.#warmBytes -= this.#held.peek(pairId)?.bytes ?? 0
    this.#warmTally.count(kind, how)
  }
}

export type Part = 'demand' | 'warm'
