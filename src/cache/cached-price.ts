import { isObject } from '../../schemas/json-value.ts'
import { type Extra, NUMBER_COUNT } from '../../schemas/price-update.ts'
import { FOLLOWS, NEVER, UNKNOWN_SOURCE } from './sources/sources.ts'
import type { StoredJson } from './values/stored-json.ts'

/**
 * A price as the caches hold it. Reads fill one that the caller owns, so that a hit allocates nothing. Absent numbers are NaN.
 * A value of any kind has no numbers, and its JSON.
 */
export interface CachedPrice {
  /** Orders the values of a pair: event time in ms × 4,096 + the place among the pair's updates of that millisecond. */
  version: number
  eventTimeMs: number
  price: number
  bid: number
  ask: number
  reserve0: number
  reserve1: number
  liquidity: number
  /** What belongs to the value beside the numbers. L1 in shared memory has numbers alone. */
  json: StoredJson | undefined
  /** The partition that its updates come from: a number of Sources. */
  source: number
  /** The value was the newest at this moment (sources/sources.ts); FOLLOWS if it is so as of its source's moment. */
  asOfMs: number
  /** The epoch of Sources in which the source and the moment were decided; Infinity: just now. */
  epoch: number
}

export function emptyPrice(): CachedPrice {
  return {
    version: 0,
    eventTimeMs: 0,
    price: Number.NaN,
    bid: Number.NaN,
    ask: Number.NaN,
    reserve0: Number.NaN,
    reserve1: Number.NaN,
    liquidity: Number.NaN,
    json: undefined,
    source: UNKNOWN_SOURCE,
    asOfMs: NEVER,
    epoch: Number.POSITIVE_INFINITY,
  }
}

/** What an update had beside its numbers, if the caches keep it. */
export function extraOf({ json }: Readonly<CachedPrice>): Extra | undefined {
  const value = json?.value
  return isObject(value) ? (value as Extra) : undefined
}

/** Writes the numbers in the order of NUMBER_FIELDS, from `base` on. */
export function writeNumbers(from: Readonly<CachedPrice>, into: Float64Array, base: number): void {
  into[base] = from.price
  into[base + 1] = from.bid
  into[base + 2] = from.ask
  into[base + 3] = from.reserve0
  into[base + 4] = from.reserve1
  into[base + 5] = from.liquidity
}

/** The reverse of `writeNumbers`; fills `into` and returns it. */
export function readNumbers(into: CachedPrice, from: Float64Array, base: number): CachedPrice {
  into.price = from[base] as number
  into.bid = from[base + 1] as number
  into.ask = from[base + 2] as number
  into.reserve0 = from[base + 3] as number
  into.reserve1 = from[base + 4] as number
  into.liquidity = from[base + 5] as number
  return into
}

/** Sets the number that stands at `field` in NUMBER_FIELDS. */
export function setNumber(into: CachedPrice, field: number, value: number): void {
  if (field === 0) into.price = value
  else if (field === 1) into.bid = value
  else if (field === 2) into.ask = value
  else if (field === 3) into.reserve0 = value
  else if (field === 4) into.reserve1 = value
  else into.liquidity = value
}

export const VERSIONS_PER_MS = 4096

/**
 * The version after `floor` for an update of this event time, at `place` of its millisecond or later. -1: `floor` has a
 * later event time; -2: the millisecond has no place left.
 */
export function versionAfter(floor: number, eventTimeMs: number, place = 0): number {
  const first = eventTimeMs * VERSIONS_PER_MS
  if (floor >= first + VERSIONS_PER_MS) return -1
  const version = Math.max(floor + 1, first + place)
  return version < first + VERSIONS_PER_MS ? version : -2
}

/** In milliseconds. */
export function eventTimeOf(version: number): number {
  return Math.floor(version / VERSIONS_PER_MS)
}

/** Versions stay exact in a double until the event time reaches 2⁵³ ÷ 4,096 ms, the year 2039. */
export const MAX_VERSION = Number.MAX_SAFE_INTEGER

/** Many prices side by side, as they are written to L2. A row without a price and JSON is a tombstone. `numbers` holds NUMBER_COUNT for each row, in the order of NUMBER_FIELDS. */
export interface PriceColumns {
  readonly capacity: number
  count: number
  readonly pairIds: Int32Array
  readonly versions: Float64Array
  readonly eventTimesMs: Float64Array
  readonly numbers: Float64Array
  /** The code of each row's source (sources/sources.ts); 0 for the unknown one. */
  readonly sourceCodes: Uint32Array
  /** The epoch of Sources in which each row was the newest value; 0 if it is not known to have been. */
  readonly epochs: Float64Array
  /** Empty as long as no row has JSON. */
  readonly jsons: (StoredJson | undefined)[]
  /** The bytes of the JSON of all rows. */
  jsonBytes: number
}

