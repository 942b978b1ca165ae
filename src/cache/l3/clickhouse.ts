import type { Clock } from '../../clock.ts'
import type { Metrics } from '../../telemetry/slab.ts'
import type { Timer } from '../../timer.ts'
import { CircuitBreaker } from '../breaker.ts'
import type { CachedPrice } from '../cached-price.ts'
import type { L2Load } from '../l2/l2.ts'
import type { PairName } from '../names/id-holders.ts'
import type { PairTable } from '../names/pair-table.ts'
import { Outage, type OutageListeners } from '../outage.ts'
import type { L3 } from './l3.ts'
import { createTable, readRow, selectNewest } from './price-table.ts'
import { reasonOf, type SqlEngine } from './sql-engine.ts'

export interface ClickHouseL3Options extends OutageListeners {
  /** Called when the level starts. */
  readonly engine: () => Promise<SqlEngine>
  readonly table: PairTable
  readonly clock: Clock
  readonly timer: Timer
  /** Returns 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number
  /** Older prices do not count any more, and the table drops them. */
  readonly ttlMs: number
  /** Creates the table if it is missing; true for nodes that write to it. */
  readonly createsTable: boolean
  readonly metrics: Metrics
}

/** Pairs in one SELECT, whose text contains their names. */
const PAIRS_A_QUERY = 1_000
/** Queries in flight. More would only queue inside the server. */
const MAX_QUERIES = 2
/** Queries that wait. A node reads in batches, so that more than a few mean that the server does not keep up. */
const MAX_WAITING = 100

/** The third level in ClickHouse. */
export class ClickHouseL3 implements L3 {
  readonly #options: ClickHouseL3Options
  readonly #breaker: CircuitBreaker
  #engine: Promise<SqlEngine> | undefined
  #queries = 0
  readonly #waiting: (() => void)[] = []
  #isClosed = false
  readonly #outage: Outage
  #isTableThere = false

  constructor(options: ClickHouseL3Options) {
    this.#options = options
    const { clock, timer, random } = options
    this.#outage = new Outage(options)
    this.#breaker = new CircuitBreaker({ clock, timer, random, probe: () => this.#probe() })
  }

  async start(): Promise<void> {
    if (this.#isClosed) return
    this.#engine ??= this.#options.engine()
    await this.#engine
    // This goes on in the background, because a node also starts while its source is away.
    if (this.#options.createsTable) void this.#createTable().catch((error: unknown) => this.#failed(error))
  }

  async load(pairIds: readonly number[]): Promise<L2Load> {
    const notAsked = this.#whyNotAsked()
    if (notAsked !== undefined) return { status: 'unavailable', reason: notAsked }
    const found = new Map<string, CachedPrice>()
    const names = pairIds.map((pairId) => this.#options.table.namesOf(pairId))
    for (let from = 0; from < names.length; from += PAIRS_A_QUERY) {
      const reason = await this.#query(names.slice(from, from + PAIRS_A_QUERY), found)
      if (reason !== undefined) return { status: 'unavailable', reason }
    }
    return { status: 'loaded', rows: names.map((name) => found.get(keyOf(name))) }
  }

  /** Resolves when the rows are inserted. Rejects with the engine's error. */
  async insert(table: string, rows: Iterable<object>): Promise<void> {
    const engine = await this.#engine
    if (engine === undefined || this.#isClosed) throw new Error('closed')
    // The server may have been away when the level started.
    if (this.#options.createsTable && !this.#isTableThere) await this.#createTable()
    await engine.insert(table, rows)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#breaker.close()
    const engine = await this.#engine?.catch(() => undefined)
    await engine?.close()
  }

  async #query(names: readonly PairName[], found: Map<string, CachedPrice>): Promise<string | undefined> {
    if (this.#waiting.length >= MAX_WAITING) return 'too many wait for ClickHouse'
    await this.#turn()
    try {
      const engine = await this.#engine
      // The server may have gone away, or the level been closed, while this query waited.
      const reason = engine === undefined ? 'closed' : this.#whyNotAsked()
      if (engine === undefined || reason !== undefined) return reason
      for (const row of await engine.rows(selectNewest(names, this.#options.clock.now() - this.#options.ttlMs))) {
        const read = readRow(row)
        if (read === undefined) this.#options.metrics.counter('l3_undecodable_total').add(1)
        else found.set(keyOf(read), read.price)
      }
      this.#breaker.succeeded()
      this.#outage.saw(undefined)
      return undefined
    } catch (error) {
      return this.#failed(error)
    } finally {
      const next = this.#waiting.shift()
      // The turn is handed on to the next, or given back.
      if (next === undefined) this.#queries--
      else next()
    }
  }

  #whyNotAsked(): string | undefined {
    return this.#isClosed ? 'closed' : this.#breaker.open?.reason
  }

  async #turn(): Promise<void> {
    if (this.#queries < MAX_QUERIES) this.#queries++
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #failed(error: unknown): string {
    const reason = reasonOf(error)
    if (this.#isClosed) return reason
    this.#breaker.failed(reason)
    this.#options.metrics.counter('l3_unavailable_total').add(1)
    this.#outage.saw(reason)
    return reason
  }

  async #createTable(): Promise<void> {
    const engine = await this.#engine
    const ttlSeconds = this.#options.ttlMs / 1000
    try {
      await engine?.run(createTable(ttlSeconds, { withTtl: true }))
    } catch (error) {
      // Any other error may pass, and a table that was made without a TTL would keep all prices for ever.
      if (!/syntax error/i.test(String(error))) throw error
      await engine?.run(createTable(ttlSeconds, { withTtl: false }))
    }
    this.#isTableThere = true
  }

  async #probe(): Promise<string | undefined> {
    try {
      if (this.#options.createsTable) await this.#createTable()
      else await (await this.#engine)?.rows('SELECT 1')
      return undefined
    } catch (error) {
      return reasonOf(error)
    }
  }
}

function keyOf({ chain, pair }: PairName): string {
  return `${chain}\0${pair}`
}
