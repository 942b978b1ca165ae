import { aroundOf } from '../../../schemas/record-bytes.ts'
import { type Columns, FlatRow, isAscii } from '../flat/flat-row.ts'
import { type MessageTable, STEP } from './message-tables.ts'
import type { RowPlan } from './row-plan.ts'
import { EIGHT_BYTES, FOUR_BYTES, LENGTH, VARINT } from './wire-reader.ts'

const HIGH_UNIT = 2 ** 32
const NS_A_MS = 1_000_000
/** From so many nanoseconds on a timestamp is none. */
const NS_A_SECOND = 1_000_000_000
const MAX_SECONDS = 2 ** 33

/**
 * Reads messages of one type into columns by tables: no object and no text is made. It gives up without a verdict at
 * anything that is not as usual, and the exact reading decides, so that the two cannot disagree on what is valid.
 */
export class RowReader {
  readonly #plan: RowPlan
  readonly #row: FlatRow
  /** The places that have a value, and the tables whose messages were met, as bits. */
  readonly #allPlaces: number
  #seen = 0
  #met = 0
  #bytes: Buffer = Buffer.alloc(0)
  #view: DataView = new DataView(new ArrayBuffer(0))
  /** The position after the length that was read last. */
  #start = 0
  /** The halves of the whole number that was read last. */
  #low = 0
  #high = 0

  constructor(plan: RowPlan, isZeroAbsent: boolean) {
    this.#plan = plan
    this.#row = new FlatRow(plan.fields, isZeroAbsent)
    this.#allPlaces = 2 ** plan.fields.places - 1
  }

