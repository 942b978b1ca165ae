import { moveRow, type PriceColumns } from '../cached-price.ts'

/** Stands in place of the version of a row that must not be written. */
export const FORGOTTEN = 0

/** Drops the rows that must not be written. `rows` has the row + 1 of each pair. */
export function dropForgotten(columns: PriceColumns, rows: Int32Array): void {
  let kept = 0
  for (let row = 0; row < columns.count; row++) {
    if (columns.versions[row] === FORGOTTEN) continue
    if (kept !== row) {
      moveRow(columns, row, kept)
      rows[columns.pairIds[kept] as number] = kept + 1
    }
    kept++
  }
  columns.count = kept
}
