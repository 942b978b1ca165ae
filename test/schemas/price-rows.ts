import { NUMBER_COUNT, NUMBER_FIELDS, type PriceUpdate } from '../../schemas/price-update.ts'
import { type PairIds, reserveRow, type UpdateColumns, updateColumns } from '../../schemas/update-columns.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'

export const T0 = 1_783_715_268_000

export function updateOf(fields: Partial<PriceUpdate> = {}): PriceUpdate {
  return { pair: 'WETH/USDC', chain: 'ethereum', price: 3000, eventTimeMs: T0, ...fields }
}

/** What a decoder says of one record, and its rows, with names in place of ids and bits in place of numbers. */
export interface Outcome {
  readonly reason: string | undefined
  readonly rows: readonly string[]
}

export interface RowsTable extends PairIds {
  chainOf(pairId: number): number
  chainName(chainId: number): string
  pairName(pairId: number): string
}

export function rowsOf(columns: UpdateColumns, table: RowsTable, from = 0): string[] {
  const rows: string[] = []
  for (let row = from; row < columns.count; row++) {
    const pairId = columns.pairIds[row] as number
    rows.push(
      [
        table.chainName(table.chainOf(pairId)),
        table.pairName(pairId),
        columns.groups[row] ?? 'no group',
        bitsOf(columns.eventTimesMs, row),
        bitsOf(columns.sequences, row),
        ...NUMBER_FIELDS.map((_, field) => bitsOf(columns.numbers, row * NUMBER_COUNT + field)),
      ].join(' '),
    )
  }
  return rows
}

/** Decodes into columns that hold a row already, and fails if that row has changed. */
export function outcomeOf(
  decode: (columns: UpdateColumns, ids: PairIds) => { readonly reason: string } | undefined,
  table = new PairTable({ maxPairs: 1000 }),
): Outcome {
  const columns = updateColumns(2)
  appendMarker(columns, table)
  const before = rowsOf(columns, table)
  const against = decode(columns, table)
  const [marker, ...rows] = rowsOf(columns, table)
  if (marker !== before[0]) throw new Error(`the row before the record was ${before[0]} and is ${marker}`)
  if (columns.rounded > 0) rows.push(`rounded: ${columns.rounded}`)
  return { reason: against?.reason, rows }
}

function appendMarker(columns: UpdateColumns, table: RowsTable): void {
  reserveRow(columns)
  columns.pairIds[0] = table.register('before', 'the record')
  columns.eventTimesMs[0] = 1
  columns.sequences[0] = 2
  for (let field = 0; field < NUMBER_COUNT; field++) columns.numbers[field] = field + 3
  columns.groups[0] = 'kept'
  columns.count = 1
}

/** The bits of a number, which tell 0 from −0 and one NaN from another. */
function bitsOf(numbers: Float64Array, at: number): string {
  const value = numbers[at] as number
  if (Number.isNaN(value)) return 'absent'
  return Object.is(value, -0) ? '-0' : String(value)
}

/** A pair table that notes which reading asked: the fast one asks by bytes, the exact one by strings. */
export class WatchedIds implements RowsTable {
  readonly #table = new PairTable({ maxPairs: 100_000 })
  byString = 0

  chainId(chain: string): number {
    return this.#table.chainId(chain)
  }

  chainIdOfBytes(source: DataView, start: number, end: number): number {
    return this.#table.chainIdOfBytes(source, start, end)
  }

  register(chain: string, pair: string): number {
    this.byString++
    return this.#table.register(chain, pair)
  }

  registerBytes(chainId: number, source: DataView, start: number, end: number): number {
    return this.#table.registerBytes(chainId, source, start, end)
  }

  chainOf(pairId: number): number {
    return this.#table.chainOf(pairId)
  }

  chainName(chainId: number): string {
    return this.#table.chainName(chainId)
  }

  pairName(pairId: number): string {
    return this.#table.pairName(pairId)
  }
}
