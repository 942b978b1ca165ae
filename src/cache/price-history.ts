import type { Metrics } from '../telemetry/slab.ts'
import { systemTimer, type Timer } from '../timer.ts'
import type { L2, L2Write } from './l2.ts'
import type { PairTable } from './pair-table.ts'
import type { PriceColumns } from './price-record.ts'
import { PRICE_TABLE, writeRow } from './price-table.ts'

/**
 * Prices on their way into the history: what L2 has taken, in batches, so that it costs the hot path nothing. Of a pair
 * that changes several times between two writes to L2 it holds the last one, as L2 does.
 */
export interface PriceHistoryOptions {
  readonly table: PairTable
  /** Resolves when the rows are there. */
  readonly insert: (table: string, rows: readonly object[]) => Promise<void>
  readonly metrics: Metrics
  /** Told once, at the end, of rows that the history did not get. */
  readonly onLost?: (rows: number, reason: string) => void
  readonly timer?: Timer
}

const FLUSH_MS = 1_000
/** ClickHouse likes few large inserts; a batch is made within some ten milliseconds. */
const ROWS_AN_INSERT = 10_000
/** While the history is away: about 40 MB. Those that come when it is full are counted and not kept. */
const MAX_ROWS = 100_000

export class PriceHistory {
  readonly #options: PriceHistoryOptions
  readonly #timer: Timer
  #rows: object[] = []
  #cancel: (() => void) | undefined
  #flushing: Promise<void> | undefined
  #away: string | undefined
  #closed: Promise<void> | undefined

  constructor(options: PriceHistoryOptions) {
    this.#options = options
    this.#timer = options.timer ?? systemTimer
  }

  get pendingRows(): number {
    return this.#rows.length
  }

  /** Rows `from` (inclusive) to `to` (exclusive), copied. */
  take(columns: PriceColumns, from: number, to: number): void {
    if (this.#closed !== undefined) return
    const { table, metrics } = this.#options
    for (let row = from; row < to; row++) {
      // No version is no value: the pair was delisted while the row waited.
      if (columns.versions[row] === 0) continue
      if (this.#rows.length >= MAX_ROWS) {
        metrics.counter('drops_total', { reason: 'history-full' }).add(to - row)
        break
      }
      const pairId = columns.pairIds[row] as number
      const name = { chain: table.chainName(table.chainOf(pairId)), pair: table.pairName(pairId) }
      this.#rows.push(writeRow(name, columns, row))
    }
    this.#flushLater()
  }

  /** Resolves when all is written, or the history is away. */
  flush(): Promise<void> {
    this.#cancel?.()
    this.#cancel = undefined
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined
      if (this.#closed === undefined) this.#flushLater()
    })
    return this.#flushing
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await this.#flushing
    await this.flush()
    this.#cancel?.()
    const { metrics, onLost } = this.#options
    if (this.#rows.length === 0) return
    metrics.counter('drops_total', { reason: 'history-away' }).add(this.#rows.length)
    onLost?.(this.#rows.length, this.#away ?? 'closed')
  }

  async #flush(): Promise<void> {
    const { insert, metrics } = this.#options
    while (this.#rows.length > 0) {
      const rows = this.#rows.slice(0, ROWS_AN_INSERT)
      try {
        await insert(PRICE_TABLE, rows)
      } catch (error) {
        this.#away = error instanceof Error ? error.message : String(error)
        metrics.counter('l3_unavailable_total').add(1)
        return
      }
      metrics.counter('l3_write_entries_total').add(rows.length)
      this.#rows.splice(0, rows.length)
    }
  }

  #flushLater(): void {
    if (this.#rows.length === 0 || this.#cancel !== undefined || this.#flushing !== undefined) return
    this.#cancel = this.#timer(FLUSH_MS, () => {
      this.#cancel = undefined
      void this.flush()
    })
  }
}

/** The second level, whose successful writes go on into the history. */
export function withHistory(l2: L2, history: Pick<PriceHistory, 'take'>): L2 {
  return {
    start: () => l2.start(),
    load: (pairIds) => l2.load(pairIds),
    delete: (pairIds) => l2.delete(pairIds),
    state: () => l2.state(),
    close: () => l2.close(),
    write: async (columns, from, to): Promise<L2Write> => {
      const outcome = await l2.write(columns, from, to)
      if (outcome.status === 'written') history.take(columns, from, to)
      else if (outcome.unwritten !== undefined) {
        const unwritten = new Set(outcome.unwritten)
        for (let row = from; row < to; row++) if (!unwritten.has(row)) history.take(columns, row, row + 1)
      }
      return outcome
    },
  }
}
