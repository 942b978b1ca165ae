import {
  appendRows,
  type CachedPrice,
  isTombstone,
  moveRow,
  type PriceColumns,
  priceColumns,
  priceOfRow,
  setJson,
  shorten,
} from '../cached-price.ts'

/** Stands in place of the version of a row that must not be written. */
const FORGOTTEN = 0
const NONE = -1

/** Rows that wait for L2, or are being written: one a pair. */
export class WaitingRows {
  columns: PriceColumns
  /** The row + 1 of each pair. */
  readonly #rows: Int32Array

  constructor(capacity: number, maxPairs: number) {
    this.columns = priceColumns(capacity)
    this.#rows = new Int32Array(maxPairs)
  }

  has(pairId: number): boolean {
    return this.#rows[pairId] !== 0
  }

  /** -1 if the pair has none. */
  rowOf(pairId: number): number {
    return (this.#rows[pairId] as number) - 1
  }

  /** Gives a row to a pair that has none; -1 if all are taken. */
  add(pairId: number): number {
    const { columns } = this
    if (columns.count >= columns.capacity) return NONE
    const row = columns.count++
    this.#rows[pairId] = row + 1
    columns.pairIds[row] = pairId
    return row
  }

  /** Fills `into` with the value that waits for a pair; false if it has none, or is deleted. */
  read(pairId: number, into: CachedPrice): boolean {
    const row = this.rowOf(pairId)
    if (row < 0 || !this.isWritten(row) || isTombstone(this.columns, row)) return false
    priceOfRow(this.columns, row, into)
    return true
  }

  /** Whether the row is to be written. */
  isWritten(row: number): boolean {
    return this.columns.versions[row] !== FORGOTTEN
  }

  /** The value of the pair is not written any more. The pair keeps its row. */
  forget(pairId: number): void {
    const row = this.rowOf(pairId)
    if (row < 0) return
    this.columns.versions[row] = FORGOTTEN
    setJson(this.columns, row, undefined)
  }

  /** The pair has no row any more. */
  release(pairId: number): void {
    this.#rows[pairId] = 0
  }

  /** Drops the rows that must not be written. */
  dropForgotten(): void {
    const { columns } = this
    let kept = 0
    for (let row = 0; row < columns.count; row++) {
      if (!this.isWritten(row)) continue
      if (kept !== row) {
        moveRow(columns, row, kept)
        this.#rows[columns.pairIds[kept] as number] = kept + 1
      }
      kept++
    }
    shorten(columns, kept)
  }

  /** Makes room for so many rows. */
  grow(capacity: number): void {
    const { columns } = this
    this.columns = priceColumns(capacity)
    appendRows(this.columns, columns, { from: 0, to: columns.count })
    for (const [row, json] of columns.jsons.entries()) setJson(this.columns, row, json)
  }

  /** Drops all rows, and the room beyond that for so many. */
  clear(capacity: number): void {
    const { columns } = this
    for (let row = 0; row < columns.count; row++) this.release(columns.pairIds[row] as number)
    if (columns.capacity > capacity) this.columns = priceColumns(capacity)
    else shorten(columns, 0)
  }
}
