import { systemTimer, type Timer } from '../timer.ts'
import { BrokerError, type OutgoingRecord, type Producer } from './port.ts'

export interface MicroBatcherOptions {
  readonly topic: string
  /** In one request. Default 500: larger ones gain little more (kafka.md, reference figures). */
  readonly maxRecords?: number
  /**
   * Keys, values and headers in one request. Default 512 KiB, half of what a topic takes in one batch by default; a
   * record that is larger travels alone, so that none but itself is refused.
   */
  readonly maxBytes?: number
  /** How long the first record of a request waits for others. Default 2 ms. */
  readonly lingerMs?: number
  /** Requests at once. Default 5. */
  readonly maxInFlight?: number
  /** Records that are not acknowledged yet, beyond which `add` refuses. Default 100,000. */
  readonly maxQueued?: number
  /**
   * Told of every record that was refused or could not be sent. Without it, the promise of `add` is the only one who
   * knows, and must be looked at.
   */
  readonly onDropped?: (error: BrokerError, records: number) => void
  readonly timer?: Timer
}

export interface MicroBatcher {
  /** Records that are not acknowledged yet. */
  readonly queued: number
  /**
   * Resolves when the record is acknowledged by every in-sync replica; records that travel together share the promise.
   * Rejects with a BrokerError: `refused` where the queue is full, `closed` after `close`, or what the producer says.
   */
  add(record: OutgoingRecord): Promise<void>
  /** Sends what is queued without waiting for more; resolves when all of it is acknowledged or failed. */
  flush(): Promise<void>
  /** Flushes, and refuses from then on. The producer stays open. Twice is once. */
  close(): Promise<void>
}

/** Records of one partition that travel together. */
interface Chunk {
  readonly records: OutgoingRecord[]
  bytes: number
  readonly acknowledged: PromiseWithResolvers<void>
}

interface PartitionQueue {
  readonly chunks: Chunk[]
  records: number
  bytes: number
  /** In the list of those that may send. */
  ready: boolean
  /** A chunk of it is in flight: the next one waits, or it could be stored first. */
  busy: boolean
}

/** Length and offset of a record in its batch, and the length of each field. */
const RECORD_OVERHEAD_BYTES = 20

/** Records in, requests out, through a producer that is connected. Order within a partition is kept. */
export function createMicroBatcher(producer: Producer, options: MicroBatcherOptions): MicroBatcher {
  return new QueuedMicroBatcher(producer, options)
}

/**
 * A queue a partition. A request takes whole chunks of partitions that have nothing in flight, longest waiting first:
 * under a light load all partitions share one request, under a heavy one each request carries few partitions and
 * several are in flight at once, and either way a partition is never in two.
 */
class QueuedMicroBatcher implements MicroBatcher {
  readonly #producer: Producer
  readonly #topic: string
  readonly #maxRecords: number
  readonly #maxBytes: number
  readonly #lingerMs: number
  readonly #maxInFlight: number
  readonly #maxQueued: number
  readonly #onDropped: MicroBatcherOptions['onDropped']
  readonly #timer: Timer
  readonly #queues: PartitionQueue[] = []
  #ready: PartitionQueue[] = []
  #readyRecords = 0
  #readyBytes = 0
  #queued = 0
  #inFlight = 0
  /** The first of the ready records has lingered long enough. */
  #due = false
  #stopLinger: (() => void) | undefined
  #flushed: PromiseWithResolvers<void> | undefined
  #closed = false

  constructor(producer: Producer, options: MicroBatcherOptions) {
    this.#producer = producer
    this.#topic = options.topic
    this.#maxRecords = options.maxRecords ?? 500
    this.#maxBytes = options.maxBytes ?? 512 * 1024
    this.#lingerMs = options.lingerMs ?? 2
    this.#maxInFlight = options.maxInFlight ?? 5
    this.#maxQueued = options.maxQueued ?? 100_000
    this.#onDropped = options.onDropped
    this.#timer = options.timer ?? systemTimer
  }

  get queued(): number {
    return this.#queued
  }

