import { type Refused, refused } from '../../../schemas/refusal.ts'

/** How the bytes of a field are laid out. */
export const VARINT = 0
export const EIGHT_BYTES = 1
export const LENGTH = 2
export const GROUP = 3
export const GROUP_END = 4
export const FOUR_BYTES = 5

const WIRE_WORDS = ['an integer', 'eight bytes', 'a text, bytes or a message', 'a group', 'the end of a group']
const MAX_VARINT_BYTES = 10
const MAX_GROUPS = 100
const HIGH_UNIT = 2 ** 32

/** Reads the parts of Protobuf messages. After a fault it is at its end, so that every loop over it ends. */
export class WireReader {
  readonly bytes: Buffer
  at: number
  /** The end of the message that is read. */
  end: number
  fault: Refused | undefined
  /** The halves of the integer that was read last. */
  low = 0
  high = 0

  constructor(bytes: Buffer, start: number) {
    this.bytes = bytes
    this.at = start
    this.end = bytes.length
  }

  fail(against: Refused): undefined {
    this.fault ??= against
    this.end = 0
    this.at = 0
  }

  broken(detail: string): undefined {
    this.fail(refused('not-protobuf', `${detail} (byte ${this.at} of ${this.bytes.length})`))
  }

  /** Reads an integer of up to 64 bits into `low` and `high`. */
  varint(): undefined {
    let low = 0
    let high = 0
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      if (this.at >= this.end) return this.#truncated()
      const byte = this.bytes[this.at++] as number
      const bits = byte & 0x7f
      if (i < 5) low |= bits << (7 * i)
      if (i === 4) high = bits >>> 4
      else if (i > 4) high |= bits << (7 * i - 32)
      if (byte < 0x80) {
        this.low = low
        this.high = high
        return
      }
    }
    this.broken('an integer of more than 10 bytes')
  }

  /** The number and the layout of the next field; 0 after a fault. */
  tag(): number {
    this.varint()
    if (this.fault !== undefined) return 0
    if (this.high !== 0 || this.low >>> 3 === 0) this.broken('a field with a number that none has')
    return this.fault === undefined ? this.low >>> 0 : 0
  }

  /** The end of the text, the bytes or the message whose length is next. */
  lengthEnd(): number {
    this.varint()
    const end = this.at + (this.low >>> 0)
    if (this.fault === undefined && (this.high !== 0 || end > this.end))
      this.broken(`a length of ${this.unsigned()} beyond the end of its message`)
    return this.fault === undefined ? end : 0
  }

  /** The position before so many bytes, which are taken; undefined if they are not there. */
  take(bytes: number): number | undefined {
    const from = this.at
    if (from + bytes <= this.end) {
      this.at += bytes
      return from
    }
    this.#truncated()
    return undefined
  }

  skip(tag: number, depth = 0): undefined {
    switch (tag & 7) {
      case VARINT:
        return this.varint()
      case EIGHT_BYTES:
        this.take(8)
        return
      case FOUR_BYTES:
        this.take(4)
        return
      case LENGTH:
        this.at = this.lengthEnd()
        return
      case GROUP:
        return this.#skipGroup(tag, depth)
      default:
        return this.broken(`a field of ${wireWords(tag)}, where none can be`)
    }
  }

  #skipGroup(tag: number, depth: number): undefined {
    if (depth >= MAX_GROUPS) return this.broken(`more than ${MAX_GROUPS} groups in each other`)
    for (;;) {
      const next = this.groupTag(tag)
      if (next === 0) return
      this.skip(next, depth + 1)
    }
  }

  /** The next tag within a group; 0 at its end. */
  groupTag(group: number): number {
    if (this.fault !== undefined) return 0
    const next = this.tag()
    if ((next & 7) !== GROUP_END || next === 0) return next
    if (next >>> 3 !== group >>> 3) this.broken('the end of another group')
    return 0
  }

  /** What was read last as an unsigned integer; a text, if a double does not hold it. */
  unsigned(): number | string {
    const high = this.high >>> 0
    const low = this.low >>> 0
    const value = high * HIGH_UNIT + low
    return Number.isSafeInteger(value) ? value : String((BigInt(high) << 32n) | BigInt(low))
  }

  signed(): number | string {
    if (this.high >= 0) return this.unsigned()
    const value = this.high * HIGH_UNIT + (this.low >>> 0)
    return Number.isSafeInteger(value) ? value : String((BigInt(this.high) << 32n) | BigInt(this.low >>> 0))
  }

  #truncated(): undefined {
    this.broken('the record ends within a field')
  }
}

/** How the layout of a tag is said. */
export function wireWords(tag: number): string {
  return WIRE_WORDS[tag & 7] ?? ((tag & 7) === FOUR_BYTES ? 'four bytes' : `the unknown layout ${tag & 7}`)
}
