import { ChainCounters } from '../telemetry/by-chain.ts'
import type { Counter, Histogram, Metrics } from '../telemetry/slab.ts'
import type { L1 } from './l1.ts'
import type { L2 } from './l2.ts'
import type { PairTable } from './pair-table.ts'
import { emptyRecord, type PriceRecord } from './price-record.ts'
import type { WriteBehind } from './write-behind.ts'

/**
 * Demand reads, L1 first and then L2, filling upward through L1's version gate. Pairs missed within one tick are
 * fetched in one trip; a pair that is being fetched is not fetched twice.
 */
export interface HierarchyOptions {
  readonly table: PairTable
  readonly l1: L1
  readonly l2: L2
  /** Values on their way to L2 are read from here: a node reads what it wrote. */
  readonly writeBehind: WriteBehind
  readonly metrics: Metrics
}

/** Pairs waited for at once; a detector that asks for more is told 'missing' and counted. */
const MAX_WANTED = 65_536
const READS_A_SAMPLE = 256

export class Hierarchy {
  readonly #options: HierarchyOptions
  /** Demand reads that L1 answered, and those that it could not. */
  hits = 0
  misses = 0
  readonly #record = emptyRecord()
  /** Pairs of the next trip, and that trip. */
  #wanted: number[] = []
  #fetch: Promise<Fetched> | undefined
  /** The trip of each pair that is wanted or on its way. */
  readonly #trips = new Map<number, Promise<Fetched>>()
  /** Wanted although they are at hand: L2 may have newer. */
  readonly #renewing = new Set<number>()
  readonly #hits: ChainCounters
  readonly #misses: ChainCounters
  readonly #l2Hits: Counter
  readonly #l2Misses: Counter
  readonly #loads: Counter
  readonly #refused: Counter
  readonly #getSeconds: Histogram
  readonly #fetchSeconds: Histogram

  constructor(options: HierarchyOptions) {
    this.#options = options
    const { metrics, table } = options
    const source = { metrics, chainName: (chainId: number) => table.chainName(chainId) }
    this.#hits = new ChainCounters(source, 'cache_hits_total', { cache_level: 'L1' })
    this.#misses = new ChainCounters(source, 'cache_misses_total', { cache_level: 'L1' })
    this.#l2Hits = metrics.counter('cache_hits_total', { cache_level: 'L2' })
    this.#l2Misses = metrics.counter('cache_misses_total', { cache_level: 'L2' })
    this.#loads = metrics.counter('cache_loads_total', { cause: 'read', cache_level: 'L2' })
    this.#refused = metrics.counter('drops_total', { reason: 'reads-beyond-bound' })
    this.#getSeconds = metrics.histogram('cache_get_duration_seconds', { cache_level: 'L1' })
    this.#fetchSeconds = metrics.histogram('cache_get_duration_seconds', { cache_level: 'L2' })
  }

  /** L1's value into `into`, at once. A miss is fetched in the background: residency is earned by reads. */
  get(pairId: number, into: PriceRecord): boolean {
    if (this.#timedGet(pairId, into)) {
      this.hits++
      this.#hits.at(this.#options.table.chainOf(pairId)).add(1)
      return true
    }
    this.misses++
    this.#misses.at(this.#options.table.chainOf(pairId)).add(1)
    void this.fetch(pairId)
    return false
  }

  /** Times one read of many: looking at the clock costs more than reading. */
  #timedGet(pairId: number, into: PriceRecord): boolean {
    const { l1 } = this.#options
    if ((this.hits + this.misses) % READS_A_SAMPLE !== 0) return l1.get(pairId, into)
    const startMs = performance.now()
    const found = l1.get(pairId, into)
    this.#getSeconds.record((performance.now() - startMs) / 1000)
    return found
  }

  /** The same for the pair's trip to L2: resolves to what it brought, and to nothing while L2 is away. */
  fetch(pairId: number): Promise<Fetched> {
    const underWay = this.#trips.get(pairId)
    if (underWay !== undefined) return underWay
    if (this.#trips.size >= MAX_WANTED) {
      this.#refused.add(1)
      this.#renewing.delete(pairId)
      return NOTHING
    }
    const fetch = this.#fetch ?? this.#depart()
    this.#wanted.push(pairId)
    this.#trips.set(pairId, fetch)
    return fetch
  }

  /** As `fetch`, for a pair whose updates this node does not get: what L1 has of it may be older than what L2 has. */
  renew(pairId: number): Promise<Fetched> {
    if (!this.#trips.has(pairId)) this.#renewing.add(pairId)
    return this.fetch(pairId)
  }

  /**
   * The pair's newest value after a fetch: L1 may have got a newer one since, or have had no room; what was fetched
   * counts only if nothing newer was seen meanwhile.
   */
  newest(pairId: number, fetched: Fetched, into: PriceRecord): boolean {
    const { l1, writeBehind } = this.#options
    if (l1.peek(pairId, into)) return true
    const record = fetched.get(pairId)
    if (record !== undefined && record.version >= l1.floor(pairId)) {
      Object.assign(into, record)
      return true
    }
    return writeBehind.pending(pairId, into)
  }

  #depart(): Promise<Fetched> {
    const fetch = Promise.resolve().then(() => this.#fetchWanted())
    // Whoever waits for the trip hears of its fault; a read that does not wait must not end the process.
    fetch.catch(() => undefined)
    this.#fetch = fetch
    return fetch
  }

  async #fetchWanted(): Promise<Fetched> {
    const wanted = this.#wanted
    this.#wanted = []
    this.#fetch = undefined
    const fetched = new Map<number, PriceRecord>()
    try {
      const lacking = wanted.filter((pairId) => !this.#isAtHand(pairId, fetched))
      if (lacking.length > 0) await this.#load(lacking, fetched)
      return fetched
    } finally {
      for (const pairId of wanted) {
        this.#trips.delete(pairId)
        this.#renewing.delete(pairId)
      }
    }
  }

  /** What is here after all goes along: while the others are fetched it may leave L1 and the buffer. */
  #isAtHand(pairId: number, fetched: Map<number, PriceRecord>): boolean {
    const { l1, writeBehind } = this.#options
    const record = this.#record
    if (this.#renewing.delete(pairId)) return false
    if (!l1.peek(pairId, record) && !writeBehind.pending(pairId, record)) return false
    fetched.set(pairId, { ...record })
    l1.fill(pairId, record)
    return true
  }

  async #load(pairIds: readonly number[], fetched: Map<number, PriceRecord>): Promise<void> {
    const { l1, l2 } = this.#options
    const startMs = performance.now()
    const load = await l2.load(pairIds)
    this.#fetchSeconds.record((performance.now() - startMs) / 1000)
    this.#loads.add(pairIds.length)
    if (load.status === 'unavailable') return
    for (const [i, row] of load.rows.entries()) {
      const pairId = pairIds[i] as number
      if (row === undefined) {
        this.#l2Misses.add(1)
        continue
      }
      this.#l2Hits.add(1)
      fetched.set(pairId, row)
      l1.fill(pairId, row)
    }
  }
}

/** Values by pair id. */
export type Fetched = ReadonlyMap<number, PriceRecord>

const NOTHING: Promise<Fetched> = Promise.resolve(new Map())
