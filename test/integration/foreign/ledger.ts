import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { Alarm } from '../../../src/alarm.ts'
import { emptyPrice } from '../../../src/cache/cached-price.ts'
import { ForeignReads } from '../../../src/cache/foreign/foreign-reads.ts'
import type { ForeignReadsOptions } from '../../../src/cache/foreign/foreign-reads-options.ts'
import { Stamps } from '../../../src/cache/foreign/stamps.ts'
import { Freshness } from '../../../src/cache/freshness/freshness.ts'
import { L1 } from '../../../src/cache/l1/l1.ts'
import { PushBack } from '../../../src/cache/l2/push-back.ts'
import { createRedisL2 } from '../../../src/cache/l2/redis/redis.ts'
import type { Tracking } from '../../../src/cache/l2/tracking.ts'
import { WriteBehind } from '../../../src/cache/l2/write-behind.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { Sources } from '../../../src/cache/sources/sources.ts'
import { systemClock } from '../../../src/clock.ts'
import { monotonicMs } from '../../../src/monotonic.ts'

const PAIRS = 40
const CHAINS = ['c0', 'c1', 'c2']
const UPDATES_A_TURN = 3
const TTL_MS = 3_600_000
const TOPIC = 'prices'

export interface LedgerOptions {
  /** One URL, or those of a cluster. */
  readonly ownerUrl: string | readonly string[]
  readonly readerUrl: string | readonly string[]
  readonly service: string
  /** Those of the pairs, in turn. */
  readonly chains?: readonly string[]
  /** How far the owner's clock is ahead of the reader's. */
  readonly aheadMs?: number
  readonly polls?: boolean
  readonly readsOf?: (options: ForeignReadsOptions) => ForeignReads
  readonly trackingOf?: (tracking: Tracking) => Tracking
}

/** What was read of a pair that is behind by more than its bound. */
interface FalseBound {
  readonly pairId: number
  readonly distanceMs: number
  readonly behindMs: number
}

/**
 * An owner that gets updates and a reader on another node, both with the levels of a node and one Redis between them. The
 * ledger knows when each update was there, and so how far each read is behind and whether its bound says less than that.
 */
export class Ledger {
  readonly #options: LedgerOptions
  /** When each version of a pair was there; a version is its place + 1. */
  readonly #times: number[][] = Array.from({ length: PAIRS }, () => [])
  readonly #applied = new Int32Array(PAIRS)
  readonly owner
  readonly reader
  readonly falseBounds: FalseBound[] = []
  /** Why reads are not tracked, each time that this begins. */
  readonly complaints: (string | undefined)[] = []
  readonly ways: string[] = []
  reads = 0
  isOwnerStopped = false
  /** The longest bound of all pairs, and how far the furthest is behind, at the last turn. */
  worstBehindMs = Number.POSITIVE_INFINITY
  worstDistanceMs = 0
  /** The moment of the read. Its bound and its distance are reckoned from the same one, as the thread may lose its core in between. */
  #readAtMs = 0
  readonly #next = new Alarm(() => this.#turn())

  constructor(options: LedgerOptions) {
    this.#options = options
    this.owner = this.#owner()
    this.reader = this.#reader()
  }

  async start(): Promise<this> {
    await Promise.all([this.owner.l2.start(), this.reader.l2.start()])
    this.owner.stamps.start()
    this.#turn()
    return this
  }

  async close(): Promise<void> {
    this.#next.close()
    this.owner.stamps.close()
    this.owner.pushBack.close()
    this.reader.foreign.close()
    await this.owner.writeBehind.close()
    await Promise.all([this.owner.l2.close(), this.reader.l2.close()])
  }

  get service(): string {
    return this.#options.service
  }

  /** Every pair is bounded closely, and none is far behind. */
  get isFresh(): boolean {
    return this.worstBehindMs < 200 && this.worstDistanceMs < 200
  }

