import { type CachedPrice, emptyPrice, eventTimeOf, readNumbers } from '../cached-price.ts'
import { atLeastAsOf, decidedNow, mergedMoment } from '../sources/decided.ts'
import { FOLLOWS, NEVER, Sources, UNKNOWN_SOURCE } from '../sources/sources.ts'
import { restMs } from '../ttl.ts'
import type { StoredJson } from '../values/stored-json.ts'
import { TICKS } from './expiry.ts'
import type { FillOutcome, FirstLevel, PromoteOutcome, UpdateOutcome } from './first-level.ts'
import { DEFAULT_WARM_SHARE, type L1Options } from './l1.ts'
import type { Usage } from './usage.ts'
import { ValueStore } from './value-store.ts'

/** An object with eight numbers, and its places in the store and in the LRU list; measured on Node 24. */
export const ENTRY_BYTES = 320
/** What JSON takes beside that: for itself, and for each byte of its text once it is parsed; measured with four kinds of values. */
const JSON_BYTES = 180
const MEMORY_A_BYTE = 4
/** Floor, whether the pair is known, and when a warm pushed it out. */
const PAIR_BYTES = 8 + 1 + 4

export interface ObjectL1Options extends L1Options {
  /** The most that all values may take; no bound unless given. The slots are bounded in any case. */
  readonly mostBytes?: number
  /** The value of each update is kept, also where that evicts others: these are values of any kind, which may be nowhere else. */
  readonly keepsUpdates?: boolean
}

/** The longest JSON that fits into so many bytes. */
export function longestJsonIn(bytes: number): number {
  return Math.max(0, Math.floor((bytes - ENTRY_BYTES - JSON_BYTES) / MEMORY_A_BYTE))
}

/**
 * The first level as objects in an in-process store (CACHE_USE_PRICE_MATRIX=false). The rules are those of shared memory,
 * but the least recently used value is evicted first, and other threads cannot read.
 */
export class ObjectL1 implements FirstLevel {
  readonly slots: number
  readonly maxPairs: number
  readonly bytes: number
  readonly due: number[]
  readonly tickMs: number
  readonly #store: ValueStore<CachedPrice>
  readonly #sources: Sources
  readonly #keepsUpdates: boolean
  readonly #ttl: { readonly l1Ms: number; readonly l2Ms: number }
  #nowMs = 0

  constructor(options: ObjectL1Options) {
    const { slots, maxPairs, warmShare = DEFAULT_WARM_SHARE, ttlMs = Number.POSITIVE_INFINITY } = options
    const { l2TtlMs = ttlMs, refreshThreshold = 1, mostBytes, keepsUpdates = false } = options
    this.slots = slots
    this.maxPairs = maxPairs
    this.bytes = (mostBytes ?? slots * ENTRY_BYTES) + maxPairs * PAIR_BYTES
    this.#keepsUpdates = keepsUpdates
    this.tickMs = ttlMs / TICKS
    this.#ttl = { l1Ms: ttlMs, l2Ms: l2TtlMs }
    const bound = mostBytes === undefined ? {} : { mostBytes }
    this.#store = new ValueStore({ slots, maxPairs, warmShare, ttlMs, refreshThreshold, ...bound })
    this.due = this.#store.due
    this.#sources = options.sources ?? new Sources()
  }

  get usage(): Readonly<Usage> {
    return this.#store
  }

  get usedBytes(): number {
    return this.#store.bytes
  }

  tick(nowMs: number): void {
    this.#nowMs = nowMs
    this.#store.tick(nowMs)
  }

  resize(slotShare: number, warmShare: number): void {
    this.#store.resize(slotShare, warmShare)
  }

  has(pairId: number): boolean {
    return this.#store.peek(pairId) !== undefined
  }

  expect(pairId: number): boolean {
    return this.#store.touch(pairId)
  }

  renew(pairId: number): void {
    this.#store.renew(pairId)
  }

  floor(pairId: number): number {
    return this.#store.floors.of(pairId)
  }

  get(pairId: number, into: CachedPrice): boolean {
    const price = this.#store.get(pairId)
    if (price === undefined) return false
    this.#copy(price, into)
    return true
  }

  peek(pairId: number, into: CachedPrice): boolean {
    const held = this.#store.peek(pairId)
    if (held === undefined) return false
    this.#copy(held.value, into)
    return true
  }

  nextVersion(pairId: number, eventTimeMs: number, place?: number): number {
    return this.#store.floors.nextVersion(pairId, eventTimeMs, place)
  }

