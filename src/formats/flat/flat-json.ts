import { isAt, type Words } from '../../../schemas/json/json-fields.ts'
import { DECIMALS_READ, NUMBER_READ, NUMBER_ROUNDED, readNumber } from '../../../schemas/json/json-number.ts'
import { aroundOf } from '../../../schemas/record-bytes.ts'
import type { PairIds, UpdateColumns } from '../../../schemas/update-columns.ts'
import { type FlatFields, NAME, NUMBER } from './fields.ts'
import { FlatRow } from './flat-row.ts'
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
  readonly #row: FlatRow
  readonly #orders: Order[] = []
  #misses = LEARN_EVERY

  constructor(fields: FlatFields, isZeroAbsent: boolean) {
    this.#fields = fields
    this.#row = new FlatRow(fields, isZeroAbsent)
  }

  /** Appends a row for the record. False is no verdict, and appends none. */
  decode(record: Buffer, columns: UpdateColumns, ids: PairIds): boolean {
    const { view, bytes } = aroundOf(record)
    const start = record.byteOffset
    const end = start + record.length
    for (let o = 0; o < this.#orders.length; o++)
      if (this.#read(this.#orders[o] as Order, view, start, end))
        return NUMBER_ROUNDED[0] === 0 && this.#row.take(view, bytes, { columns, ids })
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
    this.#row.clearAll()
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
      this.#row.values[place] = NUMBER_READ[0] as number
      this.#row.decimals[place] = DECIMALS_READ[0] as number
      return at
    }
    if (kind !== NAME) return valueEnd(view, from, end)
    if (from >= end || view.getUint8(from) !== 0x22) return -1
    const at = textEnd(view, from + 1, end)
    this.#row.starts[place] = from + 1
    this.#row.ends[place] = at - 1
    return at
  }
}

function isEnd(view: DataView, at: number, { end, endLength }: Order): boolean {
  return end === undefined ? endLength === 1 && view.getUint8(at) === 0x7d : isAt(view, at, end)
}
