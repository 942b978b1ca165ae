import { NEXT, readBigLong, readLong } from '../../../schemas/avro/long.ts'

/** Nothing that prices have is nested so deep. */
const MAX_DEPTH = 200
/** Items without bytes, such as nulls, that a value may have. */
const MOST_EMPTY_ITEMS = 10_000
const NOTHING = Buffer.alloc(0)

/**
 * A place in bytes of Avro. What cannot be read moves it past the end, so that loops end and no later byte is misread; the
 * first reason is kept.
 */
export class Cursor {
  bytes: Buffer = NOTHING
  at = 0
  /** Why the value cannot be read; undefined while it can. */
  fault: string | undefined
  #depth = 0
  #items = 0

  start(bytes: Buffer, at: number): void {
    this.bytes = bytes
    this.at = at
    this.fault = undefined
    this.#depth = 0
    this.#items = 0
  }

  fail(reason: string): undefined {
    this.fault ??= reason
    this.at = this.bytes.length + 1
    return undefined
  }

  /** Rounded beyond 2⁵³. */
  long(): number {
    const value = readLong(this.bytes, this.at)
    this.at = NEXT[0] as number
    if (!Number.isNaN(value)) return value
    this.fail('it ends within a number, or the number has more than 64 bits')
    return 0
  }

  exactLong(): number | bigint {
    const from = this.at
    const value = this.long()
    return Number.isSafeInteger(value) ? value : readBigLong(this.bytes, from)
  }

  /** Moves past so many bytes, and returns where they begin. */
  skip(length: number): number {
    const start = this.at
    if (length >= 0 && start + length <= this.bytes.length) this.at += length
    else this.fail(length < 0 ? 'it has a length below 0' : 'it ends within a value')
    return start
  }

  byte(): number {
    const start = this.skip(1)
    return this.fault === undefined ? (this.bytes[start] as number) : 0
  }

  slice(length: number): Buffer {
    const start = this.skip(length)
    return this.fault === undefined ? this.bytes.subarray(start, start + length) : NOTHING
  }

  /** Goes into so many items of a list. False if there are many more in all than bytes, as only items without any can be. */
  enterItems(count: number): boolean {
    this.#items += Math.abs(count)
    if (this.#items <= this.bytes.length + MOST_EMPTY_ITEMS) return true
    this.fail('a list has more items than bytes')
    return false
  }

  /** Goes into a record. False if it is nested too deep. */
  enter(): boolean {
    if (++this.#depth <= MAX_DEPTH) return true
    this.fail(`it is nested more than ${MAX_DEPTH} deep`)
    return false
  }

  leave(): void {
    this.#depth--
  }
}
