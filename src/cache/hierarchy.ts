import { ChainCounters } from '../telemetry/by-chain.ts'
import type { Counter, Histogram, Metrics } from '../telemetry/slab.ts'
import { type Absence, Absences } from './absences.ts'
import { type CachedPrice, emptyPrice } from './cached-price.ts'
import type { FirstLevel } from './l1/first-level.ts'
import type { L2, L2Load } from './l2/l2.ts'
import type { WriteBehind } from './l2/write-behind.ts'
import type { L3 } from './l3/l3.ts'
import { Misses } from './misses.ts'
import type { PairTable } from './names/pair-table.ts'
import { type LevelCounts, levelCounts, timed } from './trips/level-counts.ts'
import { type Fetched, Trips } from './trips/trips.ts'

/**
 * Demand reads: L1 is asked first, then L2, then L3, and what is found fills L1 through its version gate.
 *
 *   get ──L1 hit──► the value; in the last fifth of its time L2 is also asked for a newer one
 *    └─ miss ──► trip to L2 ──► L1
 *                   ├─ not there ──► trip to L3 ──► L1, and written behind to L2
 *                   │                   └─ not there either ─┐
 *                   └─ deleted ──────────────────────────────┴─► absent for 2 s, or until an update comes
 *
 * A pair is absent only if every level that was to be asked could tell. Otherwise the answer is 'unavailable'.
 */
export interface HierarchyOptions {
  readonly table: PairTable
  readonly l1: FirstLevel
  readonly l2: L2
  /** Undefined if there are two levels only. */
  readonly l3?: Pick<L3, 'load'> | undefined
  /** Values that L2 does not have yet are read from here, so that a node reads what it wrote. */
  readonly writeBehind: WriteBehind
  readonly metrics: Metrics
  /** Called for each read that L1 could not answer. */
  readonly onMiss?: (pairId: number) => void
  /** Monotonic milliseconds; `performance.now` unless given. */
  readonly now?: () => number
}

/** The most pairs that are waited for. A read of one more is answered 'unavailable' and counted. */
const MAX_WANTED = 65_536
const READS_A_SAMPLE = 256

export class Hierarchy {
  readonly #options: HierarchyOptions
  /** Demand reads that L1 answered, and those that it could not. */
  hits = 0
  misses = 0
  /** Pairs that were missed often of late. */
  readonly missed = new Misses()
  readonly #price = emptyPrice()
  readonly #fromL2 = new Trips((wanted, fetched) => this.#loadFromL2(wanted, fetched))
  readonly #fromL3 = new Trips((wanted, fetched) => this.#loadFromL3(wanted, fetched))
  /** Pairs that are fetched although a value is at hand, because L2 may have a newer one. */
  readonly #renewing = new Set<number>()
  readonly #absences = new Absences()
  /** Pairs of which a level that was asked could not tell. */
  readonly #untold = new Absences()
  /** Those of L2, until L3 was asked, too. */
  readonly #untoldByL2 = new Set<number>()
  readonly #now: () => number
  readonly #hits: ChainCounters
  readonly #misses: ChainCounters
  readonly #getSeconds: Histogram
  readonly #readsBeyondBound: Counter
  readonly #l2: LevelCounts
  readonly #l3: LevelCounts

  constructor(options: HierarchyOptions) {
    this.#options = options
    const { metrics, table, now = () => performance.now() } = options
    this.#now = now
    const source = { metrics, chainName: (chainId: number) => table.chainName(chainId) }
    this.#hits = new ChainCounters(source, 'cache_hits_total', { cache_level: 'L1' })
    this.#misses = new ChainCounters(source, 'cache_misses_total', { cache_level: 'L1' })
    this.#getSeconds = metrics.histogram('cache_get_duration_seconds', { cache_level: 'L1' })
    this.#readsBeyondBound = metrics.counter('drops_total', { reason: 'reads-beyond-bound' })
    this.#l2 = levelCounts(metrics, 'L2')
    this.#l3 = levelCounts(metrics, 'L3')
  }

