import { type CachedPrice, emptyPrice } from '../cache/cached-price.ts'
import type { Freshness } from '../cache/freshness/freshness.ts'
import type { Hierarchy } from '../cache/hierarchy.ts'
import type { PairTable } from '../cache/names/pair-table.ts'
import { absenceWithoutId, readMany, type Unaccepted } from '../cache/price-reads.ts'
import type { Fetched } from '../cache/trips/trips.ts'
import type { Clock } from '../clock.ts'
import { assertReadOptions } from '../config/read-options.ts'
import type { Tracker } from '../correlation/tracker.ts'
import type { Shadow } from '../rollout/shadow.ts'
import type { Histogram } from '../telemetry/slab.ts'
import type { Interest } from '../warming/interest.ts'
import { type FoundPrice, type NoReading, type Reading, type ReadOptions, readingOf } from './reading.ts'

/**
 * The prices that a detector gets with an update. Reads through them belong to that update, even after an `await`; the
 * node learns from them what to warm. `get` reads L1 alone; the other methods go on to L2 and L3.
 */
export interface Prices {
  get(chain: string, pair: string, options?: ReadOptions): Reading | NoReading
  getOrLoad(chain: string, pair: string, options?: ReadOptions): Promise<Reading | NoReading>
  /** Like `getOrLoad` for many pairs of a chain, in their order. All that are missing from L1 share one trip. */
  getMany(chain: string, pairs: readonly string[], options?: ReadOptions): Promise<(Reading | NoReading)[]>
}

export interface PriceSources {
  readonly hierarchy: Hierarchy
  readonly table: PairTable
  readonly tracker: Tracker
  readonly interest: Pick<Interest, 'read'>
  /** Undefined in a replay, where nothing newer exists than what has been replayed. */
  readonly freshness: Freshness | undefined
  /** Is told of each read, to compare warming with none. */
  readonly shadow?: Pick<Shadow, 'read'> | undefined
  readonly clock: Clock
  readonly ageSeconds: Histogram
  /** Is called for each read, to learn from it. */
  readonly onRead: ((pairId: number, atMs: number) => void) | undefined
}

/** The prices of one update: reads through them are attributed to that update's pair. */
export class BoundPrices implements Prices {
  readonly #sources: PriceSources
  readonly #trigger: number
  /** The event time of the update. */
  readonly #eventTimeMs: number
  readonly #beganMs: number
  /** Bit e is set if the pair of the trigger's edge e was read. */
  readEdges = 0
  /** Reads so far, and how many of them L1 answered. */
  reads = 0
  hits = 0

  constructor(sources: PriceSources, trigger: { readonly pairId: number; readonly eventTimeMs: number }) {
    this.#sources = sources
    this.#trigger = trigger.pairId
    this.#eventTimeMs = trigger.eventTimeMs
    this.#beganMs = sources.clock.now()
  }

  get(chain: string, pair: string, options?: ReadOptions): Reading | NoReading {
    assertReadOptions(options)
    const pairId = this.#attributed(chain, pair)
    if (pairId < 0) return absenceWithoutId(chain, pair)
    if (!this.#isHit(pairId, PRICE)) return this.#sources.hierarchy.absence(pairId)
    const reading = this.#reading(pairId, { chain, pair, price: PRICE }, options)
    if (reading === 'stale') void this.#renewed(pairId, PRICE)
    return reading
  }

  async getOrLoad(chain: string, pair: string, options?: ReadOptions): Promise<Reading | NoReading> {
    const [reading = 'unavailable'] = await this.getMany(chain, [pair], options)
    return reading
  }

  async getMany(chain: string, pairs: readonly string[], options?: ReadOptions): Promise<(Reading | NoReading)[]> {
    assertReadOptions(options)
    return readMany(
      {
        hierarchy: this.#sources.hierarchy,
        holds: this.#sources.table.holds,
        chain,
        ask: (pair) => this.#attributed(chain, pair),
        get: (pairId, into) => this.#isHit(pairId, into),
        readingOf: (pairId, pair, price) => this.#reading(pairId, { chain, pair, price }, options),
        renew: (pairId, price) => this.#renewed(pairId, price),
      },
      pairs,
    )
  }

  #isHit(pairId: number, into: CachedPrice): boolean {
    const { hierarchy, tracker, table } = this.#sources
    const { warmsUsed } = hierarchy
    const isHit = hierarchy.get(pairId, into)
    this.reads++
    this.#sources.shadow?.read(pairId, isHit)
    if (isHit) this.hits++
    else this.#sources.freshness?.missed(pairId)
    // A read that only a warm answered would have missed without it, so it counts as a miss for what is learned.
    // Its time is an event time, like those of the updates: the clock would add how far the node is behind.
    if (!isHit || hierarchy.warmsUsed > warmsUsed)
      tracker.missed(pairId, table.chainOf(pairId), this.#eventTimeMs + this.#elapsedMs())
    return isHit
  }

  /** Undefined if the value is kept the newest, as no newer one exists then. */
  #renewed(pairId: number, price: Readonly<CachedPrice>): Promise<Fetched> | undefined {
    const { hierarchy, freshness } = this.#sources
    return freshness?.mayBeOutdated(price) ? hierarchy.renew(pairId) : undefined
  }

  #attributed(chain: string, pair: string): number {
    const { table, tracker, interest, clock } = this.#sources
    const pairId = table.ask(chain, pair)
    if (pairId < 0) return pairId
    interest.read(pairId)
    this.#sources.onRead?.(pairId, clock.now())
    const edge = tracker.read(this.#trigger, pairId, this.#elapsedMs())
    if (edge >= 0) this.readEdges |= 1 << edge
    return pairId
  }

  /** The time since the handlers of the update began. */
  #elapsedMs(): number {
    return this.#sources.clock.now() - this.#beganMs
  }

  #reading(pairId: number, found: FoundPrice, options: ReadOptions | undefined): Reading | Unaccepted {
    const ageMs = this.#sources.clock.now() - found.price.eventTimeMs
    this.#sources.ageSeconds.record(ageMs / 1000)
    const behindMs = this.#sources.freshness?.read(pairId, found.price) ?? 0
    return readingOf(found, { ageMs, behindMs }, options)
  }
}

/** Shared by all reads, because each fills and reads it in one synchronous step. */
const PRICE = emptyPrice()
