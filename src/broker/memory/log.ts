import { enlarged } from '../../../schemas/enlarged.ts'
import type { Batch, Headers, OutgoingRecord } from '../port.ts'

/**
 * The records of one partition, as columns in chunks: each chunk has one slab for the bytes and typed arrays for the
 * numbers, and no record is an object. The oldest records are dropped one at a time (`low` moves), their memory a chunk
 * at a time. A handler that still holds a batch keeps its chunk alive.
 *
 *   [ chunk │ chunk │ chunk ◄─ append ]
 *        ▲ low                ▲ high
 *
 * Offsets are plain numbers here and become bigints at the port.
 */

/** The most records in a chunk, and in a batch, which never spans chunks. */
export const CHUNK_RECORDS = 1024
/** A chunk with so many bytes is full. Otherwise large records would make the copies of a growing slab too large. */
const CHUNK_BYTES = 8 * 1024 * 1024
const FIRST_SLAB_BYTES = 4096
const ABSENT = -1
const NO_HEADERS: Headers = []

export class PartitionLog {
  /** The next offset to be written. */
  high = 0
  readonly #maxRecords: number
  readonly #chunks: Chunk[] = []
  readonly #listeners = new Set<() => void>()
  #announced = 0

  constructor(maxRecords: number) {
    this.#maxRecords = maxRecords
  }

