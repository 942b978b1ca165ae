import { NUMBER_COUNT, NUMBER_FIELDS } from '../../../schemas/price-update.ts'
import type { PriceColumns, PriceRecord } from '../../../src/cache/price-record.ts'
import { emptyRecord, priceColumns, VERSIONS_PER_MS } from '../../../src/cache/price-record.ts'

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
    const full = record(fields)
    columns.pairIds[row] = pairId
    columns.versions[row] = full.version
    columns.eventTimesMs[row] = full.eventTimeMs
    for (const [at, field] of NUMBER_FIELDS.entries()) columns.numbers[row * NUMBER_COUNT + at] = full[field]
  }
  return columns
}
