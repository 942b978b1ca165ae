import { crc32c } from '../crc32c.ts'
import { BATCH_HEADER_BYTES, CRC_AT, CRC_FROM, LENGTH_AT, MAGIC } from '../producer/record-batch.ts'
import { MAX_FRAME_BYTES } from '../wire/frames.ts'

// The layout is drawn where batches are written. Older formats differ from it after the version alone.
const VERSION_AT = 16
const ATTRIBUTES_AT = 21
const LAST_DELTA_AT = 23
const FIRST_TIME_AT = 27
const LAST_TIME_AT = 35
const PRODUCER_AT = 43
const COUNT_AT = 57
/** A batch of which fewer bytes are there is not looked at: its version has not come. */
export const FIRST_BYTES = VERSION_AT + 1

const CODEC = 0x07
const LOG_APPEND_TIME = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20

/** The header of one batch. Offsets and times are exact up to 2^53. */
export class BatchHeader {
  readonly base: number
  readonly #bytes: Buffer
  readonly #at: number

  /** At least `FIRST_BYTES` have to be there from `at` on. */
  constructor(bytes: Buffer, at: number) {
    this.base = int64(bytes, at)
    this.#bytes = bytes
    this.#at = at
  }

  /** The end of the batch, which may be beyond the bytes. */
  get end(): number {
    return this.#at + LENGTH_AT + 4 + this.#bytes.readInt32BE(this.#at + LENGTH_AT)
  }

  get lastDelta(): number {
    return this.#bytes.readInt32BE(this.#at + LAST_DELTA_AT)
  }

  get last(): number {
    return this.base + this.lastDelta
  }

  get firstTimeMs(): number {
    return int64(this.#bytes, this.#at + FIRST_TIME_AT)
  }

  /** When the broker appended the records; undefined if they keep the time that their producer gave. */
  get appendTimeMs(): number | undefined {
    return this.#attributes & LOG_APPEND_TIME ? int64(this.#bytes, this.#at + LAST_TIME_AT) : undefined
  }

  get producerId(): bigint {
    return this.#bytes.readBigInt64BE(this.#at + PRODUCER_AT)
  }

  get count(): number {
    return this.#bytes.readInt32BE(this.#at + COUNT_AT)
  }

  get codec(): number {
    return this.#attributes & CODEC
  }

  get isTransactional(): boolean {
    return (this.#attributes & TRANSACTIONAL) !== 0
  }

  get isControl(): boolean {
    return (this.#attributes & CONTROL) !== 0
  }

  /** The records, compressed or not. */
  get body(): Buffer {
    return this.#bytes.subarray(this.#at + BATCH_HEADER_BYTES, this.end)
  }

  /** Whether all of it is there and undamaged. */
  get isWhole(): boolean {
    return this.end <= this.#bytes.length && this.damage === undefined
  }

  /** Why the batch is not what its producer wrote; undefined if it is, and if it is cut off. */
  get damage(): string | undefined {
    const bytes = this.#bytes
    const version = bytes[this.#at + VERSION_AT]
    if (version !== MAGIC) return `message format ${version}, ${MAGIC} is expected`
    const { end } = this
    const size = end - this.#at
    if (size < BATCH_HEADER_BYTES || size > MAX_FRAME_BYTES) return `a batch of ${size} bytes`
    if (end > bytes.length) return undefined
    if (crc32c(bytes, this.#at + CRC_FROM, end) !== bytes.readUInt32BE(this.#at + CRC_AT))
      return 'the checksum is wrong'
    const { base, last } = this
    if (base < 0 || last < base || last > Number.MAX_SAFE_INTEGER) return `offsets from ${base} to ${last}`
    return undefined
  }

  /**
   * The last offset of a damaged batch in which the position should be. The next batch tells it if that one is whole,
   * else the batch itself if its offsets agree with its count. Otherwise nothing is known beyond the position.
   */
  lastIfDamaged(position: bigint): bigint {
    const bytes = this.#bytes
    const { end } = this
    if (end > this.#at && bytes.length - end >= BATCH_HEADER_BYTES) {
      const next = new BatchHeader(bytes, end)
      if (next.isWhole && next.base > position) return BigInt(next.base) - 1n
    }
    if (bytes.length - this.#at < BATCH_HEADER_BYTES) return position
    const base = bytes.readBigInt64BE(this.#at)
    const last = base + BigInt(this.lastDelta)
    return this.count === this.lastDelta + 1 && base <= position && last > position ? last : position
  }

  get #attributes(): number {
    return this.#bytes.readInt16BE(this.#at + ATTRIBUTES_AT)
  }
}

function int64(bytes: Buffer, at: number): number {
  return Number(bytes.readBigInt64BE(at))
}
