import { partitionName } from '../../broker/partition-name.ts'
import type { Batch, Broker, BrokerEvent, Consumer, Headers } from '../../broker/port.ts'
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
 * A lane that holds this much is paused until half of it is taken: the merge may have to wait long for another one.
 * Waiting inside the handler instead would stop the other lanes too, because the next fetch starts when all batches
 * of the last one are done.
 */
const LANE_RECORDS = 8192
const LANE_BYTES = 16 * 1024 * 1024
const CHUNK_RECORDS = 1024
const POLL_MS = 250

interface TopicLane extends PartitionRange {
  /** Offset of the next record that is wanted. */
  next: bigint
  paused: boolean
}

/** One reading of a topic range by a throw-away consumer, merged into replay order. */
export class TopicPass {
  readonly #options: TopicPassOptions
  readonly #lanes = new Map<string, TopicLane>()
  readonly #merge = new PartitionMerge()
  /** Lanes that have more to come and nothing to take: nothing else may be taken before their next record is known. */
  readonly #waiting = new Set<string>()
  #consumer: Consumer | undefined
  #unfinished = 0
  #wake: () => void = () => undefined
  #quietSinceMs = 0

  constructor(options: TopicPassOptions) {
    this.#options = options
    for (const range of options.range.ranges) {
      const name = partitionName(range)
      this.#lanes.set(name, { ...range, next: range.offset, paused: false })
      if (!this.#isFinished(range.offset, range.end)) {
        this.#waiting.add(name)
        this.#unfinished++
      }
    }
  }

  get fraction(): number {
    let done = 0n
    let all = 0n
    for (const lane of this.#lanes.values()) {
      done += lane.next - lane.offset
      all += lane.end - lane.offset
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
          // What was not asked for while the last ones were looked at is not late.
          this.#quietSinceMs = performance.now()
        } else if (this.#unfinished === 0 && this.#merge.buffered === 0) return
        else await this.#arrival(consumer)
      }
    } finally {
      signal.removeEventListener('abort', stop)
      await consumer.stop()
    }
  }

  #newConsumer(): Consumer {
    const { broker, range } = this.#options
    return broker.consumer({
      mode: 'broadcast',
      groupId: 'forewarm-replay',
      topics: [...range.partitions.keys()],
      start: { at: 'offsets', offsets: range.ranges },
      onBatch: async (batch) => {
        this.#takeIn(batch)
        return batch.count
      },
      onEvent: (event) => this.#note(event),
    })
  }

  #takeIn(batch: Batch): void {
    const name = partitionName(batch)
    const lane = this.#lanes.get(name)
    if (lane === undefined) return
    for (let i = 0; i < batch.count; i++) {
      const offset = batch.offset(i)
      // After a restart of the consumer the range is read from its start again.
      if (offset < lane.next) continue
      if (this.#isFinished(offset, lane.end)) {
        this.#advance(name, lane, lane.end)
        break
      }
      this.#merge.add(name, recordOf(batch, i))
      this.#waiting.delete(name)
      this.#advance(name, lane, offset + 1n)
    }
    this.#holdBack(name, lane)
    this.#quietSinceMs = performance.now()
    this.#wake()
  }

  #note(event: BrokerEvent): void {
    if (event.type !== 'undecodable' && event.type !== 'offset-jump') return
    const name = partitionName(event)
    const lane = this.#lanes.get(name)
    const next = event.type === 'undecodable' ? event.to + 1n : event.to
    if (lane === undefined || next <= lane.next || this.#isFinished(lane.next, lane.end)) return
    const to = this.#options.follow || next < lane.end ? next : lane.end
    const reason = event.type === 'undecodable' ? 'undecodable-batch' : 'deleted-while-reading'
    this.#options.lost.add(reason, Number(to - lane.next), `${name} offset ${lane.next}`)
    this.#advance(name, lane, to)
    this.#wake()
  }

  #advance(name: string, lane: TopicLane, to: bigint): void {
    const wasFinished = this.#isFinished(lane.next, lane.end)
    lane.next = to
    if (wasFinished || !this.#isFinished(to, lane.end)) return
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
      const lane = this.#lanes.get(taken.lane)
      if (lane === undefined) continue
      if (taken.emptied && !this.#isFinished(lane.next, lane.end)) this.#waiting.add(taken.lane)
      this.#holdBack(taken.lane, lane)
    }
    return ready
  }

  /** Pauses a lane that is full or finished, resumes it when it is half empty again. */
  #holdBack(name: string, lane: TopicLane): void {
    const filled = Math.max(this.#merge.bufferedOf(name) / LANE_RECORDS, this.#merge.bytesOf(name) / LANE_BYTES)
    const isFinished = this.#isFinished(lane.next, lane.end)
    if (!lane.paused && (isFinished || filled >= 1)) {
      lane.paused = true
      this.#consumer?.pause([lane])
    } else if (lane.paused && !isFinished && filled <= 0.5) {
      lane.paused = false
      this.#consumer?.resume([lane])
    }
  }

  /** Resolves when something has come in or ended. Rejects with `stalled`. */
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
    const waitedFor = [...this.#waiting].map((name) => `${name} offset ${this.#lanes.get(name)?.next}`).join(', ')
    throw new ReplayError(
      'stalled',
      `nothing has come for ${Math.round(quietMs / 1000)} s, still waiting for ${waitedFor} (the consumer is ${consumer.health().state})`,
    )
  }

  /** The last offsets of a range may be no records, but a transaction's marks: then nothing comes, and nothing lags. */
  #passTrailingGaps(consumer: Consumer): void {
    for (const { topic, partition, records } of consumer.lag()) {
      const name = partitionName({ topic, partition })
      const lane = this.#lanes.get(name)
      if (records === 0n && lane !== undefined && this.#waiting.has(name)) this.#advance(name, lane, lane.end)
    }
  }
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

/** Buffers of a batch are slices of the fetch response: a record that waits must not hold on to megabytes. */
function copyOf(bytes: Buffer | undefined): Buffer | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes)
}

function copyOfHeaders(headers: Headers): Headers {
  return headers.length === 0 ? headers : headers.map(([name, value]) => [name, Buffer.from(value)])
}
