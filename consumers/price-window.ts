import { decodePrices } from '../schemas/price-record.ts'
import { type Refused, refused } from '../schemas/refusal.ts'
import { type PairIds, truncateColumns, type UpdateColumns, updateColumns } from '../schemas/update-columns.ts'
import type { Batch } from '../src/broker/port.ts'
import { WINDOW_UPDATES } from '../src/warming/look-ahead.ts'

/** In place of a first row: the record has none. */
export const TOMBSTONE = -1
export const REFUSED = -2

const NO_BYTES = refused('empty', 'the value has no bytes')

/** Records of a batch that are decoded, and not yet handled: their updates side by side. Reused from window to window. */
export class PriceWindow {
  readonly columns: UpdateColumns = updateColumns(WINDOW_UPDATES * 2)
  readonly #ids: PairIds
  /** Index in the batch of the first record. */
  #from = 0
  /** First row of each record, TOMBSTONE or REFUSED; then the row after the last. */
  readonly #firstRows: number[] = []
  readonly #refusals = new Map<number, Refused>()

  constructor(ids: PairIds) {
    this.#ids = ids
  }

  /** Decodes a window of records from index `from` on; the index after its last. Throws what the record there throws. */
  decode(batch: Batch, from: number): number {
    this.#from = from
    truncateColumns(this.columns, 0)
    this.#firstRows.length = 0
    this.#refusals.clear()
    let record = from
    for (; record < batch.count && this.columns.count < WINDOW_UPDATES; record++) {
      const rows = this.columns.count
      try {
        this.#firstRows.push(this.#decodeRecord(batch, record))
      } catch (error) {
        if (record === from) throw error
        truncateColumns(this.columns, rows)
        break
      }
    }
    this.#firstRows.push(this.columns.count)
    return record
  }

  /** Of a record's updates; TOMBSTONE or REFUSED where it has none. */
  firstRow(record: number): number {
    return this.#firstRows[record - this.#from] as number
  }

  /** The row after the last of a record's updates. */
  endRow(record: number): number {
    let next = record - this.#from + 1
    while ((this.#firstRows[next] as number) < 0) next++
    return this.#firstRows[next] as number
  }

  /** Of a record that is REFUSED. */
  refusal(record: number): Refused {
    return this.#refusals.get(record) as Refused
  }

  #decodeRecord(batch: Batch, record: number): number {
    const value = batch.value(record)
    if (value === undefined) return TOMBSTONE
    const firstRow = this.columns.count
    const against = value.length > 0 ? decodePrices(value, this.columns, this.#ids) : NO_BYTES
    if (against === undefined) return firstRow
    this.#refusals.set(record, against)
    return REFUSED
  }
}
