import { partitionName } from '../../broker/partition-name.ts'
import {
  type Batch,
  type Broker,
  BrokerError,
  type BrokerEvent,
  type Consumer,
  type Headers,
} from '../../broker/port.ts'
import { ReplayError } from '../replay-error.ts'
import type { ReplayRecord } from '../replay-record.ts'
import { PartitionMerge } from './partition-merge.ts'
import type { LostLedger } from './source.ts'
import type { PartitionRange, TopicRange } from './topic-range.ts'

export interface TopicPassOptions {
  readonly broker: Broker
  readonly range: TopicRange
  readonly follow: boolean
  readonly stallMs: number
  readonly lost: LostLedger
}

/**
 * A partition with this much buffered is paused until half of it is taken, as the merge may wait long for another one.
 */
const BUFFERED_RECORDS = 8192
const BUFFERED_BYTES = 16 * 1024 * 1024
const CHUNK_RECORDS = 1024
/** A position may pass the markers of transactions without a record, which nothing tells. */
const POLL_MS = 20

interface PartitionProgress extends PartitionRange {
  /** Offset of the next record that is wanted. */
  next: bigint
  paused: boolean
}

/** Reads a topic range once with a consumer of its own, merged into replay order. */
export class TopicPass {
  readonly #options: TopicPassOptions
  readonly #partitions = new Map<string, PartitionProgress>()
  readonly #merge = new PartitionMerge()
  /** Partitions with more to come and nothing buffered. Until their next records are known, nothing may be taken. */
  readonly #waiting = new Set<string>()
  #consumer: Consumer | undefined
  #unfinished = 0
  #wake: () => void = () => undefined
  /** Why reading cannot go on. What was read before is handed out first. */
  #failure: Error | undefined
  #quietSinceMs = 0

  constructor(options: TopicPassOptions) {
    this.#options = options
    for (const range of options.range.ranges) {
      const name = partitionName(range)
      this.#partitions.set(name, { ...range, next: range.offset, paused: false })
      if (!this.#isFinished(range.offset, range.end)) {
        this.#waiting.add(name)
        this.#unfinished++
      }
    }
  }

  get fraction(): number {
    let done = 0n
    let all = 0n
    for (const { offset, next, end } of this.#partitions.values()) {
      done += next - offset
      all += end - offset
    }
    return all === 0n ? 1 : Number(done) / Number(all)
  }

  async *read(signal: AbortSignal): AsyncGenerator<readonly ReplayRecord[]> {
    if (this.#unfinished === 0) return
    const consumer = this.#newConsumer()
    this.#consumer = consumer
    const stop = () => this.#wake()
    signal.addEventListener('abort', stop, { once: true })
    try {
      await consumer.start()
      this.#quietSinceMs = performance.now()
      while (!signal.aborted) {
        const ready = this.#takeReady()
        if (ready.length > 0) {
          yield ready
          // While the caller works on these, nothing is asked for, so nothing can be late.
          this.#quietSinceMs = performance.now()
        } else if (this.#unfinished === 0 && this.#merge.buffered === 0) return
        else if (this.#failure !== undefined) throw this.#failure
        else await this.#arrival(consumer)
      }
    } finally {
      signal.removeEventListener('abort', stop)
      await consumer.stop()
    }
  }

  #newConsumer(): Consumer {
    const { broker, range, follow } = this.#options
    return broker.consumer({
      mode: 'manual',
      groupId: 'forewarm-replay',
      topics: [],
      start: { at: 'earliest' },
      reusesMemory: true,
      ranges: range.ranges.map(({ topic, partition, offset, end }) => ({
        ...{ topic, partition, from: offset },
        ...(!follow && { to: end }),
      })),
      onBatch: async (batch) => {
        this.#takeIn(batch)
        return batch.count
      },
      onEvent: (event) => this.#note(event),
    })
  }

  #takeIn(batch: Batch): void {
    const name = partitionName(batch)
    const partition = this.#partitions.get(name)
    if (partition === undefined) return
    for (let i = 0; i < batch.count; i++) {
      const offset = batch.offset(i)
      // After a restart the consumer reads the range from its start again.
      if (offset < partition.next) continue
      if (this.#isFinished(offset, partition.end)) {
        this.#advance(name, partition, partition.end)
        break
      }
      this.#merge.add(name, recordOf(batch, i))
      this.#waiting.delete(name)
      this.#advance(name, partition, offset + 1n)
    }
    this.#holdBack(name, partition)
    this.#quietSinceMs = performance.now()
    this.#wake()
  }

  /** Counts what nobody can read, or is gone. The consumer's position passes it. */
  #note(event: BrokerEvent): void {
    if (event.type === 'topic') this.#noteTopic(event)
    if (event.type !== 'undecodable' && event.type !== 'offset-jump') return
    const name = partitionName(event)
    const partition = this.#partitions.get(name)
    if (partition === undefined) return
    const behind = event.type === 'undecodable' ? event.to + 1n : event.to
    const before = event.from < partition.offset
    const from = before ? partition.offset : event.from
    const isWithin = this.#options.follow || behind < partition.end
    const to = isWithin ? behind : partition.end
    if (to <= from) return
    const place = `${name} offset ${from}`
    if (event.type === 'undecodable')
      this.#options.lost.add('undecodable-batch', Number(to - from), `${place}: ${event.reason}`)
    else this.#options.lost.add('deleted-while-reading', Number(to - from), place)
    this.#wake()
  }

