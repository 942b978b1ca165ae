import { encodePriceJson } from '../../../schemas/price-json.ts'
import { Alarm } from '../../../src/alarm.ts'
import type { OutgoingRecord, TopicPartition } from '../../../src/broker/port.ts'
import type { NoReading, Reading } from '../../../src/detect/reading.ts'
import { monotonicMs } from '../../../src/monotonic.ts'
import type { Stage } from '../../node/stage.ts'

const EVERY_MS = 2
const UPDATES_A_TURN = 2
/** The most by which the clocks of the readings and of the market differ. */
const INEXACT_MS = 0.05

export interface MarketOptions {
  readonly pairs: readonly { readonly chain: string; readonly pair: string }[]
  /** The place of a pair's next update, and its key. */
  readonly placeOf: (pair: number, update: number) => TopicPartition & { readonly key?: string }
  /** The milliseconds between two updates and the next two; 2 unless given. */
  readonly everyMs?: number
}

/** A read that contradicts what the market knows. */
export interface Contradiction {
  readonly what: 'bound too small' | 'version went back' | 'bound not kept' | 'never sent'
  readonly pair: string
  readonly behindMs: number
  readonly distanceMs: number
}

/** How often and how well one reader has read. */
export interface ReaderState {
  reads: number
  /** The bounds and the distances of the last reads, by pair. */
  readonly behindMs: number[]
  readonly distanceMs: number[]
  readonly versions: number[]
  /** The updates that were read last. */
  readonly updates: number[]
}

export interface JudgeOptions {
  readonly maxBehindMs?: number | undefined
  /** A moment before the read. A later one would charge the reading with the time for which this process stood still since. */
  readonly atMs: number
}

export const MAX_BEHIND_MS = 300

/**
 * Updates of pairs, a few every moment, and the moment at which Kafka had acknowledged each. Reads are judged by that: a
 * pair that is not the newest any more was so at most as long ago as its bound says.
 */
export class Market {
  readonly #stage: Stage
  readonly #everyMs: number
  readonly pairs: MarketOptions['pairs']
  placeOf: MarketOptions['placeOf']
  /** For each pair the number and the moment of its updates that are stored. An update's number is its price. */
  readonly #stored: Stored[][]
  readonly #eventTimesMs: number[]
  /** What each update said; the index is its number. */
  readonly #sent: { readonly pair: number; readonly eventTimeMs: number }[] = []
  readonly contradictions: Contradiction[] = []
  readonly #next = new Alarm(() => this.#turn())
  /** How many updates were sent. */
  updates = 0
  #sending: Promise<unknown> = Promise.resolve()
  failure: unknown

  constructor(stage: Stage, { pairs, placeOf, everyMs = EVERY_MS }: MarketOptions) {
    this.#everyMs = everyMs
    this.#stage = stage
    this.pairs = pairs
    this.placeOf = placeOf
    this.#stored = pairs.map(() => [])
    this.#eventTimesMs = pairs.map(() => 0)
  }

  /** Resolves when each pair has had an update. */
  async open(): Promise<void> {
    await this.#send(this.pairs.map((_, pair) => pair))
    this.#turn()
  }

  /** Resolves when the last update is stored; `open` goes on. */
  async pause(): Promise<void> {
    this.#next.clear()
    await this.#sending
  }

  async close(): Promise<void> {
    this.#next.close()
    await this.#sending
  }

  /** The number of the newest update of a pair; 0 if there is none. */
  lastOf(pair: number): number {
    return this.#sent.findLastIndex((update) => update?.pair === pair)
  }

  reader(): ReaderState {
    return { reads: 0, behindMs: [], distanceMs: [], versions: [], updates: [] }
  }

  /** Judges a read, with `maxBehindMs` if that is given. */
  judge(of: ReaderState, pair: number, reading: Reading | NoReading, options: JudgeOptions): void {
    const { maxBehindMs, atMs } = options
    of.reads++
    if (typeof reading === 'string') {
      if (reading === 'behind' && maxBehindMs !== undefined) return
      of.behindMs[pair] = Number.POSITIVE_INFINITY
      return
    }
    const newer = newerThan(this.#stored[pair] ?? [], reading.price)
    const distanceMs = newer === undefined ? 0 : atMs - newer.atMs
    const { behindMs, version } = reading
    const found = { pair: reading.pair, behindMs, distanceMs }
    const sent = this.#sent[reading.price]
    if (sent?.pair !== pair || sent.eventTimeMs !== reading.eventTimeMs)
      this.contradictions.push({ what: 'never sent', ...found })
    if (distanceMs > behindMs + INEXACT_MS) this.contradictions.push({ what: 'bound too small', ...found })
    if (version < (of.versions[pair] ?? 0)) this.contradictions.push({ what: 'version went back', ...found })
    if (behindMs > (maxBehindMs ?? behindMs)) this.contradictions.push({ what: 'bound not kept', ...found })
    of.versions[pair] = version
    of.behindMs[pair] = behindMs
    of.distanceMs[pair] = distanceMs
    of.updates[pair] = reading.price
  }

  #turn(): void {
    this.#next.set(this.#everyMs)
    const pairs = Array.from({ length: UPDATES_A_TURN }, () => Math.floor(Math.random() * this.pairs.length))
    this.#sending = this.#send(pairs).catch((error: unknown) => {
      this.failure = error
    })
  }

  async #send(pairs: readonly number[]): Promise<void> {
    const records = new Map<string, OutgoingRecord[]>()
    const sent: { readonly pair: number; readonly number: number }[] = []
    for (const pair of pairs) {
      const number = ++this.updates
      const { topic, partition, key } = this.placeOf(pair, number)
      // Event times of a pair rise, so that its newest update is the one with the highest number.
      const eventTimeMs = Math.max((this.#eventTimesMs[pair] ?? 0) + 1, Date.now())
      this.#eventTimesMs[pair] = eventTimeMs
      const value = encodePriceJson({ ...(this.pairs[pair] ?? { chain: '', pair: '' }), price: number, eventTimeMs })
      const ofTopic = records.get(topic) ?? []
      records.set(topic, ofTopic)
      ofTopic.push({ partition, value, ...(key !== undefined && { key }) })
      this.#sent[number] = { pair, eventTimeMs }
      sent.push({ pair, number })
    }
    await Promise.all([...records].map(([topic, ofTopic]) => this.#stage.producer.sendBatch(topic, ofTopic)))
    const atMs = monotonicMs()
    for (const { pair, number } of sent) this.#stored[pair]?.push({ number, atMs })
  }
}

interface Stored {
  readonly number: number
  readonly atMs: number
}

/** The first of the updates with a higher number; most reads know all but the last. */
function newerThan(stored: readonly Stored[], number: number): Stored | undefined {
  const known = stored.findLastIndex((each) => each.number <= number)
  return stored[known + 1]
}