  add(record: OutgoingRecord): Promise<void> {
    if (this.#closed || this.#queued >= this.#maxQueued) return this.#refuse()
    const queue = this.#queueOf(record.partition)
    const bytes = bytesOf(record)
    const chunk = this.#openChunk(queue, bytes)
    chunk.records.push(record)
    chunk.bytes += bytes
    queue.records += 1
    queue.bytes += bytes
    this.#queued += 1
    if (queue.busy) return chunk.acknowledged.promise
    this.#readyRecords += 1
    this.#readyBytes += bytes
    if (!queue.ready) {
      queue.ready = true
      this.#ready.push(queue)
    }
    if (this.#isDue()) this.#pump()
    else this.#stopLinger ??= this.#timer(this.#lingerMs, () => this.#lingered())
    return chunk.acknowledged.promise
  }

  flush(): Promise<void> {
    if (this.#queued === 0) return Promise.resolve()
    this.#flushed ??= Promise.withResolvers<void>()
    this.#pump()
    return this.#flushed.promise
  }

  close(): Promise<void> {
    this.#closed = true
    return this.flush()
  }

  #queueOf(partition: number): PartitionQueue {
    let queue = this.#queues[partition]
    if (queue === undefined) {
      queue = { chunks: [], records: 0, bytes: 0, ready: false, busy: false }
      this.#queues[partition] = queue
    }
    return queue
  }

  #openChunk(queue: PartitionQueue, bytes: number): Chunk {
    const last = queue.chunks.at(-1)
    if (last !== undefined && last.records.length < this.#maxRecords && last.bytes + bytes <= this.#maxBytes)
      return last
    const chunk: Chunk = { records: [], bytes: 0, acknowledged: Promise.withResolvers<void>() }
    // Whoever is told by onDropped may leave the promise alone.
    if (this.#onDropped !== undefined) chunk.acknowledged.promise.catch(() => undefined)
    queue.chunks.push(chunk)
    return chunk
  }

  #isDue(): boolean {
    if (this.#due || this.#flushed !== undefined) return true
    return this.#readyRecords >= this.#maxRecords || this.#readyBytes >= this.#maxBytes
  }

  #lingered(): void {
    this.#stopLinger = undefined
    this.#due = true
    this.#pump()
  }

  #pump(): void {
    while (this.#inFlight < this.#maxInFlight && this.#ready.length > 0 && this.#isDue()) this.#send(this.#take())
    if (this.#ready.length > 0) return
    this.#due = false
    this.#stopLinger?.()
    this.#stopLinger = undefined
  }

  /** The first chunks of the longest waiting partitions, as many as fit; at least one. */
  #take(): Chunk[] {
    const chunks: Chunk[] = []
    let records = 0
    let bytes = 0
    let taken = 0
    for (const queue of this.#ready) {
      const [chunk] = queue.chunks
      if (chunk === undefined) break
      const fits = records + chunk.records.length <= this.#maxRecords && bytes + chunk.bytes <= this.#maxBytes
      if (chunks.length > 0 && !fits) break
      chunks.push(chunk)
      records += chunk.records.length
      bytes += chunk.bytes
      taken += 1
      this.#takeFrom(queue, chunk)
    }
    this.#ready = this.#ready.slice(taken)
    return chunks
  }

  #takeFrom(queue: PartitionQueue, chunk: Chunk): void {
    this.#readyRecords -= queue.records
    this.#readyBytes -= queue.bytes
    queue.chunks.shift()
    queue.records -= chunk.records.length
    queue.bytes -= chunk.bytes
    queue.ready = false
    queue.busy = true
  }

  #send(chunks: readonly Chunk[]): void {
    const [first] = chunks
    const records = chunks.length === 1 && first ? first.records : chunks.flatMap((chunk) => chunk.records)
    this.#inFlight += 1
    this.#producer.sendBatch(this.#topic, records).then(
      () => this.#settle(chunks, undefined),
      (error: unknown) => this.#settle(chunks, toBrokerError(error)),
    )
  }

  #settle(chunks: readonly Chunk[], error: BrokerError | undefined): void {
    this.#inFlight -= 1
    for (const chunk of chunks) {
      this.#release(chunk)
      if (error === undefined) {
        chunk.acknowledged.resolve()
        continue
      }
      chunk.acknowledged.reject(error)
      this.#onDropped?.(error, chunk.records.length)
    }
    this.#pump()
    if (this.#queued > 0) return
    this.#flushed?.resolve()
    this.#flushed = undefined
  }

  #release(chunk: Chunk): void {
    const queue = this.#queueOf(chunk.records[0]?.partition ?? 0)
    queue.busy = false
    this.#queued -= chunk.records.length
    if (queue.chunks.length === 0) return
    // What came while its partition was in flight has waited a round trip: that was its linger.
    this.#due = true
    queue.ready = true
    this.#ready.push(queue)
    this.#readyRecords += queue.records
    this.#readyBytes += queue.bytes
  }

  #refuse(): Promise<void> {
    const error = this.#closed
      ? new BrokerError('closed', 'the batcher is closed', { retriable: false })
      : new BrokerError('refused', `${this.#queued} records are queued, at most ${this.#maxQueued} expected`, {
          retriable: true,
        })
    this.#onDropped?.(error, 1)
    const refusal = Promise.reject(error)
    if (this.#onDropped !== undefined) refusal.catch(() => undefined)
    return refusal
  }
}

function toBrokerError(error: unknown): BrokerError {
  if (error instanceof BrokerError) return error
  return new BrokerError('failed', String(error), { retriable: false, cause: error })
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
