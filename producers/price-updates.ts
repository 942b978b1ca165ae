import { checkedAhead, checkedEventTime } from '../schemas/event-time.ts'
import { encodePriceAvro } from '../schemas/price-avro.ts'
import { encodePriceJson } from '../schemas/price-json.ts'
import { checkedNames, namesOf, updatesOf } from '../schemas/price-object.ts'
import type { PriceUpdate } from '../schemas/price-update.ts'
import { pairKey, partitionOf } from '../schemas/topics.ts'
import { Alarm } from '../src/alarm.ts'
import { MicroBatcher, type MicroBatcherOptions } from '../src/broker/micro-batch.ts'
import { BrokerError, type Producer } from '../src/broker/port.ts'
import { type Clock, systemClock } from '../src/clock.ts'
import { integer, oneOf } from '../src/config/check.ts'
import { assertOptions, milliseconds, type OptionsOf } from '../src/config/options.ts'
import type { Timer } from '../src/timer.ts'

/** The options of `createPricePublisher`. */
export interface PricePublisherOptions {
  readonly producer: Producer
  readonly topic: string
  /** The topic's number of partitions. A chain's hash gives its partition. */
  readonly partitions: number
  readonly encoding?: 'json' | 'avro'
  /** Default 1. A larger number gains most in throughput, because a record costs more than an update. */
  readonly updatesPerRecord?: number
  /** The largest batch that the topic takes, in bytes: a frame ends before the update that would not fit. Default: none. */
  readonly maxBatchBytes?: number
  /** Default `broker`: the broker's clock stamps a record. With `event-time` its first update's time does. */
  readonly timestamps?: 'broker' | 'event-time'
  readonly batch?: Omit<MicroBatcherOptions, 'topic'>
  readonly timer?: Timer
  /** Event times may be at most 60 s ahead of it. */
  readonly clock?: Clock
}

const COUNT = integer(1, Number.MAX_SAFE_INTEGER)
const OPTIONS: OptionsOf<PricePublisherOptions> = {
  ...{
    producer: true,
    topic: true,
    partitions: COUNT,
    updatesPerRecord: COUNT,
    maxBatchBytes: true,
    timer: true,
    clock: true,
  },
  encoding: oneOf(['json', 'avro']),
  timestamps: oneOf(['broker', 'event-time']),
  batch: {
    maxRecords: COUNT,
    maxBytes: COUNT,
    lingerMs: milliseconds,
    maxInFlight: COUNT,
    maxQueued: COUNT,
    onDropped: true,
    timer: true,
  },
}

/** How long a frame that is not full waits for more updates, in milliseconds. */
const FRAME_LINGER_MS = 2

/** More than the headers of a batch and of its only record, and the marks around a list. */
const BATCH_HEADER_BYTES = 128

interface Frame {
  readonly updates: PriceUpdate[]
  bytes: number
  readonly sent: Promise<void>
  readonly resolve: (sent: Promise<void>) => void
}

/** Makes a publisher over a producer that is connected. The producer stays open when the publisher closes. */
export function createPricePublisher(options: PricePublisherOptions): PricePublisher {
  assertOptions('createPricePublisher', options, OPTIONS)
  return new PricePublisher(options)
}

/** Writes price updates to a price topic, many in a request. With `updatesPerRecord` above 1 they go in frames, too. */
export class PricePublisher {
  readonly #options: PricePublisherOptions
  readonly #batcher: MicroBatcher
  readonly #partitions = new Map<string, number>()
  readonly #frames = new Map<string, Frame>()
  readonly #linger: Alarm

  constructor(options: PricePublisherOptions) {
    this.#options = options
    this.#linger = new Alarm(() => this.#sendFrames(), options.timer)
    this.#batcher = new MicroBatcher(options.producer, { ...options.batch, topic: options.topic })
  }

  /**
   * Resolves when the broker has acknowledged the update. Rejects with a BrokerError if it has not, and for an update
   * that no node would accept: one with a bad event time or name, and any that is to share a record.
   */
  produce(update: PriceUpdate): Promise<void> {
    const { clock = systemClock, updatesPerRecord = 1 } = this.#options
    const against = checkedEventTime(update.eventTimeMs) ?? checkedAhead(update.eventTimeMs, clock.now())
    if (against !== undefined) return this.#refuse(against.detail)
    const names = namesOf(update)
    if ('ok' in names) return this.#refuse(names.detail)
    if (updatesPerRecord > 1) return this.#produceFramed(update)
    return this.#send(pairKey(update.chain, update.pair), update)
  }

