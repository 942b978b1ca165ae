import { END_OF_EVENT_TIME_MS, MIN_EVENT_TIME_MS } from '../../../schemas/event-time.ts'
import { isAt, type Words } from '../../../schemas/json/json-fields.ts'
import { DECIMALS_READ, NUMBER_READ, NUMBER_ROUNDED, readNumber } from '../../../schemas/json/json-number.ts'
import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { aroundOf } from '../../../schemas/record-bytes.ts'
import { MAX_CHAIN_BYTES, MAX_PAIR_BYTES } from '../../../schemas/topics.ts'
import { type PairIds, reserveRow, type UpdateColumns } from '../../../schemas/update-columns.ts'
import { middle } from '../decimal.ts'
import { type FlatFields, NAME, NUMBER } from './fields.ts'
import { type Order, orderOf } from './order.ts'
import { textEnd, valueEnd } from './value-end.ts'

/** A feed writes its records in a few orders; each is learned once. */
const MOST_ORDERS = 4
/** After so many records that fit no order, one is learned anew. */
const LEARN_EVERY = 64

/**
 * Reads flat JSON objects into columns, by the order of members that records of the feed have had. Each name is compared
 * with the one that stood there before; no object and no text is made. It gives up without a verdict at anything else, and
 * the exact reading decides, so that the two cannot disagree on what is valid.
 */
export class FlatJson {
  readonly #fields: FlatFields
  readonly #isZeroAbsent: boolean
  readonly #orders: Order[] = []
  #misses = LEARN_EVERY
  readonly #values: Float64Array
  readonly #decimals: Int32Array
  readonly #starts: Int32Array
  readonly #ends: Int32Array

  constructor(fields: FlatFields, isZeroAbsent: boolean) {
    this.#fields = fields
    this.#isZeroAbsent = isZeroAbsent
    this.#values = new Float64Array(fields.places)
    this.#decimals = new Int32Array(fields.places)
    this.#starts = new Int32Array(fields.places)
    this.#ends = new Int32Array(fields.places)
  }

  /** Appends a row for the record. False is no verdict, and appends none. */
  decode(record: Buffer, columns: UpdateColumns, ids: PairIds): boolean {
    const { view, bytes } = aroundOf(record)
    const start = record.byteOffset
    const end = start + record.length
    for (let o = 0; o < this.#orders.length; o++)
      if (this.#read(this.#orders[o] as Order, view, start, end)) return this.#take(view, bytes, { columns, ids })
    return false
  }

  /** The exact reading has found an update in the record: the next ones may be written alike. */
  learn(record: Buffer): void {
    if (this.#misses++ < LEARN_EVERY) return
    this.#misses = 0
    const order = orderOf(record, this.#fields)
    if (order === undefined) return
    this.#orders.unshift(order)
    if (this.#orders.length > MOST_ORDERS) this.#orders.pop()
  }

  #read(order: Order, view: DataView, start: number, end: number): boolean {
    this.#values.fill(Number.NaN)
    this.#ends.fill(0)
    NUMBER_ROUNDED[0] = 0
    const { prefixes, kinds, places } = order
    let at = start
    for (let member = 0; member < prefixes.length; member++) {
      const prefix = prefixes[member] as Words
      if (at + prefix.length > end || !isAt(view, at, prefix)) return false
      at = this.#value(view, at + prefix.length, end, kinds[member] as number, places[member] as number)
      if (at < 0) return false
    }
    return at + order.endLength === end && isEnd(view, at, order)
  }

  /** Returns the position after the value, or -1. */
  #value(view: DataView, from: number, end: number, kind: number, place: number): number {
    if (kind === NUMBER) {
      const at = readNumber(view, from, end)
      this.#values[place] = NUMBER_READ[0] as number
      this.#decimals[place] = DECIMALS_READ[0] as number
      return at
    }
    if (kind !== NAME) return valueEnd(view, from, end)
    if (from >= end || view.getUint8(from) !== 0x22) return -1
    const at = textEnd(view, from + 1, end)
    this.#starts[place] = from + 1
    this.#ends[place] = at - 1
    return at
  }

  /** Makes a row of what was read, if it passes the checks of all updates. */
  #take(
    view: DataView,
    bytes: Buffer,
    { columns, ids }: { readonly columns: UpdateColumns; readonly ids: PairIds },
  ): boolean {
    const { numbers, mid, sequence, time, group, timeFactor, timeDivisor } = this.#fields
    const values = this.#values
    const units = values[time] as number
    const eventTimeMs = timeDivisor === 1 ? units * timeFactor : Math.floor(units / timeDivisor)
    const isTime = eventTimeMs >= MIN_EVENT_TIME_MS && eventTimeMs < END_OF_EVENT_TIME_MS && Number.isInteger(units)
    const price = mid === undefined ? this.#number(numbers[0] as number) : this.#middle(mid)
    if (!isTime || Number.isNaN(price) || NUMBER_ROUNDED[0] !== 0) return false
    if (sequence >= 0 && (values[sequence] as number) > Number.MAX_SAFE_INTEGER) return false
    const pairId = this.#pairId(view, ids)
    if (pairId < 0) return false
    reserveRow(columns)
    const row = columns.count++
    const base = row * NUMBER_COUNT
    columns.numbers[base] = price
    for (let f = 1; f < NUMBER_COUNT; f++) columns.numbers[base + f] = this.#number(numbers[f] as number)
    columns.pairIds[row] = pairId
    columns.eventTimesMs[row] = eventTimeMs
    columns.sequences[row] = sequence < 0 ? Number.NaN : (values[sequence] as number)
    if (group !== undefined && (this.#ends[group] as number) > 0)
      columns.groups[row] = bytes.toString('latin1', this.#starts[group], this.#ends[group])
    return true
  }

  #number(place: number): number {
    const value = place < 0 ? Number.NaN : (this.#values[place] as number)
    return value === 0 && this.#isZeroAbsent ? Number.NaN : value
  }

  #middle([bid, ask]: readonly [number, number]): number {
    const decimals = Math.max(this.#decimals[bid] as number, this.#decimals[ask] as number)
    const isExact = (this.#decimals[bid] as number) >= 0 && (this.#decimals[ask] as number) >= 0
    const price = middle(this.#values[bid] as number, this.#values[ask] as number, decimals)
    return isExact && !(price === 0 && this.#isZeroAbsent) ? price : Number.NaN
  }

  /** The id of the pair; below 0 if it has none, or its names are left to the exact reading. */
  #pairId(view: DataView, ids: PairIds): number {
    const { pair, chain } = this.#fields
    if (typeof pair === 'string') return typeof chain === 'string' ? ids.register(chain, pair) : -1
    const pairStart = this.#starts[pair] as number
    const pairEnd = this.#ends[pair] as number
    if (pairEnd <= pairStart || pairEnd - pairStart > MAX_PAIR_BYTES) return -1
    const chainId = typeof chain === 'string' ? ids.chainId(chain) : this.#chainId(chain, view, ids)
    return chainId < 0 ? -1 : ids.registerBytes(chainId, view, pairStart, pairEnd)
  }

  #chainId(place: number, view: DataView, ids: PairIds): number {
    const start = this.#starts[place] as number
    const end = this.#ends[place] as number
    return end <= start || end - start > MAX_CHAIN_BYTES ? -1 : ids.chainIdOfBytes(view, start, end)
  }
}

function isEnd(view: DataView, at: number, { end, endLength }: Order): boolean {
  return end === undefined ? endLength === 1 && view.getUint8(at) === 0x7d : isAt(view, at, end)
}
