import { systemTimer, type Timer } from '../timer.ts'
import { type Chunk, MicroBatchQueue } from './micro-batch-queue.ts'
import { BrokerError, closed, type OutgoingRecord, type Producer } from './port.ts'

/** How many records wait for how long, and how many requests are in flight. */
export interface MicroBatcherOptions {
  readonly topic: string
  /** Records in one request. Default 500: larger requests gain little more. */
  readonly maxRecords?: number
  /**
   * Bytes of keys, values and headers in one request. Default 512 KiB, half of what a topic accepts in one batch by
   * default. A larger record is sent alone, so that only it is refused.
   */
  readonly maxBytes?: number
  /** How long the first record of a request waits for others. Default 2 ms. */
  readonly lingerMs?: number
  /** Requests in flight. Default 5. */
  readonly maxInFlight?: number
  /** `add` refuses a record when so many are not acknowledged yet. Default 100,000. */
  readonly maxQueued?: number
  /**
   * Called for every record that was refused or could not be sent. Without it only the promise of `add` tells, and the
   * caller must handle its rejection.
   */
  readonly onDropped?: (error: BrokerError, records: number) => void
  readonly timer?: Timer | undefined
}

interface Flush {
  readonly chunks: Set<Chunk>
  readonly done: PromiseWithResolvers<void>
}

/** Gathers records into requests of a connected producer. Keeps the order within each partition. */
export class MicroBatcher {
  readonly #producer: Producer
  readonly #topic: string
  readonly #maxRecords: number
  readonly #maxBytes: number
  readonly #lingerMs: number
  readonly #maxInFlight: number
  readonly #maxQueued: number
  readonly #onDropped: MicroBatcherOptions['onDropped']
  readonly #timer: Timer
  readonly #queue: MicroBatchQueue
  readonly #unsettled = new Set<Chunk>()
  readonly #flushes = new Set<Flush>()
  readonly #onChunk: (chunk: Chunk) => void
  #queued = 0
  #inFlight = 0
  /** The first of the ready records has lingered long enough. */
  #isDue = false
  #stopLinger: (() => void) | undefined
  #isClosed = false

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
    this.#queue = new MicroBatchQueue(this.#maxRecords, this.#maxBytes)
    this.#onChunk = (chunk) => {
      this.#unsettled.add(chunk)
      // A caller that gives onDropped may ignore the promise.
      if (this.#onDropped !== undefined) chunk.acknowledged.promise.catch(() => undefined)
    }
  }

  /**
   * Resolves when every in-sync replica has acknowledged the record; records of one chunk share the promise. Rejects
   * with a BrokerError: `refused` if the queue is full, `closed` after `close`, or the producer's error.
   */
  add(record: OutgoingRecord): Promise<void> {
    if (this.#isClosed || this.#queued >= this.#maxQueued) return this.#refuse()
    const { acknowledged } = this.#queue.add(record, this.#onChunk)
    this.#queued += 1
    if (this.#maySend()) this.#pump()
    else this.#stopLinger ??= this.#timer(this.#lingerMs, () => this.#lingered())
    return acknowledged.promise
  }

  /** Sends what is queued without waiting for more. Resolves when all of it is acknowledged or has failed. */
  flush(): Promise<void> {
    if (this.#unsettled.size === 0) return Promise.resolve()
    const flush = { chunks: new Set(this.#unsettled), done: Promise.withResolvers<void>() }
    this.#flushes.add(flush)
    this.#pump()
    return flush.done.promise
  }

  /** Flushes, and refuses records from then on. The producer stays open. A second call changes nothing. */
  close(): Promise<void> {
    this.#isClosed = true
    return this.flush()
  }

  #maySend(): boolean {
    if (this.#isDue || this.#flushes.size > 0) return true
    return this.#queue.readyRecords >= this.#maxRecords || this.#queue.readyBytes >= this.#maxBytes
  }

  #lingered(): void {
    this.#stopLinger = undefined
    this.#isDue = true
    this.#pump()
  }

  #pump(): void {
    while (this.#inFlight < this.#maxInFlight && this.#queue.hasReady && this.#maySend()) this.#send(this.#queue.take())
    if (this.#queue.hasReady) return
    this.#isDue = false
    this.#stopLinger?.()
    this.#stopLinger = undefined
  }

  #send(chunks: readonly Chunk[]): void {
    const records = chunks.flatMap((chunk) => chunk.records)
    this.#inFlight += 1
    this.#producer.sendBatch(this.#topic, records).then(
      () => this.#settle(chunks, undefined),
      (error: unknown) => this.#settle(chunks, toBrokerError(error)),
    )
  }

  #settle(chunks: readonly Chunk[], error: BrokerError | undefined): void {
    this.#inFlight -= 1
    for (const chunk of chunks) {
      this.#queued -= chunk.records.length
      this.#unsettled.delete(chunk)
      if (error === undefined) chunk.acknowledged.resolve()
      else {
        chunk.acknowledged.reject(error)
        this.#tell(error, chunk.records.length)
      }
    }
    this.#settleFlushes(chunks)
    // Records that came while their partition was in flight have waited for a round trip, which is linger enough.
    if (this.#queue.release(chunks)) this.#isDue = true
    this.#pump()
  }

  #settleFlushes(chunks: readonly Chunk[]): void {
    for (const flush of this.#flushes) {
      for (const chunk of chunks) flush.chunks.delete(chunk)
      if (flush.chunks.size > 0) continue
      this.#flushes.delete(flush)
      flush.done.resolve()
    }
  }

  #tell(error: BrokerError, records: number): void {
    try {
      this.#onDropped?.(error, records)
    } catch {
      // A callback that throws must not leave partitions in flight and a flush pending for ever.
    }
  }

  #refuse(): Promise<void> {
    const error = this.#isClosed
      ? closed('the batcher is closed')
      : new BrokerError('refused', `${this.#queued} records are queued, at most ${this.#maxQueued} expected`, {
          retriable: true,
        })
    this.#tell(error, 1)
    const refusal = Promise.reject(error)
    if (this.#onDropped !== undefined) refusal.catch(() => undefined)
    return refusal
  }
}

function toBrokerError(error: unknown): BrokerError {
  if (error instanceof BrokerError) return error
  return new BrokerError('failed', String(error), { retriable: false, cause: error })
}