  /** Appends a row for the message from `start` on. False is no verdict, and appends none. */
  read(value: Buffer, start: number, into: Columns): boolean {
    const { bytes, view } = aroundOf(value)
    const from = value.byteOffset
    this.#bytes = bytes
    this.#view = view
    this.#seen = 0
    this.#met = 0
    if (!this.#message(0, from + start, from + value.length)) return false
    if (this.#seen !== this.#allPlaces) this.#fill()
    return this.#row.take(view, bytes, into)
  }

  #message(index: number, from: number, end: number): boolean {
    // Two of a message are one, whose fields are merged.
    const bit = 1 << index
    if ((this.#met & bit) !== 0) return false
    this.#met |= bit
    const { steps, places } = this.#plan.tables[index] as MessageTable
    const row = this.#row
    const bytes = this.#bytes
    const view = this.#view
    let at = from
    while (at < end) {
      let tag = bytes[at++] as number
      if (tag >= 0x80) {
        const more = bytes[at++] as number
        if (!(more < 0x80)) return false
        tag = (tag & 0x7f) | (more << 7)
      }
      const step = tag < steps.length ? (steps[tag] as number) : STEP.skip
      if (step === STEP.double) {
        if (at + 8 > end || !row.putDouble(places[tag] as number, view.getFloat64(at, true))) return false
        this.#seen |= 1 << (places[tag] as number)
        at += 8
      } else if (step === STEP.skip) at = this.#skip(tag, at)
      else if (step >= STEP.isNumber) {
        at = this.#varint(at)
        if (!this.#whole(step, places[tag] as number)) return false
      } else if (step > STEP.double) at = this.#fixed(step, places[tag] as number, at, end)
      else if (step === STEP.leave) return false
      else at = this.#sized(step, places[tag] as number, at, end)
      if (at < 0 || at > end) return false
    }
    return at === end
  }

  /** Puts what stands for absent fields. */
  #fill(): void {
    const { zeroIn } = this.#plan
    for (let place = 0; place < zeroIn.length; place++) {
      if ((this.#seen & (1 << place)) !== 0) continue
      const table = zeroIn[place] as number
      if (table >= 0 && (this.#met & (1 << table)) !== 0) this.#row.putWhole(place, 0, 0)
      else this.#row.clear(place)
    }
  }

  #skip(tag: number, at: number): number {
    // No field has the number 0.
    if (tag < 8) return -1
    switch (tag & 7) {
      case VARINT:
        return this.#varint(at)
      case EIGHT_BYTES:
        return at + 8
      case FOUR_BYTES:
        return at + 4
      case LENGTH:
        return this.#lengthEnd(at)
    }
    return -1
  }

  #fixed(step: number, place: number, at: number, end: number): number {
    const view = this.#view
    const row = this.#row
    const size = step >= STEP.fixed64 ? 8 : 4
    if (at + size > end) return -1
    const digits = this.#plan.digits[place] as number
    const isPut =
      step === STEP.float
        ? row.putDouble(place, view.getFloat32(at, true))
        : row.putWhole(place, this.#fixedWhole(step, at), digits)
    this.#seen |= 1 << place
    return isPut ? at + size : -1
  }

  #fixedWhole(step: number, at: number): number {
    const view = this.#view
    if (step === STEP.fixed32) return view.getUint32(at, true)
    if (step === STEP.signedFixed32) return view.getInt32(at, true)
    const high = step === STEP.fixed64 ? view.getUint32(at + 4, true) : view.getInt32(at + 4, true)
    return high * HIGH_UNIT + view.getUint32(at, true)
  }

  #whole(step: number, place: number): boolean {
    const low = this.#low >>> 0
    const value = (this.#high >>> 0) * HIGH_UNIT + low
    if (step === STEP.isNumber) return this.#low !== this.#plan.numbers[place]
    const digits = this.#plan.digits[place] as number
    this.#seen |= 1 << place
    switch (step) {
      case STEP.signed:
        return this.#high >= 0 && this.#row.putWhole(place, value, digits)
      case STEP.unsigned:
        return this.#row.putWhole(place, value, digits)
      case STEP.folded:
        // One below 0 is left.
        return (low & 1) === 0 && this.#row.putWhole(place, value / 2, digits)
      case STEP.int32:
        return this.#high === 0 && this.#low >= 0 && this.#row.putWhole(place, low, digits)
      case STEP.uint32:
        return this.#high === 0 && this.#row.putWhole(place, low, digits)
      case STEP.folded32:
        return this.#high === 0 && (low & 1) === 0 && this.#row.putWhole(place, low / 2, digits)
      case STEP.nanos:
        return this.#high >= 0 && this.#row.putWhole(place, millisecondsOf(this.#high, low), 0)
    }
    return false
  }

  #sized(step: number, place: number, at: number, end: number): number {
    const inner = this.#lengthEnd(at)
    if (inner < 0 || inner > end) return -1
    const isTaken = this.#taken(step, place, this.#start, inner)
    return isTaken ? inner : -1
  }

  #taken(step: number, place: number, start: number, end: number): boolean {
    if (step === STEP.message) return this.#message(place, start, end)
    if (step !== STEP.isText) {
      if (step === STEP.timestamp && (this.#seen & (1 << place)) !== 0) return false
      this.#seen |= 1 << place
      if (step === STEP.name) return this.#row.putName(place, this.#view, start, end)
      if (step === STEP.timestamp) return this.#timestamp(place, start, end)
      return this.#row.putText(place, this.#bytes, start, end)
    }
    // The exact reading says what is wrong with other texts.
    if (!isAscii(this.#view, start, end)) return false
    const text = this.#plan.texts[place] as Buffer
    return text.length !== end - start || text.compare(this.#bytes, start, end) !== 0
  }

  /** Seconds, and then perhaps nanoseconds, as all writers write them. */
  #timestamp(place: number, from: number, end: number): boolean {
    let at = from
    let seconds = 0
    let nanos = 0
    if (at < end && this.#bytes[at] === SECONDS) {
      at = this.#varint(at + 1)
      seconds = this.#high * HIGH_UNIT + (this.#low >>> 0)
    }
    if (at < end && this.#bytes[at] === NANOS) {
      at = this.#varint(at + 1)
      nanos = this.#high === 0 ? this.#low : -1
    }
    const isTime = seconds >= 0 && seconds < MAX_SECONDS && nanos >= 0 && nanos < NS_A_SECOND
    return isTime && at === end && this.#row.putWhole(place, seconds * 1000 + Math.floor(nanos / NS_A_MS), 0)
  }

  /** The end of what has the length that is next; it starts at `#start`. */
  #lengthEnd(at: number): number {
    const length = this.#bytes[at] as number
    if (length < 0x80) {
      this.#start = at + 1
      return at + 1 + length
    }
    const start = this.#varint(at)
    this.#start = start
    return start >= 0 && this.#high === 0 && this.#low >= 0 ? start + this.#low : -1
  }

  /** Reads an integer into its halves, and returns the position after it; -1 if it does not end. */
  #varint(from: number): number {
    const bytes = this.#bytes
    let at = from
    let low = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = bytes[at++] as number
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) return this.#took(at, low, 0)
    }
    const middle = bytes[at++] as number
    low |= (middle & 0x7f) << 28
    let high = (middle & 0x7f) >>> 4
    if (middle < 0x80) return this.#took(at, low, high)
    for (let shift = 3; shift < 32; shift += 7) {
      const byte = bytes[at++] as number
      high |= (byte & 0x7f) << shift
      if (byte < 0x80) return this.#took(at, low, high)
    }
    return -1
  }

  #took(at: number, low: number, high: number): number {
    this.#low = low
    this.#high = high
    return at
  }
}

/** The tags of a timestamp's fields. */
const SECONDS = 0x08
const NANOS = 0x10

/** 2³² nanoseconds are so many milliseconds, and so many nanoseconds more. */
const MS_OF_HIGH = 4_294
const NS_OF_HIGH = 967_296

/** The whole milliseconds of nanoseconds in two halves. No step is rounded: each is below 2⁵³. */
function millisecondsOf(high: number, low: number): number {
  return high * MS_OF_HIGH + Math.floor((high * NS_OF_HIGH + low) / NS_A_MS)
}
