import { enlarged } from './enlarged.ts'
import { type Extra, NUMBER_COUNT, NUMBER_FIELDS, type PriceUpdate } from './price-update.ts'
import { type Refused, refused } from './refusal.ts'

/**
 * Decoded updates side by side. They are reused, so that the hot path builds no object for an update. Names are pair
 * ids already. An absent number or sequence is NaN.
 */
export interface UpdateColumns {
  count: number
  pairIds: Int32Array<ArrayBuffer>
  eventTimesMs: Float64Array<ArrayBuffer>
  sequences: Float64Array<ArrayBuffer>
  /** NUMBER_COUNT numbers for each row, in the order of NUMBER_FIELDS. */
  numbers: Float64Array<ArrayBuffer>
  /** How many of the updates that were decoded had a number of more digits than a double holds. The owner sets it back. */
  rounded: number
  /** Sparse, so that only feeds with groups pay for them. */
  groups: (string | undefined)[]
  /** Sparse, too. */
  extras: (Extra | undefined)[]
  /** Updates that were read and got no row, because the table of names has no room for their pairs. */
  leftOut: number
}

export function updateColumns(capacity = 128): UpdateColumns {
  return {
    count: 0,
    pairIds: new Int32Array(capacity),
    eventTimesMs: new Float64Array(capacity),
    sequences: new Float64Array(capacity),
    numbers: new Float64Array(capacity * NUMBER_COUNT),
    rounded: 0,
    groups: [],
    extras: [],
    leftOut: 0,
  }
}

/** What `register` answers when the table has no room for the chain. */
export const NO_ROOM_FOR_CHAIN = -3

/** Why no update of a record has an id. */
export function noRoom(id: number, name: string): Refused {
  return id === NO_ROOM_FOR_CHAIN
    ? refused('too-many-chains', `no room for the chain of ${name}: a node knows 65,536 chains at most`)
    : refused('too-many-pairs', `no room for ${name}: all MAX_PAIRS are taken`)
}

/** Takes back the rows from `count` on. */
export function truncateColumns(columns: UpdateColumns, count: number): void {
  columns.count = count
  // Groups are sparse: a row without one would not overwrite an old one.
  if (columns.groups.length > count) columns.groups.length = count
  if (columns.extras.length > count) columns.extras.length = count
}

/** Makes room for one more row. The size of a record bounds the growth. */
export function reserveRow(columns: UpdateColumns): void {
  if (columns.count < columns.pairIds.length) return
  const larger = updateColumns(columns.pairIds.length * 2)
  columns.pairIds = enlarged(columns.pairIds, larger.pairIds)
  columns.eventTimesMs = enlarged(columns.eventTimesMs, larger.eventTimesMs)
  columns.sequences = enlarged(columns.sequences, larger.sequences)
  columns.numbers = enlarged(columns.numbers, larger.numbers)
}

/** Gives ids to names, from strings or from bytes in a view. A negative id means that there is no room. */
export interface PairIds {
  chainId(chain: string): number
  chainIdOfBytes(source: DataView, start: number, end: number): number
  register(chain: string, pair: string): number
  registerBytes(chainId: number, source: DataView, start: number, end: number): number
}

/** Appends the updates whose pairs have an id. Refuses if none has one. */
export function appendUpdates(
  updates: readonly PriceUpdate[],
  columns: UpdateColumns,
  ids: PairIds,
): Refused | undefined {
  const rows = columns.count
  let against: Refused | undefined
  for (const update of updates) {
    const pairId = ids.register(update.chain, update.pair)
    if (pairId < 0) {
      against ??= noRoom(pairId, `${update.chain} ${update.pair}`)
      columns.leftOut++
      continue
    }
    reserveRow(columns)
    const row = columns.count++
    columns.pairIds[row] = pairId
    columns.eventTimesMs[row] = update.eventTimeMs
    columns.sequences[row] = update.sequence ?? Number.NaN
    for (let f = 0; f < NUMBER_COUNT; f++)
      columns.numbers[row * NUMBER_COUNT + f] = update[NUMBER_FIELDS[f] ?? 'price'] ?? Number.NaN
    if (update.group !== undefined) columns.groups[row] = update.group
    if (update.extra !== undefined) columns.extras[row] = update.extra
  }
  if (columns.count > rows || against === undefined) return undefined
  columns.leftOut -= updates.length
  return against
}

/** Makes the object that detectors get from a row. */
export function updateAt(
  { eventTimesMs, numbers, sequences, groups, extras }: UpdateColumns,
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
  if (extras.length > row && extras[row] !== undefined) update.extra = extras[row]
  return update
}
