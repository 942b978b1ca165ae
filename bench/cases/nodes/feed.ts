import { setTimeout as pause } from 'node:timers/promises'
import { encodePriceJson } from '../../../schemas/price-json.ts'
import type { OutgoingRecord, Producer, TopicPartition } from '../../../src/broker/port.ts'
import { monotonicMs } from '../../../src/monotonic.ts'
import { chainOf, pairOf, zipf } from './market.ts'

const STEP_MS = 1
/** A feed that lags more than a second behind leaves out what it owes. */
const MOST_OWED_SECONDS = 1
const UPDATES_A_REQUEST = 4_000

/** Updates with a number each, which is also their price, and what is known of each: its pair, and when Kafka had it. */
export class Feed {
  readonly #producer: Producer
  readonly #places: readonly TopicPartition[]
  readonly #keyOf: (rank: number) => string
  readonly #next: () => number
  /** The pair of each number; there is no update 0. */
  readonly ranks: number[] = [-1]
  /** When the update was acknowledged: from then on it is in its partition for certain. */
  readonly storedMs: number[] = [Number.NaN]
  #isOn = false
  #sending: Promise<void> = Promise.resolve()

  constructor(producer: Producer, places: readonly TopicPartition[], keyOf: (rank: number) => string) {
    this.#producer = producer
    this.#places = places
    this.#keyOf = keyOf
    this.#next = zipf(places.length, 1)
  }

  get sent(): number {
    return this.ranks.length - 1
  }

  /** An update of each pair. Resolves when they are stored. */
  async everyPair(): Promise<void> {
    await this.#send(Array.from(this.#places.keys()))
  }

  /** As many updates as fast as Kafka takes them. Resolves when they are stored. */
  async backlog(updates: number, next = this.#next): Promise<void> {
    for (let left = updates; left > 0; left -= UPDATES_A_REQUEST)
      await this.#send(Array.from({ length: Math.min(left, UPDATES_A_REQUEST) }, next))
  }

  start(perSecond: number): void {
    this.#isOn = true
    this.#sending = this.#steady(perSecond)
  }

  /** Resolves when all updates are stored. */
  async stop(): Promise<void> {
    this.#isOn = false
    await this.#sending
    await this.#producer.flush()
  }

  async #steady(perSecond: number): Promise<void> {
    let lost: unknown
    let startMs = performance.now()
    for (let sent = 0; this.#isOn; await pause(STEP_MS)) {
      if (lost !== undefined) throw lost
      const due = Math.floor(((performance.now() - startMs) / 1000) * perSecond) - sent
      if (due > perSecond * MOST_OWED_SECONDS) {
        startMs = performance.now()
        sent = 0
      } else if (due > 0) {
        sent += due
        this.#send(Array.from({ length: due }, this.#next)).catch((error: unknown) => {
          lost = error
        })
      }
    }
  }

  async #send(ranks: readonly number[]): Promise<void> {
    const byTopic = new Map<string, OutgoingRecord[]>()
    const from = this.ranks.length
    for (const rank of ranks) {
      const { topic, partition } = this.#places[rank] as TopicPartition
      const records = byTopic.get(topic) ?? []
      byTopic.set(topic, records)
      const sequence = this.ranks.length
      const named = { pair: pairOf(rank), chain: chainOf(rank) }
      const value = encodePriceJson({ ...named, price: sequence, eventTimeMs: Date.now(), sequence })
      records.push({ partition, key: this.#keyOf(rank), value })
      this.ranks.push(rank)
      this.storedMs.push(Number.POSITIVE_INFINITY)
    }
    await Promise.all([...byTopic].map(([topic, records]) => this.#producer.sendBatch(topic, records)))
    this.storedMs.fill(monotonicMs(), from, from + ranks.length)
  }
}
