import type { CachedPrice, PriceColumns } from '../../../src/cache/cached-price.ts'
import { emptyPrice, priceColumns, setRow, VERSIONS_PER_MS } from '../../../src/cache/cached-price.ts'

export interface Row extends Partial<CachedPrice> {
  readonly pairId: number
  readonly version: number
  readonly sourceCode?: number
}

/** A price whose event time follows from its version, as in a node that no partition has come to yet. */
export function cachedPrice(fields: Partial<CachedPrice> & { readonly version: number }): CachedPrice {
  return {
    ...emptyPrice(),
    epoch: 0,
    price: fields.version,
    eventTimeMs: Math.floor(fields.version / VERSIONS_PER_MS),
    ...fields,
  }
}

export function columnsOf(rows: readonly Row[]): PriceColumns {
  const columns = priceColumns(Math.max(1, rows.length))
  for (const { pairId, sourceCode = 0, ...fields } of rows) {
    const row = columns.count++
    columns.pairIds[row] = pairId
    setRow(columns, row, cachedPrice(fields), sourceCode)
  }
  return columns
}