  /**
   * Delists the pair: its price is dropped everywhere. Updates that were produced before it arrive before it. Rejects with
   * a BrokerError for names that no node would accept.
   */
  delist(chain: string, pair: string): Promise<void> {
    const against = checkedNames(chain, pair)
    if (against !== undefined) return this.#refuse(against.detail)
    const frame = this.#frames.get(chain)
    if (frame !== undefined) this.#sendFrame(chain, frame)
    return this.#batcher.add({ partition: this.#partitionOf(chain), key: pairKey(chain, pair), value: null })
  }

  /** Resolves when everything that was produced so far is acknowledged or has failed. */
  async flush(): Promise<void> {
    this.#sendFrames()
    await this.#batcher.flush()
  }

  async close(): Promise<void> {
    this.#sendFrames()
    await this.#batcher.close()
  }

  #produceFramed(update: PriceUpdate): Promise<void> {
    // A node accepts a record whole or not at all, so one such update would cost all others of its frame.
    const read = updatesOf(update)
    if (!read.ok) return this.#refuse(read.detail)
    const bytes = this.#bytesOf(update)
    let frame = this.#frames.get(update.chain)
    if (frame !== undefined && frame.bytes + bytes > (this.#options.maxBatchBytes ?? Number.POSITIVE_INFINITY)) {
      this.#sendFrame(update.chain, frame)
      frame = undefined
    }
    if (frame === undefined) {
      const { promise: sent, resolve } = Promise.withResolvers<void>()
      frame = { updates: [], bytes: BATCH_HEADER_BYTES + Buffer.byteLength(update.chain), sent, resolve }
      // A caller that gives onDropped may ignore the promise.
      if (this.#options.batch?.onDropped !== undefined) sent.catch(() => undefined)
      this.#frames.set(update.chain, frame)
      if (!this.#linger.isSet) this.#linger.set(FRAME_LINGER_MS)
    }
    frame.updates.push(update)
    frame.bytes += bytes
    if (frame.updates.length >= (this.#options.updatesPerRecord ?? 1)) this.#sendFrame(update.chain, frame)
    return frame.sent
  }

  /** The update's share of a frame. As Avro it has fewer bytes. Without a limit nothing is measured. */
  #bytesOf(update: PriceUpdate): number {
    return this.#options.maxBatchBytes === undefined ? 0 : Buffer.byteLength(encodePriceJson(update)) + 1
  }

  #sendFrames(): void {
    this.#linger.clear()
    for (const [chain, frame] of this.#frames) this.#sendFrame(chain, frame)
  }

  #sendFrame(chain: string, frame: Frame): void {
    this.#frames.delete(chain)
    frame.resolve(this.#send(chain, frame.updates))
  }

  #send(key: string, updates: PriceUpdate | readonly PriceUpdate[]): Promise<void> {
    const { encoding = 'json', timestamps = 'broker' } = this.#options
    const first = Array.isArray(updates) ? (updates[0] as PriceUpdate) : (updates as PriceUpdate)
    try {
      const value = encoding === 'json' ? encodePriceJson(updates) : encodePriceAvro(updates)
      const stamp = timestamps === 'event-time' && { timestampMs: Math.floor(first.eventTimeMs) }
      return this.#batcher.add({ partition: this.#partitionOf(first.chain), key, value, ...stamp })
    } catch (cause) {
      return this.#refuse(cause)
    }
  }

  #refuse(cause: unknown): Promise<void> {
    const { onDropped } = this.#options.batch ?? {}
    const error = new BrokerError('refused', `the update cannot be written: ${cause}`, { retriable: false, cause })
    const refusal = Promise.reject(error)
    if (onDropped !== undefined) {
      onDropped(error, 1)
      refusal.catch(() => undefined)
    }
    return refusal
  }

  #partitionOf(chain: string): number {
    const known = this.#partitions.get(chain)
    if (known !== undefined) return known
    const partition = partitionOf(chain, this.#options.partitions)
    this.#partitions.set(chain, partition)
    return partition
  }
}
