import { namedByHeaders } from '../schemas/avro-frame.ts'
import { type NamedPair, tombstonePair } from '../schemas/price-object.ts'
import { decodePrices } from '../schemas/price-record.ts'
import type { Refused } from '../schemas/refusal.ts'
import {
  appendUpdates,
  type PairIds,
  truncateColumns,
  type UpdateColumns,
  updateColumns,
} from '../schemas/update-columns.ts'
import type { Batch } from '../src/broker/port.ts'
import type { Format, Held } from '../src/formats/format.ts'
import type { KafkaRecord } from '../src/kafka-record.ts'
import { inTime } from '../src/timer.ts'
import { WINDOW_UPDATES } from '../src/warming/look-ahead.ts'

/** These stand for the first row of a record that has no rows. */
export const TOMBSTONE = -1
export const REFUSED = -2
/** The record cannot be read yet, and neither can those after it. */
const HELD = -3
/** So long a batch waits in hand. Then it is handed out again, as its membership is kept only while there is progress. */
const HELD_MS = 5_000

/** What most records have nothing of. */
export interface RecordNotes {
  /** Updates that have no row, because the table of names has no room for their pairs. */
  readonly leftOut: number
  /** Updates that have a number of more digits than a double holds. */
  readonly rounded: number
  /** Parts of a foreign record that say nothing of prices. */
  readonly skipped: number
  /** The pairs that the record delists. */
  readonly deleted: readonly NamedPair[]
}

const NO_NOTES: RecordNotes = { leftOut: 0, rounded: 0, skipped: 0, deleted: [] }

/** Records of a batch that are decoded and not handled yet, with their updates side by side. It is reused. */
export class PriceWindow {
  readonly columns: UpdateColumns = updateColumns(WINDOW_UPDATES * 2)
  readonly #ids: PairIds
  /** Undefined: our own. */
  readonly #format: Format | undefined
  /** The index of the window's first record in its batch. */
  #from = 0
  /** The first row of each record, or TOMBSTONE or REFUSED; at the end the row after the last. */
  readonly #firstRows: number[] = []
  readonly #refusals = new Map<number, Refused>()
  readonly #notes = new Map<number, RecordNotes>()
  /** Why the record after the window cannot be read yet. */
  #held: Held | undefined

  constructor(ids: PairIds, format?: Format) {
    this.#ids = ids
    this.#format = format
  }

  /**
   * Decodes records from index `from` on and returns the index after the last: `from` itself if that record is `held`.
   * Throws if the record at `from` does.
   */
  decode(batch: Batch, from: number): number {
    this.#from = from
    this.#held = undefined
    truncateColumns(this.columns, 0)
    this.#firstRows.length = 0
    this.#refusals.clear()
    this.#notes.clear()
    let record = from
    for (; record < batch.count && this.columns.count < WINDOW_UPDATES; record++) {
      const rows = this.columns.count
      try {
        const firstRow = this.#decodeRecord(batch, record)
        if (firstRow === HELD) break
        this.#firstRows.push(firstRow)
      } catch (error) {
        if (record === from) throw error
        truncateColumns(this.columns, rows)
        this.columns.leftOut = 0
        this.columns.rounded = 0
        break
      }
    }
    this.#firstRows.push(this.columns.count)
    return record
  }

