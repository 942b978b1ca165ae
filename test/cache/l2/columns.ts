import type { PriceColumns, PriceRecord } from '../../../src/cache/price-record.ts'
import { emptyRecord, priceColumns, setRecord, VERSIONS_PER_MS } from '../../../src/cache/price-record.ts'

export interface Row extends Partial<PriceRecord> {
  readonly pairId: number
  readonly version: number
}

/** A record whose event time goes with its version, as the node makes them. */
export function record(fields: Partial<PriceRecord> & { readonly version: number }): PriceRecord {
  return {
    ...emptyRecord(),
    price: fields.version,
    eventTimeMs: Math.floor(fields.version / VERSIONS_PER_MS),
    ...fields,
  }
}

export function columnsOf(rows: readonly Row[]): PriceColumns {
  const columns = priceColumns(Math.max(1, rows.length))
  for (const { pairId, ...fields } of rows) {
    const row = columns.count++
    columns.pairIds[row] = pairId
    setRecord(columns, row, record(fields))
  }
  return columns
}