  /** Warms that were read before they left. */
  get warmsUsed(): number {
    return this.#options.l1.usage.warmCounts.used
  }

  /** How long a trip to L2 takes that has not to wait for others, milliseconds. */
  get fastMs(): number {
    return this.#l2.fastMs
  }

  /** Fills `into` with L1's value, at once. A pair that is missed is fetched in the background. */
  get(pairId: number, into: CachedPrice): boolean {
    if (this.#timedGet(pairId, into)) {
      this.hits++
      this.#hits.at(this.#options.table.chainOf(pairId)).add(1)
      if (this.#options.l1.due.length > 0) this.#refreshAhead()
      return true
    }
    this.misses++
    this.#misses.at(this.#options.table.chainOf(pairId)).add(1)
    this.missed.add(pairId)
    this.#options.onMiss?.(pairId)
    void this.fetch(pairId)
    return false
  }

  /** Only one read in many is timed, because to look at the clock costs more than to read. */
  #timedGet(pairId: number, into: CachedPrice): boolean {
    const { l1 } = this.#options
    if ((this.hits + this.misses) % READS_A_SAMPLE !== 0) return l1.get(pairId, into)
    const startMs = performance.now()
    const found = l1.get(pairId, into)
    this.#getSeconds.record((performance.now() - startMs) / 1000)
    return found
  }

