import type { OutgoingRecord } from './port.ts'

/** Records of one partition that are sent in one request. */
export interface Chunk {
  readonly partition: number
  readonly records: OutgoingRecord[]
  bytes: number
  readonly acknowledged: PromiseWithResolvers<void>
}

interface PartitionQueue {
  readonly chunks: Chunk[]
  records: number
  bytes: number
  /** It is in the list of queues that may send. */
  ready: boolean
  /** One of its chunks is in flight. The next one waits, because it could be stored first. */
  busy: boolean
}

/** A record's length, its offset in the batch, and the length of each field. */
const RECORD_OVERHEAD_BYTES = 20

/**
 * The records that wait to be sent, in one queue for each partition. A request takes chunks of partitions that have
 * nothing in flight, longest waiting first, so a partition is never in two requests at once. Under a light load all
 * partitions share one request. Under a heavy load each request carries few partitions, and several requests are in
 * flight.
 */
export class MicroBatchQueue {
  /** Records and bytes in the queues that may send. */
  readyRecords = 0
  readyBytes = 0
  readonly #maxRecords: number
  readonly #maxBytes: number
  readonly #queues: PartitionQueue[] = []
  #ready: PartitionQueue[] = []

  /** Takes the most records and bytes of one request. */
  constructor(maxRecords: number, maxBytes: number) {
    this.#maxRecords = maxRecords
    this.#maxBytes = maxBytes
  }

  get hasReady(): boolean {
    return this.#ready.length > 0
  }

  /** Returns the chunk that the record was added to. `onChunk` is called first if that chunk is new. */
  add(record: OutgoingRecord, onChunk: (chunk: Chunk) => void): Chunk {
    const queue = this.#queueOf(record.partition)
    const bytes = bytesOf(record)
    let chunk = queue.chunks.at(-1)
    if (!chunk || chunk.records.length >= this.#maxRecords || chunk.bytes + bytes > this.#maxBytes) {
      const { partition } = record
      chunk = { partition, records: [], bytes: 0, acknowledged: Promise.withResolvers<void>() }
      queue.chunks.push(chunk)
      onChunk(chunk)
    }
    chunk.records.push(record)
    chunk.bytes += bytes
    queue.records += 1
    queue.bytes += bytes
    if (queue.busy) return chunk
    this.readyRecords += 1
    this.readyBytes += bytes
    if (!queue.ready) {
      queue.ready = true
      this.#ready.push(queue)
    }
    return chunk
  }

  /** Takes the first chunk of each of the longest waiting partitions, as many as fit in a request, and at least one. */
  take(): Chunk[] {
    const taken: Chunk[] = []
    let records = 0
    let bytes = 0
    for (const queue of this.#ready) {
      const [chunk] = queue.chunks
      if (chunk === undefined) break
      records += chunk.records.length
      bytes += chunk.bytes
      if (taken.length > 0 && (records > this.#maxRecords || bytes > this.#maxBytes)) break
      taken.push(chunk)
      this.#takeFrom(queue, chunk)
    }
    this.#ready = this.#ready.slice(taken.length)
    return taken
  }

  /** The chunks are no longer in flight. Returns whether one of their partitions has records that waited for that. */
  release(chunks: readonly Chunk[]): boolean {
    let hasMore = false
    for (const { partition } of chunks) {
      const queue = this.#queueOf(partition)
      queue.busy = false
      if (queue.ready || queue.chunks.length === 0) continue
      hasMore = true
      queue.ready = true
      this.#ready.push(queue)
      this.readyRecords += queue.records
      this.readyBytes += queue.bytes
    }
    return hasMore
  }

  #queueOf(partition: number): PartitionQueue {
    let queue = this.#queues[partition]
    if (queue === undefined) {
      queue = { chunks: [], records: 0, bytes: 0, ready: false, busy: false }
      this.#queues[partition] = queue
    }
    return queue
  }

  #takeFrom(queue: PartitionQueue, chunk: Chunk): void {
    this.readyRecords -= queue.records
    this.readyBytes -= queue.bytes
    queue.chunks.shift()
    queue.records -= chunk.records.length
    queue.bytes -= chunk.bytes
    queue.ready = false
    queue.busy = true
  }
}

function bytesOf({ key, value, headers }: OutgoingRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES
  if (key !== undefined) bytes += lengthOf(key)
  if (value !== null) bytes += lengthOf(value)
  if (headers !== undefined) for (const [name, header] of headers) bytes += name.length + header.length
  return bytes
}

function lengthOf(bytes: Buffer | string): number {
  return typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length
}
