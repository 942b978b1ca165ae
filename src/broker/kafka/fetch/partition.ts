import type { BatchContext, BatchHandler, PartitionPosition, TopicPartition } from '../../port.ts'
import { BatchInHand } from './batch-in-hand.ts'
import type { ColumnBatch } from './record-columns.ts'

/** What a partition tells whoever reads it. */
export interface PartitionHooks {
  readonly onBatch: BatchHandler
  /** It has room for more. */
  readonly onRoom: () => void
  /** A handler failed, or did nothing: it is called again after `delayMs`. */
  readonly onFailed: (error: unknown, delayMs: number) => void
  readonly retryMs: (failures: number) => number
  /** A long handler makes progress. */
  readonly heartbeat: () => Promise<void>
  /** Whether a batch may be handed out now; if not, `hand` is called again. */
  readonly mayHandle: () => boolean
}

export interface PartitionStart extends TopicPartition {
  readonly topicId: string | undefined
  readonly leader: number
  readonly position: bigint
  readonly committed: bigint | undefined
  readonly stableEnd: bigint
  readonly highWatermark: bigint
  /** Reading ends here; undefined: never. */
  readonly end?: bigint | undefined
}

/** A fetch's share for one partition, decoded. */
export interface FetchedRecords {
  readonly batch: ColumnBatch
  readonly next: bigint
  /** When the fetch was sent, by `performance.now()`. */
  readonly sentAtMs: number
}

interface Queued {
  batch: ColumnBatch
  readonly next: bigint
  /** When its fetch was sent, if nothing was behind it then. */
  readonly endSeenAtMs: number | undefined
}

const NO_LEADER = -1

/**
 * One partition on its way through this process.
 *
 *            ┌────────────── retried after a delay ◄─ handler failed, or did nothing
 *            ▼                                                 │
 *   wanted ──fetch──► queued (one) ──► in hand (one) ──done──► position moves ──► wanted
 *     ▲
 *     │  leader known again: metadata        offset in range again: looked up
 *     └──────────── led by nobody ◄── moved ──┴──── lost its place ◄── out of range
 *
 * It is wanted while it is open, not paused, led by somebody, in its place, has an empty queue and is not at its end. The next
 * fetch goes out while a batch is in hand. Only `position` is committed: behind what was handled, and behind markers
 * and compacted records that follow it.
 */