  /** As `decode`, for a record at `from` that is held: waits for what it needs, for a while. */
  async decodeHeld(batch: Batch, from: number, signal: AbortSignal): Promise<number> {
    let end = from
    while (end === from && this.#held?.settled !== undefined && !signal.aborted) {
      const { promise: interrupted, resolve } = Promise.withResolvers<void>()
      const interrupt = () => resolve()
      signal.addEventListener('abort', interrupt, { once: true })
      const { settled } = this.#held
      await inTime(Promise.race([settled, interrupted]), undefined, { delayMs: HELD_MS })
      signal.removeEventListener('abort', interrupt)
      end = this.decode(batch, from)
      if (this.#held?.settled === settled) break
    }
    return end
  }

  /** Why the record after the window cannot be read yet; undefined if the window ends for another reason. */
  get held(): Held | undefined {
    return this.#held
  }

  /** All records are handled. */
  clear(): void {
    truncateColumns(this.columns, 0)
  }

  /** The first row of a record's updates; TOMBSTONE or REFUSED if it has none. */
  firstRow(record: number): number {
    return this.#firstRows[record - this.#from] as number
  }

  /** The row after the last of a record's updates. */
  endRow(record: number): number {
    let next = record - this.#from + 1
    while ((this.#firstRows[next] as number) < 0) next++
    return this.#firstRows[next] as number
  }

  /** Whether the first record that has updates has no key. Heartbeats and refused records say nothing of where pairs arrive. */
  isKeyless(batch: Batch, end: number): boolean {
    let record = this.#from
    while (record < end && (this.firstRow(record) < 0 || this.endRow(record) === 0)) record++
    return record < end && batch.key(record) === undefined
  }

  /** The refusal of a record that is REFUSED. */
  refusal(record: number): Refused {
    return this.#refusals.get(record) as Refused
  }

  /** Undefined for most records. */
  notes(record: number): RecordNotes | undefined {
    return this.#notes.size === 0 ? undefined : this.#notes.get(record)
  }

  /** The newest event time of a record's updates; -Infinity if it has none. */
  newestMs(record: number): number {
    let newest = Number.NEGATIVE_INFINITY
    const times = this.columns.eventTimesMs
    for (let row = this.firstRow(record), end = this.endRow(record); row < end; row++)
      if ((times[row] as number) > newest) newest = times[row] as number
    return newest
  }

  #decodeRecord(batch: Batch, record: number): number {
    if (this.#format !== undefined) return this.#decodeForeign(this.#format, batch, record)
    const value = batch.value(record)
    if (value === undefined) return this.#decodeTombstone(batch, record)
    const firstRow = this.columns.count
    const against = decodePrices(value, this.columns, this.#ids)
    if (this.columns.leftOut + this.columns.rounded > 0) this.#note(record)
    return against === undefined ? firstRow : this.#refuse(record, namedByHeaders(against, batch.headers(record)))
  }

  #decodeTombstone(batch: Batch, record: number): number {
    const named = tombstonePair(batch.key(record))
    if ('ok' in named) return this.#refuse(record, named)
    this.#notes.set(record, { ...NO_NOTES, deleted: [named] })
    return TOMBSTONE
  }

  #decodeForeign(format: Format, batch: Batch, record: number): number {
    const value = batch.value(record)
    const row = this.columns.count
    const isFast = value !== undefined && (format.isFast?.(batch.headers(record)) ?? true)
    if (isFast && format.decodeFast?.(value, this.columns, this.#ids)) return row
    const { topic, partition } = batch
    const came: KafkaRecord = {
      ...{ topic, partition, offset: batch.offset(record), timestampMs: batch.timestampMs(record) },
      ...{ key: batch.key(record), value, headers: batch.headers(record) },
    }
    this.#held = format.held?.(came)
    if (this.#held !== undefined) return HELD
    const said = format.decode(came)
    if (!said.ok) return this.#refuse(record, said)
    const { updates, deleted, skipped, rounded } = said
    if (skipped + rounded + deleted.length > 0) this.#notes.set(record, { ...NO_NOTES, skipped, rounded, deleted })
    if (deleted.length > 0) return TOMBSTONE
    const firstRow = this.columns.count
    const against = appendUpdates(updates, this.columns, this.#ids)
    if (this.columns.leftOut > 0) this.#note(record)
    return against === undefined ? firstRow : this.#refuse(record, against)
  }

  /** Takes over what the columns have counted in the record. */
  #note(record: number): void {
    const { columns } = this
    const { rounded, ...others } = this.#notes.get(record) ?? NO_NOTES
    this.#notes.set(record, { ...others, rounded: rounded + columns.rounded, leftOut: columns.leftOut })
    columns.leftOut = 0
    columns.rounded = 0
  }

  #refuse(record: number, against: Refused): number {
    this.#refusals.set(record, against)
    return REFUSED
  }
}