  update(
    pairId: number,
    version: number,
    numbers: Float64Array,
    base: number,
    source = UNKNOWN_SOURCE,
    json?: StoredJson,
  ): UpdateOutcome {
    if (version < this.floor(pairId)) return 'older'
    this.#store.floors.raise(pairId, version)
    const held = this.#store.peek(pairId)
    const resident = held !== undefined
    if (!resident && !this.#keepsUpdates && this.#isFull(json)) return 'floor-only'
    const value = readNumbers(emptyPrice(), numbers, base)
    value.version = version
    value.eventTimeMs = eventTimeOf(version)
    value.json = json
    value.source = source
    value.asOfMs = this.#sources.isFollowed(source) ? FOLLOWS : this.#momentAfter(held?.value, source)
    const entry = { version, value, bytes: bytesOf(value), restMs: this.#ttl.l1Ms }
    if (!this.#store.put(pairId, entry, 'demand')) return 'floor-only'
    return resident ? 'refreshed' : 'inserted'
  }

  #isFull(json: StoredJson | undefined): boolean {
    return this.#store.floors.known > this.usage.limit || !this.#store.hasRoomFor(bytesOf({ json }))
  }

  /** The moment of an update of a source that is not followed. */
  #momentAfter(held: CachedPrice | undefined, source: number): number {
    if (held === undefined) return NEVER
    // The moment of the source before it was that of this value, too. That of another source need not be.
    return held.asOfMs === FOLLOWS && held.source !== source ? this.#sources.asOf(held.source) : held.asOfMs
  }

  fill(pairId: number, loaded: Readonly<CachedPrice>): FillOutcome {
    if (loaded.version < this.floor(pairId)) return 'older'
    const price = decidedNow(loaded, this.#sources)
    const held = this.#store.peek(pairId)
    if (held !== undefined && held.version >= price.version && !isOtherOfSameVersion(held.value, price)) {
      if (held.version !== price.version) return 'already'
      this.#store.prolong(pairId, this.#restMs(price))
      if (price.asOfMs > held.value.asOfMs) Object.assign(held.value, { source: price.source, asOfMs: price.asOfMs })
      return 'already'
    }
    this.#put(pairId, held === undefined ? price : atLeastAsOf(price, held.value, this.#sources), 'demand')
    return 'filled'
  }

  promote(pairId: number, price: Readonly<CachedPrice>, kind = 0): PromoteOutcome {
    if (price.version < this.floor(pairId)) return 'older'
    const held = this.#store.peek(pairId)
    if (held !== undefined) {
      if (price.version > held.version) this.#put(pairId, price, 'demand')
      return 'already'
    }
    return this.#put(pairId, price, 'warm', kind) ? 'warmed' : 'no-room'
  }

  remove(pairId: number, floor?: number): void {
    this.#store.leave(pairId, 'removed')
    this.#store.floors.delist(pairId, floor)
  }

  suspend(pairId: number): void {
    const held = this.#store.peek(pairId)
    if (held?.value.asOfMs === FOLLOWS) held.value.asOfMs = this.#sources.asOf(held.value.source)
  }

  suspendSources(sources: ReadonlySet<number>): void {
    for (const pairId of this.#store.pairIds())
      if (sources.has(this.#store.peek(pairId)?.value.source ?? UNKNOWN_SOURCE)) this.suspend(pairId)
  }

  resolveSources(): void {
    for (const pairId of this.#store.pairIds()) {
      const value = this.#store.peek(pairId)?.value
      const into = this.#sources.resolve(value?.source ?? UNKNOWN_SOURCE)
      if (value === undefined || into === value.source) continue
      value.asOfMs = mergedMoment(value.asOfMs, [value.source, into], this.#sources)
      value.source = into
    }
  }

  followedPairs(): number {
    const sourceOf = (pairId: number) => this.#store.peek(pairId)?.value.source ?? UNKNOWN_SOURCE
    return [...this.#store.pairIds()].filter((pairId) => this.#sources.isFollowed(sourceOf(pairId))).length
  }

  coldest(limit: number): readonly number[] {
    return this.#store.coldest(limit)
  }

  evict(pairId: number): void {
    this.#store.leave(pairId, 'evicted')
  }

  isKnown(pairId: number): boolean {
    return this.#store.floors.isKnown(pairId)
  }

  forget(pairId: number): void {
    this.#store.forget(pairId)
  }

  #copy(held: Readonly<CachedPrice>, into: CachedPrice): void {
    Object.assign(into, held)
    into.epoch = this.#sources.epoch
  }

  #put(pairId: number, loaded: Readonly<CachedPrice>, as: 'demand' | 'warm', kind = 0): boolean {
    const price = decidedNow(loaded, this.#sources)
    const entry = { version: price.version, value: { ...price }, bytes: bytesOf(price), restMs: this.#restMs(price) }
    return this.#store.put(pairId, entry, as, kind)
  }

  #restMs({ eventTimeMs }: Readonly<CachedPrice>): number {
    return restMs(eventTimeMs, this.#nowMs, this.#ttl)
  }
}

function bytesOf({ json }: Pick<CachedPrice, 'json'>): number {
  return json === undefined ? ENTRY_BYTES : ENTRY_BYTES + JSON_BYTES + MEMORY_A_BYTE * json.bytes
}

/** Two processes have set the value in the same millisecond. The one that L2 has is taken, so that all have the same. */
function isOtherOfSameVersion(held: Readonly<CachedPrice>, loaded: Readonly<CachedPrice>): boolean {
  return held.version === loaded.version && loaded.json !== undefined && held.json?.text !== loaded.json.text
}
