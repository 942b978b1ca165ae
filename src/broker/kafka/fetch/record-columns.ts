import { enlarged } from '../../../../schemas/enlarged.ts'
import type { Batch, Headers } from '../../port.ts'
import { CURSOR, varint } from './varints.ts'

/**
 * Records of one partition, column by column: offsets and times as numbers, keys and values as places in the bytes that
 * came. Decoding a record makes no object. Buffers are made, and headers read, when somebody asks for them.
 */
export class RecordColumns {
  count = 0
  offsets: Float64Array
  timesMs: Float64Array
  /** For each record the begin and end of its key, value and headers. An end of -1 means that there is none. */
  places: Int32Array
  /** For each record the index of its bytes in `sources`. */
  sourceOf: Uint32Array
  /** The answer's bytes, and those of each batch that was decompressed. */
  readonly sources: Buffer[] = []

  constructor(capacity = 0) {
    this.offsets = new Float64Array(capacity)
    this.timesMs = new Float64Array(capacity)
    this.places = new Int32Array(capacity * PLACES)
    this.sourceOf = new Uint32Array(capacity)
  }

  reserve(count: number): void {
    const capacity = this.offsets.length
    if (count <= capacity) return
    const more = Math.max(count, 2 * capacity)
    this.offsets = enlarged(this.offsets, new Float64Array(more))
    this.timesMs = enlarged(this.timesMs, new Float64Array(more))
    this.places = enlarged(this.places, new Int32Array(more * PLACES))
    this.sourceOf = enlarged(this.sourceOf, new Uint32Array(more))
  }

  /** The index of the bytes in `sources`, to which they are added unless they are the last. */
  sourceFor(bytes: Buffer): number {
    if (this.sources.at(-1) !== bytes) this.sources.push(bytes)
    return this.sources.length - 1
  }
}

/** Numbers a record has in `places`. */
export const PLACES = 6

/** The memory of an answer, which the batches of several partitions share. It is free when the last one is handled. */
export class AnswerMemory {
  #users = 1
  readonly #free: () => void

  constructor(free: () => void) {
    this.#free = free
  }

  use(): void {
    this.#users++
  }

  done(): void {
    this.#users--
    if (this.#users === 0) this.#free()
  }
}

export interface BatchFacts {
  readonly topic: string
  readonly partition: number
  readonly highWatermark: bigint
  readonly stableEnd: bigint
  /** Undefined: it is left to the garbage collector. */
  readonly memory?: AnswerMemory | undefined
}

/** The place of the headers' bytes. */
const HEADERS = 4
const NO_HEADERS: Headers = []
const NOTHING = Buffer.alloc(0)

/** The columns as a batch of the port, from one record on. */
export class ColumnBatch implements Batch {
  readonly topic: string
  readonly partition: number
  readonly highWatermark: bigint
  readonly stableEnd: bigint
  readonly memory: AnswerMemory | undefined
  readonly count: number
  readonly #columns: RecordColumns
  readonly #first: number

  constructor(columns: RecordColumns, facts: BatchFacts, first = 0) {
    this.topic = facts.topic
    this.partition = facts.partition
    this.highWatermark = facts.highWatermark
    this.stableEnd = facts.stableEnd
    this.memory = facts.memory
    this.#columns = columns
    this.#first = first
    this.count = columns.count - first
  }

  /** What is left behind the leading `records`. */
  from(records: number): ColumnBatch {
    return new ColumnBatch(this.#columns, this, this.#first + records)
  }

  offset(index: number): bigint {
    return BigInt(this.#columns.offsets[this.#first + index] as number)
  }

  timestampMs(index: number): number {
    return this.#columns.timesMs[this.#first + index] as number
  }

  key(index: number): Buffer | undefined {
    return this.#slice(index, 0)
  }

  value(index: number): Buffer | undefined {
    return this.#slice(index, 2)
  }

  headers(index: number): Headers {
    const { places } = this.#columns
    const at = (this.#first + index) * PLACES + HEADERS
    // A count of none takes one byte: most records have that, and whoever looks at each of them should not pay for it.
    if ((places[at + 1] as number) - (places[at] as number) <= 1) return NO_HEADERS
    return readHeaders(this.#slice(index, HEADERS) ?? NOTHING)
  }

  #slice(index: number, place: number): Buffer | undefined {
    const { places, sources, sourceOf } = this.#columns
    const row = this.#first + index
    const end = places[row * PLACES + place + 1] as number
    if (end < 0) return undefined
    return (sources[sourceOf[row] as number] as Buffer).subarray(places[row * PLACES + place], end)
  }
}

/** `bytes` are the headers of one record, their count first. They were checked when the record was decoded. */
function readHeaders(bytes: Buffer): Headers {
  const headers: (readonly [string, Buffer])[] = []
  CURSOR.at = 0
  for (let left = varint(bytes); left > 0; left--) {
    const name = take(bytes, varint(bytes)).toString()
    headers.push([name, take(bytes, varint(bytes))])
  }
  return headers
}

/** The next bytes; none if the length is negative. */
function take(bytes: Buffer, length: number): Buffer {
  const { at } = CURSOR
  CURSOR.at += Math.max(0, length)
  return bytes.subarray(at, CURSOR.at)
}