export function priceColumns(capacity: number): PriceColumns {
  return {
    capacity,
    count: 0,
    pairIds: new Int32Array(capacity),
    versions: new Float64Array(capacity),
    eventTimesMs: new Float64Array(capacity),
    numbers: new Float64Array(capacity * NUMBER_COUNT),
    sourceCodes: new Uint32Array(capacity),
    epochs: new Float64Array(capacity),
    jsons: [],
    jsonBytes: 0,
  }
}

export function setJson(columns: PriceColumns, row: number, json: StoredJson | undefined): void {
  const { jsons } = columns
  if (json === undefined && row >= jsons.length) return
  columns.jsonBytes += (json?.bytes ?? 0) - (jsons[row]?.bytes ?? 0)
  jsons[row] = json
}

/** Drops the rows from `count` on. */
export function shorten(columns: PriceColumns, count: number): void {
  for (let row = count; row < columns.jsons.length; row++) columns.jsonBytes -= columns.jsons[row]?.bytes ?? 0
  if (columns.jsons.length > count) columns.jsons.length = count
  columns.count = count
}

/** The pair is deleted up to the row's version. */
export function isTombstone(columns: PriceColumns, row: number): boolean {
  return Number.isNaN(columns.numbers[row * NUMBER_COUNT]) && columns.jsons[row] === undefined
}

/** Whether a row is the pair's. */
export function hasPair({ pairIds, count }: Pick<PriceColumns, 'pairIds' | 'count'>, pairId: number): boolean {
  if (count === 0) return false
  const at = pairIds.indexOf(pairId)
  return at >= 0 && at < count
}

/** Fills `into`, but for the source, its moment and the epoch, and returns it. */
export function priceOfRow(columns: PriceColumns, row: number, into = emptyPrice()): CachedPrice {
  into.version = columns.versions[row] as number
  into.eventTimeMs = columns.eventTimesMs[row] as number
  into.json = columns.jsons[row]
  return readNumbers(into, columns.numbers, row * NUMBER_COUNT)
}

export function setRow(columns: PriceColumns, row: number, price: Readonly<CachedPrice>, sourceCode = 0): void {
  columns.sourceCodes[row] = sourceCode
  columns.epochs[row] = price.asOfMs === FOLLOWS && Number.isFinite(price.epoch) ? price.epoch : 0
  columns.versions[row] = price.version
  columns.eventTimesMs[row] = price.eventTimeMs
  setJson(columns, row, price.json)
  writeNumbers(price, columns.numbers, row * NUMBER_COUNT)
}

/** Puts a row in the place of another. */
export function moveRow(columns: PriceColumns, from: number, to: number, into = columns): void {
  into.pairIds[to] = columns.pairIds[from] as number
  into.versions[to] = columns.versions[from] as number
  into.eventTimesMs[to] = columns.eventTimesMs[from] as number
  into.sourceCodes[to] = columns.sourceCodes[from] as number
  into.epochs[to] = columns.epochs[from] as number
  setJson(into, to, columns.jsons[from])
  for (let f = 0; f < NUMBER_COUNT; f++)
    into.numbers[to * NUMBER_COUNT + f] = columns.numbers[from * NUMBER_COUNT + f] as number
}

/** Appends rows `rows.from` (inclusive) to `rows.to` (exclusive), without their JSON, to `into`, which has room for them. */
export function appendRows(
  into: PriceColumns,
  columns: PriceColumns,
  rows: { readonly from: number; readonly to: number },
): void {
  const { from, to } = rows
  into.pairIds.set(columns.pairIds.subarray(from, to), into.count)
  into.versions.set(columns.versions.subarray(from, to), into.count)
  into.epochs.set(columns.epochs.subarray(from, to), into.count)
  into.eventTimesMs.set(columns.eventTimesMs.subarray(from, to), into.count)
  into.sourceCodes.set(columns.sourceCodes.subarray(from, to), into.count)
  into.numbers.set(columns.numbers.subarray(from * NUMBER_COUNT, to * NUMBER_COUNT), into.count * NUMBER_COUNT)
  into.count += to - from
}
