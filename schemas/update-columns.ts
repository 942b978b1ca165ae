import { enlarged } from '../src/enlarged.ts'
import { NUMBER_COUNT, NUMBER_FIELDS, type PriceUpdate } from './price-update.ts'

/**
 * Decoded updates of one record side by side, reused from record to record: the hot path never builds an object an
 * update. Names are already pair ids. Absent numbers and sequences are NaN.
 */
export interface UpdateColumns {
  count: number
  pairIds: Int32Array<ArrayBuffer>
  eventTimesMs: Float64Array<ArrayBuffer>
  sequences: Float64Array<ArrayBuffer>
  /** NUMBER_COUNT a row, in the order of NUMBER_FIELDS. */
  numbers: Float64Array<ArrayBuffer>
  /** Sparse: only feeds that send groups pay for them. */
  groups: (string | undefined)[]
}

export function updateColumns(capacity = 128): UpdateColumns {
  return {
    count: 0,
    pairIds: new Int32Array(capacity),
    eventTimesMs: new Float64Array(capacity),
    sequences: new Float64Array(capacity),
    numbers: new Float64Array(capacity * NUMBER_COUNT),
    groups: [],
  }
}

/** Takes back the rows from `count` on, as if they had never been appended. */
export function truncateColumns(columns: UpdateColumns, count: number): void {
  columns.count = count
  // Groups are sparse: a row that has none doesn't overwrite what stood there.
  if (columns.groups.length > count) columns.groups.length = count
}

/** Room for one more row; a record's size bounds how far this grows. */
export function reserveRow(columns: UpdateColumns): void {
  if (columns.count < columns.pairIds.length) return
  const larger = updateColumns(columns.pairIds.length * 2)
  columns.pairIds = enlarged(columns.pairIds, larger.pairIds)
  columns.eventTimesMs = enlarged(columns.eventTimesMs, larger.eventTimesMs)
  columns.sequences = enlarged(columns.sequences, larger.sequences)
  columns.numbers = enlarged(columns.numbers, larger.numbers)
}

/** Names to ids, from strings or from where their bytes lie in a view. Negative: no id (the table is full). */
export interface PairIds {
  chainId(chain: string): number
  chainIdOfBytes(source: DataView, start: number, end: number): number
  register(chain: string, pair: string): number
  registerBytes(chainId: number, source: DataView, start: number, end: number): number
}

/** A row as the object that detectors get. */
export function updateAt(
  { eventTimesMs, numbers, sequences, groups }: UpdateColumns,
  row: number,
  names: { readonly pair: string; readonly chain: string },
): PriceUpdate {
  const base = row * NUMBER_COUNT
  const update: { -readonly [K in keyof PriceUpdate]: PriceUpdate[K] } = {
    ...names,
    price: numbers[base] as number,
    eventTimeMs: eventTimesMs[row] as number,
  }
  for (let f = 1; f < NUMBER_COUNT; f++) {
    const value = numbers[base + f] as number
    if (!Number.isNaN(value)) update[NUMBER_FIELDS[f] ?? 'price'] = value
  }
  if (!Number.isNaN(sequences[row] as number)) update.sequence = sequences[row] as number
  if (groups[row] !== undefined) update.group = groups[row]
  return update
}
