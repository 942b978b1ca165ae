import { Alarm } from '../../alarm.ts'
import type { Metrics } from '../../telemetry/slab.ts'
import { inTime, type Timer } from '../../timer.ts'
import { appendRows, hasPair, isTombstone, type PriceColumns, priceColumns } from '../cached-price.ts'
import type { L2, L2Write } from '../l2/l2.ts'
import type { PairTable } from '../names/pair-table.ts'
import { Outage, type OutageListeners } from '../outage.ts'
import { PRICE_TABLE, writeRow } from './price-table.ts'
import { reasonOf } from './sql-engine.ts'

/**
 * Writes the prices that L2 has taken into the history, in batches, so that it costs the hot path nothing. If a pair
 * changes several times between two writes to L2, the history gets its last price, as L2 does.
 */
export interface PriceHistoryOptions extends OutageListeners {
  readonly table: PairTable
  /** Resolves when the rows are inserted. */
  readonly insert: (table: string, rows: Iterable<object>) => Promise<void>
  readonly metrics: Metrics
  /** Called once, by `close`, if the history did not get all rows: how many it lacks, and why. */
  readonly onLost?: (rows: number, reason: string) => void
  readonly timer?: Timer
}

const FLUSH_MS = 1_000
/** ClickHouse likes few large inserts; to make the rows of one takes some ten milliseconds. */
const ROWS_AN_INSERT = 10_000
/** While the history is away, 100,000 rows wait, 7 MB. Rows that come when all batches are full are dropped and counted. */
const MAX_BATCHES = 10
/** A server that needs longer for the remaining rows does not hold up a node that closes. One insert may take as long. */
const CLOSE_MS = 5_000

export class PriceHistory {
  readonly #options: PriceHistoryOptions
  /** The oldest batch first; the last one fills. */
  readonly #batches: PriceColumns[] = []
  /** The batch in flight, which takes no more rows. */
  #leaving: PriceColumns | undefined
  readonly #nextFlush: Alarm
  #flushing: Promise<void> | undefined
  readonly #outage: Outage
  #isOver = false
  #closed: Promise<void> | undefined

  constructor(options: PriceHistoryOptions) {
    this.#options = options
    this.#outage = new Outage(options)
    this.#nextFlush = new Alarm(() => void this.flush(), options.timer)
  }

  get pendingRows(): number {
    return this.#batches.reduce((rows, batch) => rows + batch.count, 0)
  }

  /** Whether a row of the pair waits: its name is looked up when it is written. */
  holds(pairId: number): boolean {
    return this.#batches.some((batch) => hasPair(batch, pairId))
  }

  /** Copies rows `from` (inclusive) to `to` (exclusive). It does no more, because it runs between two batches of updates. */
  take(columns: PriceColumns, from: number, to: number): void {
    if (this.#closed !== undefined) return
    let dropped = 0
    for (let row = from; row < to; ) {
      const end = endOfRun(columns, row, to)
      const batch = row < end ? this.#filling() : undefined
      if (batch === undefined) {
        dropped += end - row
        row = end + 1
        continue
      }
      const next = Math.min(end, row + batch.capacity - batch.count)
      appendRows(batch, columns, { from: row, to: next })
      row = next
    }
    if (dropped > 0) this.#options.metrics.counter('drops_total', { reason: 'history-full' }).add(dropped)
    this.#flushLater()
  }

  /** Resolves when all rows are written, or the history is away. */
  flush(): Promise<void> {
    this.#nextFlush.clear()
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined
      this.#flushLater()
    })
    return this.#flushing
  }

  close(): Promise<void> {
    this.#nextFlush.close()
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const outcome = await inTime(this.#drain(), 'no time left', { delayMs: CLOSE_MS, timer: this.#options.timer })
    this.#isOver = true
    const lost = this.pendingRows
    if (lost === 0) return
    this.#options.metrics.counter('drops_total', { reason: 'history-away' }).add(lost)
    this.#options.onLost?.(lost, outcome ?? this.#outage.reason ?? 'closed')
  }

  async #drain(): Promise<undefined> {
    await this.#flushing
    await this.flush()
  }

  async #flush(): Promise<void> {
    const { insert, metrics } = this.#options
    for (let batch = this.#batches[0]; batch !== undefined && !this.#isOver; batch = this.#batches[0]) {
      this.#leaving = batch
      const reason = await insert(PRICE_TABLE, this.#rowsOf(batch)).then(() => undefined, reasonOf)
      this.#leaving = undefined
      // `close` has given up meanwhile and counted these rows as lost.
      if (this.#isOver) return
      this.#outage.saw(reason)
      if (reason !== undefined) {
        metrics.counter('l3_unavailable_total').add(1)
        return
      }
      metrics.counter('l3_write_entries_total').add(batch.count)
      this.#batches.shift()
    }
  }

  *#rowsOf(batch: PriceColumns): Iterable<object> {
    const { table } = this.#options
    for (let row = 0; row < batch.count; row++) yield writeRow(table.namesOf(batch.pairIds[row] as number), batch, row)
  }

  #filling(): PriceColumns | undefined {
    const last = this.#batches.at(-1)
    if (last !== undefined && last !== this.#leaving && last.count < last.capacity) return last
    if (this.#batches.length >= MAX_BATCHES) return undefined
    const batch = priceColumns(ROWS_AN_INSERT)
    this.#batches.push(batch)
    return batch
  }

  #flushLater(): void {
    if (this.#batches.length > 0 && !this.#nextFlush.isSet && this.#flushing === undefined)
      this.#nextFlush.set(FLUSH_MS)
  }
}

/** The end of the rows from `from` on that hold a price; a row has version 0 if its pair was delisted while it waited. */
function endOfRun(columns: PriceColumns, from: number, to: number): number {
  let end = from
  while (end < to && columns.versions[end] !== 0 && !isTombstone(columns, end)) end++
  return end
}

/** Hands the rows that L2 has written on to the history. */
export function withHistory(l2: L2, history: Pick<PriceHistory, 'take'>): L2 {
  return {
    start: () => l2.start(),
    load: (pairIds) => l2.load(pairIds),
    delete: (pairIds) => l2.delete(pairIds),
    state: () => l2.state(),
    close: () => l2.close(),
    write: async (columns, from, to, pace): Promise<L2Write> => {
      const outcome = await l2.write(columns, from, to, pace)
      if (outcome.status === 'written') history.take(columns, from, to)
      else if (outcome.unwritten !== undefined) {
        const unwritten = new Set(outcome.unwritten)
        for (let row = from; row < to; row++) if (!unwritten.has(row)) history.take(columns, row, row + 1)
      }
      return outcome
    },
  }
}