  /** The first offset that still exists. */
  get low(): number {
    return Math.max(0, this.high - this.#maxRecords)
  }

  /** Copies the record's bytes; the caller has checked it. Listeners are called by `announce`, once for each batch. */
  append(record: OutgoingRecord, timestampMs: number): void {
    const last = this.#chunks.at(-1)
    let chunk = last
    if (chunk === undefined || chunk.isFull()) {
      chunk = new Chunk(this.high, slabBytesAfter(last))
      this.#chunks.push(chunk)
    }
    chunk.append(record, timestampMs)
    this.high += 1
    const oldest = this.#chunks[0]
    if (oldest !== undefined && oldest.base + oldest.count <= this.low) this.#chunks.shift()
  }

  announce(): void {
    if (this.#announced === this.high) return
    this.#announced = this.high
    for (const tell of this.#listeners) tell()
  }

  /** Returns a function that removes the listener. */
  onAppended(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Reads up to `maxRecords` from an offset in [low, high), fewer if its chunk ends before. */
  read(from: number, maxRecords: number): Slice {
    const chunk = chunkOf(this.#chunks, from)
    const first = from - chunk.base
    return { chunk, first, count: Math.min(maxRecords, chunk.count - first) }
  }

  /** The first offset whose timestamp is at or after `timestampMs`; undefined if all are older. */
  offsetAt(timestampMs: number): number | undefined {
    for (const chunk of this.#chunks) {
      const offset = chunk.offsetAt(timestampMs, this.low)
      if (offset !== undefined) return offset
    }
    return undefined
  }
}

/** Records of a topic have similar sizes: a chunk takes what the last one took. An eighth more saves a copy. */
function slabBytesAfter(last: Chunk | undefined): number {
  return Math.max(FIRST_SLAB_BYTES, Math.ceil((last?.usedBytes ?? 0) * 1.125))
}

/** A binary search: the chunk's index cannot be computed, since chunks may be shorter than CHUNK_RECORDS. */
function chunkOf(chunks: readonly Chunk[], offset: number): Chunk {
  let from = 0
  let to = chunks.length - 1
  while (from < to) {
    const middle = (from + to + 1) >> 1
    if ((chunks[middle]?.base ?? Number.POSITIVE_INFINITY) <= offset) from = middle
    else to = middle - 1
  }
  const chunk = chunks[from]
  if (chunk === undefined || offset < chunk.base || offset >= chunk.base + chunk.count) {
    throw new RangeError(`no record at offset ${offset}`)
  }
  return chunk
}

export interface Slice {
  readonly chunk: Chunk
  readonly first: number
  readonly count: number
}

export class Chunk {
  readonly base: number
  count = 0
  usedBytes = 0
  #maxTimestampMs = Number.NEGATIVE_INFINITY
  #slab: Buffer
  readonly #starts = new Uint32Array(CHUNK_RECORDS)
  readonly #keyLengths = new Int32Array(CHUNK_RECORDS)
  readonly #valueLengths = new Int32Array(CHUNK_RECORDS)
  readonly #timestamps = new Float64Array(CHUNK_RECORDS)
  #headers: Map<number, Headers> | undefined

  constructor(base: number, slabBytes: number) {
    this.base = base
    this.#slab = Buffer.allocUnsafeSlow(slabBytes)
  }

  isFull(): boolean {
    return this.count === CHUNK_RECORDS || this.usedBytes >= CHUNK_BYTES
  }

  append(record: OutgoingRecord, timestampMs: number): void {
    const index = this.count
    this.#starts[index] = this.usedBytes
    this.#keyLengths[index] = this.#write(record.key ?? null)
    this.#valueLengths[index] = this.#write(record.value)
    this.#timestamps[index] = timestampMs
    if (timestampMs > this.#maxTimestampMs) this.#maxTimestampMs = timestampMs
    if (record.headers !== undefined && record.headers.length > 0) {
      this.#headers ??= new Map()
      this.#headers.set(
        index,
        record.headers.map(([name, value]) => [name, Buffer.from(value)] as const),
      )
    }
    this.count = index + 1
  }

  offsetAt(timestampMs: number, low: number): number | undefined {
    if (this.#maxTimestampMs < timestampMs) return undefined
    for (let index = Math.max(0, low - this.base); index < this.count; index++) {
      if (this.timestampMs(index) >= timestampMs) return this.base + index
    }
    return undefined
  }

  timestampMs(index: number): number {
    return at(this.#timestamps, index)
  }

  key(index: number): Buffer | undefined {
    return this.#slice(at(this.#starts, index), at(this.#keyLengths, index))
  }

  value(index: number): Buffer | undefined {
    const keyLength = at(this.#keyLengths, index)
    return this.#slice(at(this.#starts, index) + Math.max(keyLength, 0), at(this.#valueLengths, index))
  }

  headers(index: number): Headers {
    return this.#headers?.get(index) ?? NO_HEADERS
  }

  #slice(start: number, length: number): Buffer | undefined {
    return length === ABSENT ? undefined : this.#slab.subarray(start, start + length)
  }

  /** Returns the bytes written, or ABSENT for none. */
  #write(bytes: Buffer | string | null): number {
    if (bytes === null) return ABSENT
    const start = this.usedBytes
    this.#reserve(bytes)
    const written = typeof bytes === 'string' ? this.#slab.write(bytes, start, 'utf8') : bytes.copy(this.#slab, start)
    this.usedBytes = start + written
    return written
  }

  /** Grows the slab. Slices that were handed out keep the old one, whose bytes never change again. */
  #reserve(bytes: Buffer | string): void {
    if (this.usedBytes + maxBytes(bytes) <= this.#slab.length) return
    const needed = this.usedBytes + Buffer.byteLength(bytes)
    if (needed <= this.#slab.length) return
    const used = this.#slab.subarray(0, this.usedBytes)
    this.#slab = enlarged(used, Buffer.allocUnsafeSlow(Math.max(needed, this.#slab.length * 2)))
  }
}

/** A UTF-16 unit takes at most three bytes in UTF-8. An exact count would take a second pass over the string. */
export function maxBytes(bytes: Buffer | string): number {
  return bytes.length * (typeof bytes === 'string' ? 3 : 1)
}

function at(column: Uint32Array | Int32Array | Float64Array, index: number): number {
  const value = column[index]
  if (value === undefined) throw new RangeError(`no record at index ${index}`)
  return value
}

/** The batch that a handler gets: some records of one chunk. */
export class MemoryBatch implements Batch {
  readonly topic: string
  readonly partition: number
  readonly count: number
  readonly highWatermark: bigint
  readonly stableEnd: bigint
  readonly #chunk: Chunk
  readonly #first: number

  constructor(topic: string, partition: number, slice: Slice & { readonly high: number }) {
    this.topic = topic
    this.partition = partition
    this.count = slice.count
    this.highWatermark = BigInt(slice.high)
    this.stableEnd = this.highWatermark
    this.#chunk = slice.chunk
    this.#first = slice.first
  }

  offset(index: number): bigint {
    return BigInt(this.#chunk.base + this.#place(index))
  }

  timestampMs(index: number): number {
    return this.#chunk.timestampMs(this.#place(index))
  }

  key(index: number): Buffer | undefined {
    return this.#chunk.key(this.#place(index))
  }

  value(index: number): Buffer | undefined {
    return this.#chunk.value(this.#place(index))
  }

  headers(index: number): Headers {
    return this.#chunk.headers(this.#place(index))
  }

  #place(index: number): number {
    if (index < 0 || index >= this.count) throw new RangeError(`index ${index} of a batch of ${this.count}`)
    return this.#first + index
  }
}