  #owner() {
    const { ownerUrl, service, aheadMs = 0 } = this.#options
    const now = () => monotonicMs() + aheadMs
    const sources = new Sources()
    const table = tableOfPairs(this.#options.chains)
    const source = sources.idOf(TOPIC, 0)
    sources.follow(source)
    const l1 = new L1({ slots: PAIRS, maxPairs: PAIRS, sources })
    const common = { clock: systemClock, random: Math.random, ttlMs: TTL_MS, service, sources }
    const l2 = createRedisL2({ ...common, url: ownerUrl, table, onConnected: () => stamps.connected() })
    const writeBehind = new WriteBehind({ l2, flushMs: 5, capacity: PAIRS, maxPairs: PAIRS, sources })
    const pushBack = new PushBack({ table, l1, l2, sources })
    const stamps: Stamps = new Stamps({ sources, l2, writeBehind, pushBack, now })
    return { now, sources, source, l1, l2, writeBehind, pushBack, stamps }
  }

  #reader() {
    const { readerUrl, service, polls = false, trackingOf = (tracking) => tracking } = this.#options
    const { readsOf = (options) => new ForeignReads(options) } = this.#options
    const sources = new Sources()
    sources.grow(TOPIC, 1)
    const table = tableOfPairs(this.#options.chains)
    const l1 = new L1({ slots: PAIRS, maxPairs: PAIRS, sources })
    const common = { clock: systemClock, random: Math.random, ttlMs: TTL_MS, service, sources }
    const l2 = createRedisL2({ ...common, url: readerUrl, table })
    const tracked = l2.track?.()
    if (tracked === undefined) throw new Error('Redis tracks reads')
    const foreign = readsOf({
      tracking: trackingOf(tracked),
      sources,
      l1,
      maxPairs: PAIRS,
      isFollowed: () => false,
      onDeleted: (pairId, floor) => l1.remove(pairId, floor),
      polls,
      pollMs: 20,
      onWay: (way, reason) => {
        this.ways.push(way)
        if (way === 'poll') this.complaints.push(reason)
      },
    })
    const freshness = new Freshness({ sources, foreign, now: () => this.#readAtMs })
    return { sources, l1, l2, foreign, freshness }
  }

  #turn(): void {
    this.#next.set(1)
    const nowMs = monotonicMs()
    for (let update = 0; update < UPDATES_A_TURN; update++) this.#times[Math.floor(Math.random() * PAIRS)]?.push(nowMs)
    if (!this.isOwnerStopped) this.#apply(nowMs)
    this.#read()
  }

  /** The owner handles all updates that are there. */
  #apply(nowMs: number): void {
    const { l1, writeBehind, sources, source } = this.owner
    const numbers = new Float64Array(NUMBER_COUNT).fill(Number.NaN)
    for (const [pairId, times] of this.#times.entries()) {
      const version = times.length
      if (version === this.#applied[pairId]) continue
      numbers[0] = version
      l1.update(pairId, version, numbers, 0, source)
      writeBehind.add(pairId, version, numbers, 0, source)
      this.#applied[pairId] = version
    }
    sources.raise(source, nowMs + (this.#options.aheadMs ?? 0))
  }

  #read(): void {
    const { l1, freshness, foreign } = this.reader
    const price = emptyPrice()
    let worstBehindMs = 0
    let worstDistanceMs = 0
    for (const [pairId, times] of this.#times.entries()) {
      if (times.length === 0) continue
      if (!l1.get(pairId, price)) {
        foreign.read(pairId, false)
        worstBehindMs = Number.POSITIVE_INFINITY
        continue
      }
      this.#readAtMs = monotonicMs()
      const behindMs = freshness.read(pairId, price)
      // The oldest update that the read does not know.
      const distanceMs = this.#readAtMs - (times[price.version] ?? Number.POSITIVE_INFINITY)
      this.reads++
      if (distanceMs > behindMs + 0.05) this.falseBounds.push({ pairId, distanceMs, behindMs })
      worstBehindMs = Math.max(worstBehindMs, behindMs)
      worstDistanceMs = Math.max(worstDistanceMs, distanceMs)
    }
    this.worstBehindMs = worstBehindMs
    this.worstDistanceMs = worstDistanceMs
  }
}

function tableOfPairs(chains = CHAINS as readonly string[]): PairTable {
  const table = new PairTable({ maxPairs: PAIRS })
  for (let pair = 0; pair < PAIRS; pair++) table.register(chains[pair % chains.length] ?? '', `p${pair}`)
  return table
}
