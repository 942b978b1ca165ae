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
  /** Whether the message of a table was met. */
  readonly #isMet: Uint8Array
  #bytes: Buffer = Buffer.alloc(0)
  #view: DataView = new DataView(new ArrayBuffer(0))
  /** The position after what was read last. */
  #at = 0
  /** The halves of the whole number that was read last. */
  #low = 0
  #high = 0

  constructor(plan: RowPlan, isZeroAbsent: boolean) {
    this.#plan = plan
    this.#row = new FlatRow(plan.fields, isZeroAbsent)
    this.#isMet = new Uint8Array(plan.tables.length)
  }

  /** Appends a row for the message from `start` on. False is no verdict, and appends none. */
  read(value: Buffer, start: number, into: Columns): boolean {
    const { bytes, view } = aroundOf(value)
    this.#bytes = bytes
    this.#view = view
    this.#row.clearAll()
    this.#isMet.fill(0)
    this.#at = value.byteOffset + start
    return this.#message(0, value.byteOffset + value.length) && this.#row.take(view, bytes, into)
  }

  #message(index: number, end: number): boolean {
    // Two of a message are one, whose fields are merged.
    if (this.#isMet[index] === 1) return false
    this.#isMet[index] = 1
    const { steps, places, zeros } = this.#plan.tables[index] as MessageTable
    for (let i = 0; i < zeros.length; i++) this.#row.putWhole(zeros[i] as number, 0, 0)
    const bytes = this.#bytes
    while (this.#at < end) {
      let tag = bytes[this.#at++] as number
      if (tag >= 0x80) {
        const more = bytes[this.#at++] as number
        if (!(more < 0x80)) return false
        tag = (tag & 0x7f) | (more << 7)
      }
      const step = tag < steps.length ? (steps[tag] as number) : STEP.skip
      const isRead = step === STEP.skip ? this.#skip(tag) : this.#step(step, places[tag] as number, end)
      if (!isRead) return false
    }
    return this.#at === end
  }

  #skip(tag: number): boolean {
    if (tag < 8) return false
    switch (tag & 7) {
      case VARINT:
        return this.#varint()
      case EIGHT_BYTES:
        this.#at += 8
        return true
      case FOUR_BYTES:
        this.#at += 4
        return true
      case LENGTH:
        if (!this.#varint() || this.#high !== 0) return false
        this.#at += this.#low >>> 0
        return true
    }
    return false
  }

  #step(step: number, place: number, end: number): boolean {
    switch (step) {
      case STEP.double:
        return this.#isLeft(8, end) && this.#row.putDouble(place, this.#view.getFloat64(this.#at - 8, true))
      case STEP.float:
        return this.#isLeft(4, end) && this.#row.putDouble(place, this.#view.getFloat32(this.#at - 4, true))
      case STEP.fixed32:
        return this.#isLeft(4, end) && this.#putWhole(place, this.#view.getUint32(this.#at - 4, true))
      case STEP.signedFixed32:
        return this.#isLeft(4, end) && this.#putWhole(place, this.#view.getInt32(this.#at - 4, true))
      case STEP.fixed64:
      case STEP.signedFixed64:
        return this.#isLeft(8, end) && this.#putWhole(place, this.#eight(step === STEP.fixed64))
      case STEP.message:
      case STEP.name:
      case STEP.textNumber:
      case STEP.timestamp:
      case STEP.isText:
        return this.#withLength(step, place, end)
    }
    return step !== STEP.leave && this.#varint() && this.#whole(step, place)
  }

  #whole(step: number, place: number): boolean {
    const low = this.#low >>> 0
    const value = (this.#high >>> 0) * HIGH_UNIT + low
    switch (step) {
      case STEP.signed:
        return this.#high >= 0 && this.#putWhole(place, value)
      case STEP.unsigned:
        return this.#putWhole(place, value)
      case STEP.folded:
        // One below 0 is left.
        return (low & 1) === 0 && this.#putWhole(place, value / 2)
      case STEP.int32:
        return this.#high === 0 && this.#low >= 0 && this.#putWhole(place, low)
      case STEP.uint32:
        return this.#high === 0 && this.#putWhole(place, low)
      case STEP.folded32:
        return this.#high === 0 && (low & 1) === 0 && this.#putWhole(place, low / 2)
      case STEP.nanos:
        return this.#high >= 0 && this.#row.putWhole(place, millisecondsOf(this.#high, low), 0)
      case STEP.isNumber:
        return this.#low !== this.#plan.numbers[place]
    }
    return false
  }

  #withLength(step: number, place: number, end: number): boolean {
    if (!this.#varint() || this.#high !== 0) return false
    const start = this.#at
    const inner = start + (this.#low >>> 0)
    if (inner > end) return false
    if (step === STEP.message) return this.#message(place, inner)
    if (step === STEP.timestamp) return this.#timestamp(place, inner)
    this.#at = inner
    if (step === STEP.name) return this.#row.putName(place, this.#view, start, inner)
    if (step === STEP.textNumber) return this.#row.putText(place, this.#bytes, start, inner)
    // The exact reading says what is wrong with other texts.
    if (!isAscii(this.#view, start, inner)) return false
    const text = this.#plan.texts[place] as Buffer
    return text.length !== inner - start || text.compare(this.#bytes, start, inner) !== 0
  }

  #putWhole(place: number, value: number): boolean {
    return this.#row.putWhole(place, value, this.#plan.digits[place] as number)
  }

  /** Seconds, and then perhaps nanoseconds, as all writers write them. */
  #timestamp(place: number, end: number): boolean {
    if (!Number.isNaN(this.#row.values[place] as number)) return false
    let seconds = 0
    let nanos = 0
    if (this.#at < end && this.#bytes[this.#at] === SECONDS) {
      this.#at++
      if (!this.#varint()) return false
      seconds = this.#high * HIGH_UNIT + (this.#low >>> 0)
    }
    if (this.#at < end && this.#bytes[this.#at] === NANOS) {
      this.#at++
      if (!this.#varint() || this.#high !== 0) return false
      nanos = this.#low
    }
    const isTime = seconds >= 0 && seconds < MAX_SECONDS && nanos >= 0 && nanos < NS_A_SECOND
    return isTime && this.#at === end && this.#row.putWhole(place, seconds * 1000 + Math.floor(nanos / NS_A_MS), 0)
  }

  #isLeft(bytes: number, end: number): boolean {
    this.#at += bytes
    return this.#at <= end
  }

  #eight(isUnsigned: boolean): number {
    const low = this.#view.getUint32(this.#at - 8, true)
    const high = isUnsigned ? this.#view.getUint32(this.#at - 4, true) : this.#view.getInt32(this.#at - 4, true)
    return high * HIGH_UNIT + low
  }

  #varint(): boolean {
    const bytes = this.#bytes
    let at = this.#at
    let low = 0
    let high = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = bytes[at++] as number
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) return this.#took(at, low, 0)
    }
    const middle = bytes[at++] as number
    low |= (middle & 0x7f) << 28
    high = (middle & 0x7f) >>> 4
    if (middle < 0x80) return this.#took(at, low, high)
    for (let shift = 3; shift < 32; shift += 7) {
      const byte = bytes[at++] as number
      high |= (byte & 0x7f) << shift
      if (byte < 0x80) return this.#took(at, low, high)
    }
    return false
  }

  #took(at: number, low: number, high: number): true {
    this.#at = at
    this.#low = low
    this.#high = high
    return true
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