  /** The offsets of a range belong to one topic, and to the partitions that it had. */
  #noteTopic({ topic, change, partitions }: Extract<BrokerEvent, { type: 'topic' }>): void {
    const changed = (what: string) => new ReplayError('topic-changed', `topic ${topic} ${what}`)
    if (change === 'gone') this.#failure = changed('was deleted while it was read')
    else if (change === 'made-again') this.#failure = changed('was deleted and made again while it was read')
    else if (change === 'grown' && this.#options.follow)
      this.#failure = changed(`has ${partitions} partitions now: start again to read the new ones`)
    else if (change === 'forbidden') this.#failure = unreadable(topic)
    this.#wake()
  }

  #advance(name: string, partition: PartitionProgress, to: bigint): void {
    const wasFinished = this.#isFinished(partition.next, partition.end)
    partition.next = to
    if (wasFinished || !this.#isFinished(to, partition.end)) return
    this.#unfinished--
    this.#waiting.delete(name)
  }

  #isFinished(next: bigint, end: bigint): boolean {
    return !this.#options.follow && next >= end
  }

  #takeReady(): readonly ReplayRecord[] {
    const ready: ReplayRecord[] = []
    while (ready.length < CHUNK_RECORDS && (this.#options.follow || this.#waiting.size === 0)) {
      const taken = this.#merge.take()
      if (taken === undefined) break
      ready.push(taken.record)
      const name = taken.partition
      const partition = this.#partitions.get(name)
      if (partition === undefined) continue
      if (taken.emptied && !this.#isFinished(partition.next, partition.end)) this.#waiting.add(name)
      this.#holdBack(name, partition)
    }
    return ready
  }

  /** Pauses a partition that is full or finished, and resumes it when it is half empty. */
  #holdBack(name: string, partition: PartitionProgress): void {
    const filled = Math.max(this.#merge.bufferedOf(name) / BUFFERED_RECORDS, this.#merge.bytesOf(name) / BUFFERED_BYTES)
    const isFinished = this.#isFinished(partition.next, partition.end)
    if (!partition.paused && (isFinished || filled >= 1)) {
      partition.paused = true
      this.#consumer?.pause([partition])
    } else if (partition.paused && !isFinished && filled <= 0.5) {
      partition.paused = false
      this.#consumer?.resume([partition])
    }
  }

  /** Resolves when a record has come in or a partition has ended. Rejects with `stalled`. */
  async #arrival(consumer: Consumer): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    const timer = setTimeout(resolve, POLL_MS)
    await promise
    clearTimeout(timer)
    if (this.#options.follow) return
    this.#passTrailingGaps(consumer)
    if (this.#unfinished === 0) return
    const quietMs = performance.now() - this.#quietSinceMs
    if (quietMs < this.#options.stallMs) return
    const waitedFor = [...this.#waiting].map((name) => `${name} offset ${this.#partitions.get(name)?.next}`).join(', ')
    throw new ReplayError(
      'stalled',
      `nothing has come for ${Math.round(quietMs / 1000)} s, still waiting for ${waitedFor} (the consumer is ${consumer.health().state})`,
    )
  }

  /** The last offsets of a range may be no records but the marks of transactions: the position passes them. */
  #passTrailingGaps(consumer: Consumer): void {
    for (const { topic, partition, position } of consumer.positions()) {
      const name = partitionName({ topic, partition })
      const known = this.#partitions.get(name)
      if (known !== undefined && this.#waiting.has(name) && position >= known.end) this.#advance(name, known, known.end)
    }
  }
}

/** Its range could be asked for, so that it may be described. */
function unreadable(topic: string): BrokerError {
  return new BrokerError('not-authorized', `topic ${topic} cannot be read: the right to READ it is missing`, {
    retriable: false,
  })
}

function recordOf(batch: Batch, index: number): ReplayRecord {
  return {
    topic: batch.topic,
    partition: batch.partition,
    offset: batch.offset(index),
    timestampMs: batch.timestampMs(index),
    key: copyOf(batch.key(index)),
    value: copyOf(batch.value(index)),
    headers: copyOfHeaders(batch.headers(index)),
  }
}

/** A record waits for its turn, and the memory of its batch is used again. */
function copyOf(bytes: Buffer | undefined): Buffer | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes)
}

function copyOfHeaders(headers: Headers): Headers {
  return headers.length === 0 ? headers : headers.map(([name, value]) => [name, Buffer.from(value)])
}
