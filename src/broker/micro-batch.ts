import { systemTimer, type Timer } from '../timer.ts'
import { failuresOf } from './batch-error.ts'
import { type Chunk, type FailureAt, MicroBatchQueue } from './micro-batch-queue.ts'
import { BrokerError, closed, type OutgoingRecord, type Producer } from './port.ts'

/** How many records wait for how long, and how many requests are in flight. */
export interface MicroBatcherOptions {
  readonly topic: string
  /**
   * Records of one partition that are sent together, and records that wait before `lingerMs` is over. Default 2,000.
   */
  readonly maxRecords?: number
  /** The same in bytes of keys, values and headers. Default 512 KiB. A larger record is sent alone. */
  readonly maxBytes?: number
  /**
   * How long the first record that waits does so for others. Default: only while others are in flight, and for 2 ms at
   * most.
   */
  readonly lingerMs?: number | undefined
  /** Partitions that have records in flight. Default 500. */
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

const LINGER_MS = 2

interface Flush {
  readonly chunks: Set<Chunk>
  readonly done: PromiseWithResolvers<void>
}

/** Gathers records into batches of a connected producer. Keeps the order within each partition. */
export class MicroBatcher {
  readonly #producer: Producer
  readonly #topic: string
  readonly #maxRecords: number
  readonly #maxBytes: number
  readonly #lingerMs: number
  readonly #alwaysLingers: boolean
  readonly #maxInFlight: number
  readonly #maxQueued: number
  readonly #onDropped: MicroBatcherOptions['onDropped']
  readonly #timer: Timer
  readonly #queue: MicroBatchQueue
  readonly #unsettled = new Set<Chunk>()
  readonly #flushes = new Set<Flush>()
  readonly #onChunk = (chunk: Chunk): void => {
    this.#unsettled.add(chunk)
  }
  #queued = 0
  #inFlight = 0
  /** The first of the ready records has lingered long enough. */
  #isDue = false
  #stopLinger: (() => void) | undefined
  /** Whether what waits is sent at the end of the current task. */
  #isPlanned = false
  #isClosed = false

  constructor(producer: Producer, options: MicroBatcherOptions) {
    this.#producer = producer
    this.#topic = options.topic
    this.#maxRecords = options.maxRecords ?? 2_000
    this.#maxBytes = options.maxBytes ?? 512 * 1024
    this.#lingerMs = options.lingerMs ?? LINGER_MS
    this.#alwaysLingers = options.lingerMs !== undefined
    this.#maxInFlight = options.maxInFlight ?? 500
    this.#maxQueued = options.maxQueued ?? 100_000
    this.#onDropped = options.onDropped
    this.#timer = options.timer ?? systemTimer
    this.#queue = new MicroBatchQueue(this.#maxRecords, this.#maxBytes)
  }

  /**
   * Resolves when every in-sync replica has the record. Rejects with a BrokerError: `refused` if the queue is full,
   * `closed` after `close`, or why the producer did not have it stored.
   */
  add(record: OutgoingRecord): Promise<void> {
    if (this.#isClosed || this.#queued >= this.#maxQueued) return this.#refuse()
    const acknowledged = this.#queue.add(record, this.#onChunk)
    this.#queued += 1
    if (this.#maySend()) this.#pump()
    else if (this.#isIdle) this.#plan()
    else this.#stopLinger ??= this.#timer(this.#lingerMs, () => this.#lingered())
    return acknowledged
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

  get #isIdle(): boolean {
    return this.#inFlight === 0 && !this.#alwaysLingers
  }

  /** Records that are added in one task are sent together. */
  #plan(): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    queueMicrotask(() => {
      this.#isPlanned = false
      this.#isDue = true
      this.#pump()
    })
  }

  #lingered(): void {
    this.#stopLinger = undefined
    this.#isDue = true
    this.#pump()
  }

  /** Sends one chunk of each partition that may: the producer puts what comes in one go into one request. */
  #pump(): void {
    if (this.#maySend()) for (const chunk of this.#queue.take(this.#maxInFlight - this.#inFlight)) this.#send(chunk)
    if (this.#queue.hasReady) return
    this.#isDue = false
    this.#stopLinger?.()
    this.#stopLinger = undefined
  }

  #send(chunk: Chunk): void {
    this.#inFlight += 1
    this.#producer.sendBatch(this.#topic, chunk.records).then(
      () => this.#settle(chunk, undefined),
      (error: unknown) => this.#settle(chunk, failuresOf(error)),
    )
  }

  #settle(chunk: Chunk, failureAt: FailureAt | undefined): void {
    this.#inFlight -= 1
    this.#queued -= chunk.records.length
    this.#unsettled.delete(chunk)
    if (failureAt !== undefined) this.#drop(chunk, failureAt)
    chunk.settle(failureAt ?? (() => undefined))
    this.#settleFlushes(chunk)
    // Records that came while their partition was in flight have waited for a round trip, which is linger enough.
    if (this.#queue.release(chunk) || this.#isIdle) this.#isDue = true
    this.#pump()
  }

  #drop({ promises }: Chunk, failureAt: FailureAt): void {
    if (this.#onDropped === undefined) return
    const dropped = new Map<BrokerError, number>()
    for (const [place, promise] of promises.entries()) {
      const failure = failureAt(place)
      if (failure === undefined) continue
      dropped.set(failure, (dropped.get(failure) ?? 0) + 1)
      // A caller that gives onDropped may ignore the promise.
      promise.catch(() => undefined)
    }
    for (const [failure, records] of dropped) this.#tell(failure, records)
  }

  #settleFlushes(chunk: Chunk): void {
    for (const flush of this.#flushes) {
      flush.chunks.delete(chunk)
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
