import { NUMBER_COUNT } from '../../schemas/price-update.ts'
import { Arrivals } from '../../src/cache/freshness/arrivals.ts'
import { Freshness } from '../../src/cache/freshness/freshness.ts'
import { Hierarchy } from '../../src/cache/hierarchy.ts'
import { L1 } from '../../src/cache/l1/l1.ts'
import { Deletions } from '../../src/cache/l2/deletions.ts'
import type { L2 } from '../../src/cache/l2/l2.ts'
import { createMemoryL2 } from '../../src/cache/l2/memory.ts'
import { WriteBehind } from '../../src/cache/l2/write-behind.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { PriceWriter } from '../../src/cache/price-writer.ts'
import { Sources } from '../../src/cache/sources/sources.ts'
import { type VirtualClock, virtualClock } from '../../src/clock.ts'
import { Tracker } from '../../src/correlation/tracker.ts'
import type { PriceSources } from '../../src/detect/prices.ts'
import { createMetrics, type MetricSlab } from '../../src/telemetry/metrics.ts'
import { ManualTimer } from '../harness/manual-timer.ts'

export const T0 = 1_783_715_268_000

/** What a node keeps prices in, on a clock of the test's own: nothing is flushed and nothing runs out unless it moves. */
export class TestCaches {
  readonly clock: VirtualClock = virtualClock(T0)
  readonly timer = new ManualTimer(this.clock)
  readonly metrics: MetricSlab = createMetrics()
  readonly table: PairTable
  readonly l1: L1
  readonly l2: L2
  readonly writeBehind: WriteBehind
  readonly deletions: Deletions
  readonly writer: PriceWriter
  readonly hierarchy: Hierarchy
  readonly tracker: Tracker
  /** Called by an L2 in memory that this object made. */
  onRefused = (pairId: number, floor: number): void => this.writer.refused(pairId, floor)
  /** What detectors asked for, by pair id. */
  readonly readPairs = new Set<number>()
  readonly interest = { read: (pairId: number) => this.readPairs.add(pairId) }
  readonly origins = new Sources()
  /** A partition that this node has, and one that another has. */
  readonly here = this.origins.idOf('prices', 0)
  readonly elsewhere = this.origins.idOf('prices', 1)
  readonly arrivals: Arrivals
  readonly freshness: Freshness

  /** L2 is in memory unless given. */
  constructor({ slots = 100, maxPairs = 1000, ...given }: { slots?: number; maxPairs?: number; l2?: L2 } = {}) {
    const onNewer = (pairId: number, floor: number, isDeleted?: boolean) => {
      this.onRefused(pairId, floor)
      if (isDeleted) this.hierarchy.deleted(pairId, floor)
    }
    this.l2 =
      given.l2 ??
      createMemoryL2({
        clock: this.clock,
        random: () => 0.5,
        ttlMs: 3_600_000,
        onNewer,
        sources: this.origins,
      })
    const { l2, metrics, timer } = this
    this.table = new PairTable({ maxPairs })
    this.l1 = new L1({ slots, maxPairs, sources: this.origins })
    this.arrivals = new Arrivals({ table: this.table, sources: this.origins, l1: this.l1 })
    this.arrivals.assign([this.here])
    this.origins.raise(this.here, 0)
    this.freshness = new Freshness({ sources: this.origins, now: () => this.clock.now() - T0 })
    const sizes = { capacity: maxPairs, maxPairs }
    this.writeBehind = new WriteBehind({
      l2,
      flushMs: 10,
      ...sizes,
      sources: this.origins,
      timer: timer.start,
      now: timer.now,
    })
    const { table, l1, writeBehind, clock } = this
    this.deletions = new Deletions({ l1, l2, clock, tombstoneTtlMs: 3_600_000, timer: timer.start })
    this.hierarchy = new Hierarchy({ table, l1, l2, writeBehind, metrics })
    this.tracker = new Tracker({ maxPairs })
    this.writer = new PriceWriter(this)
  }

  get sources(): PriceSources {
    return { ...this, ageSeconds: this.metrics.histogram('event_age_at_read_seconds'), onRead: undefined }
  }

  /** The pair's id. */
  update(pair: string, price: number, { chain = 'ethereum', atMs = T0 } = {}): number {
    const pairId = this.table.register(chain, pair)
    const numbers = new Float64Array(NUMBER_COUNT).fill(Number.NaN)
    numbers[0] = price
    const version = this.l1.nextVersion(pairId, atMs)
    const source = this.arrivals.arrived(pairId, chain === 'elsewhere' ? this.elsewhere : this.here)
    this.l1.update(pairId, version, numbers, 0, source)
    this.writeBehind.add(pairId, version, numbers, 0, source)
    return pairId
  }

  count(name: string, labels: Record<string, string> = {}): number {
    return this.metrics.counter(name, labels).value
  }
}