  /** Fetches the pair from L2, then from L3. Resolves to an empty map while they are away. */
  fetch(pairId: number): Promise<Fetched> {
    const fromL3 = this.#fromL3.of(pairId)
    if (fromL3 !== undefined) return fromL3
    if (this.#fromL2.of(pairId) === undefined) {
      if (this.isAbsent(pairId)) return NOTHING
      if (this.#fromL2.size + this.#fromL3.size >= MAX_WANTED) {
        this.#readsBeyondBound.add(1)
        this.#renewing.delete(pairId)
        return NOTHING
      }
    }
    const trip = this.#fromL2.take(pairId)
    if (this.#options.l3 === undefined) return trip
    const onward = trip.then((fetched) => (fetched.has(pairId) ? fetched : this.#onward(pairId)))
    onward.catch(() => undefined)
    return onward
  }

  /** As `fetch`, for a pair whose updates this node does not get: L2 may have a newer value than L1. */
  renew(pairId: number): Promise<Fetched> {
    if (this.#fromL2.of(pairId) === undefined) this.#renewing.add(pairId)
    return this.fetch(pairId)
  }

  /**
   * Fills `into` with the pair's newest value after a fetch. Meanwhile L1 may have got a newer one, or it may have had no
   * room. The fetched value counts only if no newer one was seen meanwhile.
   */
  newest(pairId: number, fetched: Fetched, into: CachedPrice): boolean {
    const { l1, writeBehind } = this.#options
    if (l1.peek(pairId, into)) return true
    const price = fetched.get(pairId)
    if (price !== undefined && price.version >= l1.floor(pairId)) {
      Object.assign(into, price)
      return true
    }
    return writeBehind.pending(pairId, into) && into.version >= l1.floor(pairId)
  }

  /** Whether a fetch of the pair is under way. */
  holds(pairId: number): boolean {
    return this.#fromL2.of(pairId) !== undefined || this.#fromL3.of(pairId) !== undefined
  }

  forget(pairId: number): void {
    for (const noted of [this.#absences, this.#untold, this.#untoldByL2, this.#renewing]) noted.delete(pairId)
  }

  forgetChain(chainId: number): void {
    this.#hits.forget(chainId)
    this.#misses.forget(chainId)
  }

  #onward(pairId: number): Promise<Fetched> {
    return this.isAbsent(pairId) ? NOTHING : this.#fromL3.take(pairId)
  }

  /** No level had the pair a moment ago, so a read of it does not ask again. */
  isAbsent(pairId: number): boolean {
    return this.#absences.has(pairId, this.#options.l1.floor(pairId), this.#now())
  }

  /** What is known of a pair that L1 has just missed. */
  absence(pairId: number): Absence {
    if (this.isAbsent(pairId)) return 'missing'
    const { l1, l2 } = this.#options
    const isAway = l2.state().status !== 'up' || this.#untold.has(pairId, l1.floor(pairId), this.#now())
    return isAway ? 'unavailable' : 'unknown'
  }

  /** L2 has found a deletion up to below this floor. It is the last word, unless L1 has had something newer: L3 is not asked. */
  deleted(pairId: number, floor: number): void {
    this.#foundNowhere(pairId, floor)
  }

  /** `floor` is that of the question: an update may have come before the answer. */
  #foundNowhere(pairId: number, floor: number): void {
    if (this.#options.l1.floor(pairId) === floor) this.#absences.add(pairId, floor, this.#now())
  }

  /** Asks L2 for the values that were read in the last part of their time, once for each. */
  #refreshAhead(): void {
    for (const pairId of this.#options.l1.due) void this.renew(pairId)
    this.#options.l1.due.length = 0
  }

  async #loadFromL2(wanted: readonly number[], fetched: Map<number, CachedPrice>): Promise<void> {
    const lacking = wanted.filter((pairId) => !this.#isAtHand(pairId, fetched))
    if (lacking.length === 0) return
    const { l1, l2, l3 } = this.#options
    const floors = lacking.map((pairId) => l1.floor(pairId))
    const load = await timed(this.#l2, lacking, () => l2.load(lacking))
    for (const [at, pairId] of lacking.entries()) {
      this.#renewing.delete(pairId)
      if (!this.#isTold(load, at, pairId)) {
        if (l3 !== undefined) this.#untoldByL2.add(pairId)
        continue
      }
      this.#untold.delete(pairId)
      this.#untoldByL2.delete(pairId)
      const row = load.rows[at]
      if (row !== undefined) {
        fetched.set(pairId, row)
        l1.fill(pairId, row)
      } else if (l3 === undefined) this.#foundNowhere(pairId, floors[at] as number)
    }
  }

  /** Whether the level could tell of the pair; notes it if not. */
  #isTold(load: L2Load, at: number, pairId: number): load is L2Load & { readonly status: 'loaded' } {
    if (load.status === 'loaded' && !load.unknown?.has(at)) return true
    this.#leaveUntold(pairId)
    return false
  }

  #leaveUntold(pairId: number): void {
    this.#untold.add(pairId, this.#options.l1.floor(pairId), this.#now())
  }

  /** A value that came meanwhile is taken along now: it may leave L1 and the write-behind while others are fetched. */
  #isAtHand(pairId: number, fetched: Map<number, CachedPrice>): boolean {
    const { l1, writeBehind } = this.#options
    const price = this.#price
    if (this.#renewing.delete(pairId)) return false
    if (!l1.peek(pairId, price) && !writeBehind.pending(pairId, price)) return false
    // L2 has refused what waits.
    if (price.version < l1.floor(pairId)) return false
    fetched.set(pairId, { ...price })
    l1.fill(pairId, price)
    return true
  }

  /** L3's values also go to L2, for the next node that asks, unless L1 has seen newer ones. */
  async #loadFromL3(wanted: readonly number[], fetched: Map<number, CachedPrice>): Promise<void> {
    const { l1, l3, writeBehind } = this.#options
    if (l3 === undefined) return
    const floors = wanted.map((pairId) => l1.floor(pairId))
    const load = await timed(this.#l3, wanted, () => l3.load(wanted))
    for (const [at, pairId] of wanted.entries()) {
      // L2 may have a value that L3 lacks.
      const isUntoldByL2 = this.#untoldByL2.delete(pairId)
      if (!this.#isTold(load, at, pairId)) continue
      const row = load.rows[at]
      if (row !== undefined) {
        fetched.set(pairId, row)
        if (l1.fill(pairId, row) !== 'older' && !writeBehind.full) writeBehind.addPrice(pairId, row)
      } else if (isUntoldByL2) this.#leaveUntold(pairId)
      else this.#foundNowhere(pairId, floors[at] as number)
    }
  }
}

const NOTHING: Promise<Fetched> = Promise.resolve(new Map())
