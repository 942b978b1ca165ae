import { NEXT, readLong } from '../../../schemas/avro/long.ts'
import { aroundOf } from '../../../schemas/record-bytes.ts'
import { type Columns, FlatRow } from '../flat/flat-row.ts'
import { Cursor } from './cursor.ts'
import { MOST_GUARDED, type RowPlan, STEP } from './row-plan.ts'

const NS_A_MS = 1_000_000
/** A number of nanoseconds is rounded by less, since it is below 2⁶³. */
const ROUNDED_NS = 1_024

/**
 * Reads values of one schema into columns by a plan: no object and no text is made. It gives up without a verdict at
 * anything that is not as usual, and the exact reading decides, so that the two cannot disagree on what is valid.
 */
export class RowReader {
  readonly #steps: Int32Array
  readonly #skips: RowPlan['skips']
  readonly #row: FlatRow
  readonly #cursor = new Cursor()

  constructor({ steps, skips, fields }: RowPlan, isZeroAbsent: boolean) {
    this.#steps = steps
    this.#skips = skips
    this.#row = new FlatRow(fields, isZeroAbsent)
  }

  /** Appends a row for the value from `start` on. False is no verdict, and appends none. */
  read(value: Buffer, start: number, into: Columns): boolean {
    const { bytes, view } = aroundOf(value)
    const from = value.byteOffset
    const end = from + value.length
    // What lies behind the value may be read, and is of no use: no step goes back.
    return this.#run(bytes, view, from + start, end) === end && this.#row.take(view, bytes, into)
  }

  /** Returns the position after the value; -1 if it is left to the exact reading. */
  #run(bytes: Buffer, view: DataView, from: number, end: number): number {
    const steps = this.#steps
    let at = from
    for (let step = 0; step < steps.length; step += 4) {
      if (at > end) return -1
      const kind = steps[step] as number
      if (kind === STEP.optional) {
        const branch = bytes[at++]
        if (branch === (steps[step + 1] as number) * 2) step = this.#absent(step)
        else if (branch !== 0 && branch !== 2) return -1
      } else if (kind < STEP.skipBytes) {
        at = kind <= STEP.skipOther ? this.#skip(step, bytes, at) : this.#number(step, bytes, view, at, end)
        if (at < 0) return -1
      } else {
        let length = bytes[at] as number
        if (length < 0x80 && (length & 1) === 0) {
          length >>= 1
          at++
        } else {
          length = readLong(bytes, at)
          at = NEXT[0] as number
        }
        if (!(length >= 0 && at + length <= end)) return -1
        if (kind !== STEP.skipBytes && !this.#sized(step, bytes, view, at, at + length)) return -1
        at += length
      }
    }
    return at
  }

  /** Nothing is in the places of the steps that are passed over. Returns the last of them. */
  #absent(from: number): number {
    const steps = this.#steps
    const end = steps[from + 2] as number
    for (let step = from + 4; step < end; step += 4)
      if (isPut(steps[step] as number)) this.#row.clear(steps[step + 1] as number)
    return end - 4
  }

  #skip(step: number, bytes: Buffer, at: number): number {
    const kind = this.#steps[step]
    const a = this.#steps[step + 1] as number
    if (kind === STEP.skipFixed) return at + a
    if (kind === STEP.skipLong) {
      readLong(bytes, at)
      return NEXT[0] as number
    }
    if (kind === STEP.guard) {
      const symbol = readLong(bytes, at)
      const isUsual = symbol >= 0 && symbol < (this.#steps[step + 2] as number)
      return isUsual && (symbol >= MOST_GUARDED || (a & (1 << symbol)) === 0) ? (NEXT[0] as number) : -1
    }
    this.#cursor.start(bytes, at)
    this.#skips[a]?.(this.#cursor)
    return this.#cursor.fault === undefined ? this.#cursor.at : -1
  }

  /** Puts a number of no length in its place. */
  #number(step: number, bytes: Buffer, view: DataView, at: number, end: number): number {
    const steps = this.#steps
    const place = steps[step + 1] as number
    switch (steps[step]) {
      case STEP.double:
        return at + 8 <= end && this.#row.putDouble(place, view.getFloat64(at, true)) ? at + 8 : -1
      case STEP.float:
        return at + 4 <= end && this.#row.putDouble(place, view.getFloat32(at, true)) ? at + 4 : -1
      case STEP.fixedDecimal: {
        const last = at + (steps[step + 3] as number)
        return last <= end && this.#decimal(step, bytes, at, last) ? last : -1
      }
      case STEP.nanos:
        return this.#putNanos(place, readLong(bytes, at)) ? (NEXT[0] as number) : -1
      default:
        return this.#row.putWhole(place, readLong(bytes, at), steps[step + 2] as number) ? (NEXT[0] as number) : -1
    }
  }

  /** Puts what has a length in its place. */
  #sized(step: number, bytes: Buffer, view: DataView, start: number, end: number): boolean {
    const kind = this.#steps[step]
    if (kind === STEP.decimal) return this.#decimal(step, bytes, start, end)
    const place = this.#steps[step + 1] as number
    if (kind === STEP.textNumber) return this.#row.putText(place, bytes, start, end)
    return this.#row.putName(place, view, start, end)
  }

  #putNanos(place: number, value: number): boolean {
    const rest = value % NS_A_MS
    this.#row.values[place] = Math.floor(value / NS_A_MS)
    return value >= 0 && rest >= ROUNDED_NS && rest <= NS_A_MS - ROUNDED_NS
  }

  /** Big-endian in two's complement: one that begins with a 1 is below 0. */
  #decimal(step: number, bytes: Buffer, start: number, end: number): boolean {
    if (start === end || (bytes[start] as number) >= 0x80) return false
    let value = 0
    for (let at = start; at < end; at++) value = value * 256 + (bytes[at] as number)
    return this.#row.putWhole(this.#steps[step + 1] as number, value, this.#steps[step + 2] as number)
  }
}

/** Whether a step puts something in a place. */
function isPut(kind: number): boolean {
  return kind >= STEP.long && kind !== STEP.skipBytes
}
