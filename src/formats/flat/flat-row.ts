import { END_OF_EVENT_TIME_MS, MIN_EVENT_TIME_MS } from '../../../schemas/event-time.ts'
import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { MAX_CHAIN_BYTES, MAX_PAIR_BYTES } from '../../../schemas/topics.ts'
import { type PairIds, reserveRow, type UpdateColumns } from '../../../schemas/update-columns.ts'
import { middle, middleOf } from '../decimal.ts'

/** The places of an update's fields among the values of a record. */
export interface RowFields {
  readonly places: number
  readonly pair: string | number
  readonly chain: string | number
  readonly group: number | undefined
  /** For each of NUMBER_FIELDS its place; -1: the mapping has none. */
  readonly numbers: Int32Array
  /** The places of the sides whose middle is the price; undefined if it has a place. */
  readonly mid: readonly [bid: number, ask: number] | undefined
  readonly sequence: number
  readonly time: number
  /** Milliseconds a unit of time, as a factor or a divisor of whole numbers. */
  readonly timeFactor: number
  readonly timeDivisor: number
}

export interface Columns {
  readonly columns: UpdateColumns
  readonly ids: PairIds
}

/** A double holds every decimal of so many digits. */
export const MOST_DIGITS = 15
const MOST_EXACT = 1e15
const POWERS_OF_TEN = Float64Array.from({ length: MOST_DIGITS + 1 }, (_, exponent) => Number(`1e${exponent}`))

/** Decimals of a number that is a double as it came. */
export const DOUBLE = -2

/** The values of one record, each in a place of its own, on their way to a row of the columns. */
export class FlatRow {
  readonly #fields: RowFields
  readonly #isZeroAbsent: boolean
  /** NaN: absent. */
  readonly values: Float64Array
  /** How many digits stand behind the point; -1: nobody knows. */
  readonly decimals: Int32Array
  /** The places of names in the bytes; an end of 0: absent. */
  readonly starts: Int32Array
  readonly ends: Int32Array

  constructor(fields: RowFields, isZeroAbsent: boolean) {
    this.#fields = fields
    this.#isZeroAbsent = isZeroAbsent
    this.values = new Float64Array(fields.places).fill(Number.NaN)
    this.decimals = new Int32Array(fields.places)
    this.starts = new Int32Array(fields.places)
    this.ends = new Int32Array(fields.places)
  }

  /** Nothing is in the place. */
  clear(place: number): void {
    this.values[place] = Number.NaN
    this.ends[place] = 0
  }

  clearAll(): void {
    // There are so few places that a call of `fill` takes longer.
    for (let place = 0; place < this.values.length; place++) this.clear(place)
  }

  /** Puts a double as it came. False, as from the other puts: the record is left to the exact reading. */
  putDouble(place: number, value: number): boolean {
    this.values[place] = value
    this.decimals[place] = DOUBLE
    return value >= 0 && value < Number.POSITIVE_INFINITY
  }

  /** Puts a whole number whose last digits stand behind the point. */
  putWhole(place: number, value: number, digits: number): boolean {
    this.values[place] = digits === 0 ? value : value / (POWERS_OF_TEN[digits] as number)
    this.decimals[place] = digits
    return value >= 0 && value <= (digits === 0 ? Number.MAX_SAFE_INTEGER : MOST_EXACT)
  }

  /** Puts a decimal without an exponent. */
  putText(place: number, bytes: Buffer, start: number, end: number): boolean {
    let value = 0
    let point = -1
    for (let at = start; at < end; at++) {
      const digit = (bytes[at] as number) - 0x30
      if (digit >= 0 && digit <= 9) value = value * 10 + digit
      else if (digit === -2 && point < 0 && at > start) point = at
      else return false
    }
    const isNumber = end > start && end - start <= MOST_DIGITS && point !== end - 1
    return isNumber && this.putWhole(place, value, point < 0 ? 0 : end - point - 1)
  }

  /** Puts a name of ASCII. */
  putName(place: number, view: DataView, start: number, end: number): boolean {
    this.starts[place] = start
    this.ends[place] = end
    return isAscii(view, start, end)
  }