export class Partition implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly topicId: string | undefined
  leader: number
  /** Its place is not in the log: it is looked up before it is fetched again. */
  isLost = false
  /** Its fetch has failed: it is asked for again after a while. */
  isHeldOff = false
  /** Its next batch is so large, and came cut off. 0: as far as is known, any fetch brings it. */
  neededBytes = 0
  committed: bigint | undefined
  stableEnd: bigint
  highWatermark: bigint
  readonly end: bigint | undefined
  isPaused = false
  readonly #hooks: PartitionHooks
  /** Aborted: the batch in hand is to end, and the next one gets another signal. */
  #turn = new AbortController()
  #isClosed = false
  readonly #drained = Promise.withResolvers<void>()
  #fetchOffset: bigint
  #position: bigint
  #queued: Queued | undefined
  #current: Queued | undefined
  #inHand: BatchInHand | undefined
  #failures = 0
  #retry: NodeJS.Timeout | undefined
  /** When the fetch was sent that found nothing behind `#fetchOffset`. */
  #endSeenAtMs: number | undefined
  #readToEndAtMs: number | undefined
  #isHanding = false

  constructor(start: PartitionStart, hooks: PartitionHooks) {
    this.topic = start.topic
    this.partition = start.partition
    this.topicId = start.topicId
    this.leader = start.leader
    this.committed = start.committed
    this.stableEnd = start.stableEnd
    this.highWatermark = start.highWatermark
    this.end = start.end
    this.#fetchOffset = start.position
    this.#position = start.position
    this.#hooks = hooks
  }

  get fetchOffset(): bigint {
    return this.#fetchOffset
  }

  /** Next offset to be handed out. */
  get position(): bigint {
    return this.#position
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get inHand(): BatchInHand | undefined {
    return this.#inHand
  }

  get state(): PartitionPosition {
    const { topic, partition, topicId, position, stableEnd, highWatermark } = this
    return { topic, partition, topicId, position, stableEnd, highWatermark, readToEndAtMs: this.#readToEndAtMs }
  }

  get isWanted(): boolean {
    return (
      !this.isPaused &&
      !this.isLost &&
      this.leader !== NO_LEADER &&
      this.#queued === undefined &&
      !this.isHeldOff &&
      !this.isClosed &&
      !this.#isAtEnd
    )
  }

  /** Nobody leads it, as far as is known: it waits for metadata. */
  lose(): void {
    this.leader = NO_LEADER
  }

  /** Takes what a fetch from `fetchOffset` brought. */
  take({ batch, next, sentAtMs }: FetchedRecords): void {
    this.#fetchOffset = next
    this.stableEnd = batch.stableEnd
    this.highWatermark = batch.highWatermark
    this.#endSeenAtMs = next >= batch.stableEnd ? sentAtMs : undefined
    if (batch.count > 0) this.#queued = { batch, next, endSeenAtMs: this.#endSeenAtMs }
    this.#settlePosition()
    this.hand()
  }

  /** Reads on from somewhere else: what is fetched and not handed out is forgotten. */
  moveTo(offset: bigint): void {
    this.isLost = false
    this.neededBytes = 0
    this.#queued = undefined
    this.#fetchOffset = offset
    this.#endSeenAtMs = undefined
    this.#settlePosition()
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    this.hand()
    this.#hooks.onRoom()
  }

  /** Hands out what is there, a batch at a time. */
  hand(): void {
    if (this.#isHanding || !this.#mayHand()) return
    this.#isHanding = true
    void this.#handAll()
  }

  /** Nothing more is handed out; the batch in hand hears of it. Twice is once. */
  close(): void {
    this.#isClosed = true
    this.#turn.abort()
    clearTimeout(this.#retry)
    if (this.#inHand === undefined) this.#drained.resolve()
  }

  /** The batch in hand ends early; the rest of it is handed out when that is allowed again. */
  interrupt(): void {
    this.#turn.abort()
  }

  /** After `close`: resolves when no handler has a batch of it. */
  get drained(): Promise<void> {
    return this.#drained.promise
  }

  /** What is in hand is waited for no longer; what it still reports is discarded. */
  abandon(): void {
    this.close()
    this.#inHand?.abandon()
  }

  async #handAll(): Promise<void> {
    try {
      while (this.#mayHand()) await this.#handNext()
    } finally {
      // In the same step as the look that found nothing: who brings more right after it begins anew.
      this.#isHanding = false
    }
    if (this.isClosed) this.#drained.resolve()
  }

  async #handNext(): Promise<void> {
    if (this.#current === undefined) {
      this.#current = this.#queued
      this.#queued = undefined
      this.#hooks.onRoom()
    }
    if (this.#turn.signal.aborted) this.#turn = new AbortController()
    const { batch } = this.#current as Queued
    const inHand = new BatchInHand(batch, performance.now())
    this.#inHand = inHand
    const outcome = await inHand.run(this.#hooks.onBatch, batch, this.#context(inHand))
    this.#inHand = undefined
    if (outcome.type === 'done' && outcome.records > 0) this.#advance(outcome.records)
    else if (outcome.type !== 'abandoned') this.#retryLater(outcome.type === 'failed' ? outcome.error : undefined)
    inHand.finish()
  }

  #mayHand(): boolean {
    const hasSome = this.#current !== undefined || this.#queued !== undefined
    return hasSome && !this.isPaused && !this.isClosed && this.#retry === undefined && this.#hooks.mayHandle()
  }

  #context(inHand: BatchInHand): BatchContext {
    return {
      signal: this.#turn.signal,
      heartbeat: () => {
        inHand.progress(performance.now())
        return this.#hooks.heartbeat()
      },
    }
  }

  #advance(records: number): void {
    const current = this.#current as Queued
    this.#failures = 0
    if (records < current.batch.count) {
      this.#position = current.batch.offset(records - 1) + 1n
      current.batch = current.batch.from(records)
      return
    }
    this.#current = undefined
    current.batch.memory?.done()
    this.#position = current.next
    // The next batch may be here already: a steady stream would never be read to its end.
    this.#readToEndAtMs = current.endSeenAtMs ?? this.#readToEndAtMs
    this.#settlePosition()
  }

  /** If nothing waits, everything before the next fetch is done with. */
  #settlePosition(): void {
    if (this.#current !== undefined || this.#queued !== undefined) return
    this.#position = this.#fetchOffset
    this.#readToEndAtMs = this.#endSeenAtMs ?? this.#readToEndAtMs
  }

  get #isAtEnd(): boolean {
    return this.end !== undefined && this.#fetchOffset >= this.end
  }

  #retryLater(error: unknown): void {
    if (error === undefined && this.isClosed) return
    const delayMs = this.#hooks.retryMs(this.#failures++)
    if (error !== undefined) this.#hooks.onFailed(error, delayMs)
    if (this.isClosed) return
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      this.hand()
    }, delayMs)
  }
}
