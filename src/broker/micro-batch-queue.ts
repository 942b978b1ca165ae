import type { BrokerError, OutgoingRecord } from './port.ts'

/** Why the record at a place of its chunk was not stored; undefined if it was. */
export type FailureAt = (place: number) => BrokerError | undefined

/** Records of one partition that are sent together. */
export class Chunk {
  readonly partition: number
  readonly records: OutgoingRecord[] = []
  /** Those of the records, in their order. */
  readonly promises: Promise<void>[] = []
  bytes = 0
  readonly #settled = Promise.withResolvers<FailureAt>()
  #told = 0
  /** One function for all records, as it is called in the order in which they came: one each would double the cost. */
  readonly #tell = (failureAt: FailureAt): void => {
    const failure = failureAt(this.#told++)
    if (failure !== undefined) throw failure
  }

  constructor(partition: number) {
    this.partition = partition
  }

  /** Resolves when the record is stored. */
  add(record: OutgoingRecord, bytes: number): Promise<void> {
    const stored = this.#settled.promise.then(this.#tell)
    this.records.push(record)
    this.promises.push(stored)
    this.bytes += bytes
    return stored
  }

  settle(failureAt: FailureAt): void {
    this.#settled.resolve(failureAt)
  }
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
 * The records that wait to be sent, in one queue for each partition. A partition has one chunk in flight: what comes
 * meanwhile is in the next one, which is the larger the more comes.
 */
export class MicroBatchQueue {
  /** Records and bytes in the queues that may send. */
  readyRecords = 0
  readyBytes = 0
  readonly #maxRecords: number
  readonly #maxBytes: number
  readonly #queues: PartitionQueue[] = []
  readonly #ready: PartitionQueue[] = []

  /** Takes the most records and bytes of one chunk. */
  constructor(maxRecords: number, maxBytes: number) {
    this.#maxRecords = maxRecords
    this.#maxBytes = maxBytes
  }

  get hasReady(): boolean {
    return this.#ready.length > 0
  }

  /** Returns the promise that the record is stored. `onChunk` is called if a chunk begins with it. */
  add(record: OutgoingRecord, onChunk: (chunk: Chunk) => void): Promise<void> {
    const queue = this.#queueOf(record.partition)
    const bytes = bytesOf(record)
    let chunk = queue.chunks.at(-1)
    if (!chunk || chunk.records.length >= this.#maxRecords || chunk.bytes + bytes > this.#maxBytes) {
      chunk = new Chunk(record.partition)
      queue.chunks.push(chunk)
      onChunk(chunk)
    }
    const stored = chunk.add(record, bytes)
    queue.records += 1
    queue.bytes += bytes
    if (!queue.busy) {
      this.readyRecords += 1
      this.readyBytes += bytes
      if (!queue.ready) {
        queue.ready = true
        this.#ready.push(queue)
      }
    }
    return stored
  }

  /** Takes the first chunk of each partition that may send, longest waiting first, and at most so many. */
  take(most: number): Chunk[] {
    const taken = this.#ready.splice(0, most)
    return taken.map((queue) => this.#takeFrom(queue))
  }

  /** The chunk is no longer in flight. Returns whether its partition has records that waited for that. */
  release({ partition }: Chunk): boolean {
    const queue = this.#queueOf(partition)
    queue.busy = false
    if (queue.chunks.length === 0) return false
    queue.ready = true
    this.#ready.push(queue)
    this.readyRecords += queue.records
    this.readyBytes += queue.bytes
    return true
  }

  #queueOf(partition: number): PartitionQueue {
    let queue = this.#queues[partition]
    if (queue === undefined) {
      queue = { chunks: [], records: 0, bytes: 0, ready: false, busy: false }
      this.#queues[partition] = queue
    }
    return queue
  }

  #takeFrom(queue: PartitionQueue): Chunk {
    const chunk = queue.chunks.shift() as Chunk
    this.readyRecords -= queue.records
    this.readyBytes -= queue.bytes
    queue.records -= chunk.records.length
    queue.bytes -= chunk.bytes
    queue.ready = false
    queue.busy = true
    return chunk
  }
}

/** The record's bytes if its text is ASCII. Others take more, and the producer halves what is too large for the broker. */
/** The record's bytes if its text is ASCII. Others take more: the producer halves what is too large for the broker. */
function bytesOf({ key, value, headers }: OutgoingRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES
  if (key !== undefined) bytes += key.length
  if (value !== null) bytes += value.length
  if (headers !== undefined) for (const [name, header] of headers) bytes += name.length + header.length
  return bytes
}