  /** Appends a row of the values, if they pass the checks of all updates. False is no verdict. */
  take(view: DataView, bytes: Buffer, { columns, ids }: Columns): boolean {
    const { numbers, mid, sequence, time, group, timeFactor, timeDivisor } = this.#fields
    const { values } = this
    const units = values[time] as number
    const eventTimeMs = timeDivisor === 1 ? units * timeFactor : Math.floor(units / timeDivisor)
    const isTime = eventTimeMs >= MIN_EVENT_TIME_MS && eventTimeMs < END_OF_EVENT_TIME_MS && Number.isInteger(units)
    const price = mid === undefined ? this.#number(numbers[0] as number) : this.#middle(mid)
    if (!isTime || Number.isNaN(price)) return false
    if (sequence >= 0 && (values[sequence] as number) > Number.MAX_SAFE_INTEGER) return false
    const pairId = this.#pairId(view, ids)
    if (pairId < 0) return false
    reserveRow(columns)
    const row = columns.count++
    const base = row * NUMBER_COUNT
    const into = columns.numbers
    into[base] = price
    for (let f = 1; f < NUMBER_COUNT; f++) into[base + f] = this.#number(numbers[f] as number)
    columns.pairIds[row] = pairId
    columns.eventTimesMs[row] = eventTimeMs
    columns.sequences[row] = sequence < 0 ? Number.NaN : (values[sequence] as number)
    if (group !== undefined && (this.ends[group] as number) > (this.starts[group] as number))
      columns.groups[row] = bytes.toString('latin1', this.starts[group], this.ends[group])
    return true
  }

  #number(place: number): number {
    const value = place < 0 ? Number.NaN : (this.values[place] as number)
    return value === 0 && this.#isZeroAbsent ? Number.NaN : value
  }

  #middle([bid, ask]: readonly [number, number]): number {
    const [one, other] = [this.#number(bid), this.#number(ask)]
    const [few, many] = [this.decimals[bid] as number, this.decimals[ask] as number]
    const price =
      few === DOUBLE && many === DOUBLE
        ? (middleOf(one, other) ?? Number.NaN)
        : few < 0 || many < 0
          ? Number.NaN
          : middle(one, other, Math.max(few, many))
    return price === 0 && this.#isZeroAbsent ? Number.NaN : price
  }

  /** The id of the pair; below 0 if it has none, or its names are left to the exact reading. */
  #pairId(view: DataView, ids: PairIds): number {
    const { pair, chain } = this.#fields
    if (typeof pair === 'string') return typeof chain === 'string' ? ids.register(chain, pair) : -1
    const pairStart = this.starts[pair] as number
    const pairEnd = this.ends[pair] as number
    if (pairEnd <= pairStart || pairEnd - pairStart > MAX_PAIR_BYTES) return -1
    const chainId = typeof chain === 'string' ? ids.chainId(chain) : this.#chainId(chain, view, ids)
    return chainId < 0 ? -1 : ids.registerBytes(chainId, view, pairStart, pairEnd)
  }

  #chainId(place: number, view: DataView, ids: PairIds): number {
    const start = this.starts[place] as number
    const end = this.ends[place] as number
    return end <= start || end - start > MAX_CHAIN_BYTES ? -1 : ids.chainIdOfBytes(view, start, end)
  }
}

const HIGH_BITS = 0x80808080 | 0
const SPACES = 0x20202020

/** Whether the bytes are a text of ASCII without control characters. */
export function isAscii(view: DataView, start: number, end: number): boolean {
  if (end - start < 4) {
    for (let at = start; at < end; at++) if (!(view.getUint8(at) >= 0x20 && view.getUint8(at) < 0x80)) return false
    return true
  }
  let at = start
  for (; at + 4 < end; at += 4) if (!isPrintable(view.getInt32(at, true))) return false
  // The last four overlap those before.
  return isPrintable(view.getInt32(end - 4, true))
}

/** Subtracting a space from a lower byte borrows into its high bit. */
function isPrintable(word: number): boolean {
  return ((word | (word - SPACES)) & HIGH_BITS) === 0
}
