import type { PriceUpdate } from '../../schemas/price-update.ts'
import type { KafkaRecord } from '../kafka-record.ts'
import type { Format } from './format.ts'

/** Records of one reason, and the first of them. */
export interface RefusedRecords {
  readonly reason: string
  readonly records: number
  readonly first: { readonly partition: number; readonly offset: string; readonly detail: string }
}

export interface FormatCheckReport {
  readonly topic: string
  /** The format by which the records were read: its place in the settings, or `forewarm`. */
  readonly format: string
  readonly records: number
  readonly updates: number
  readonly pairs: number
  readonly deleted: number
  /** Records, and items of their lists, that say nothing of prices. */
  readonly skipped: number
  readonly rounded: number
  readonly refused: readonly RefusedRecords[]
  readonly microsecondsARecord: number
  /** The first updates. */
  readonly examples: readonly PriceUpdate[]
}

const EXAMPLES = 3
/** The names are only counted. */
const MOST_PAIRS = 1_000_000

/** Tells what a format makes of records. */
export class FormatCheck {
  readonly #topic: string
  readonly #format: Format
  readonly #now: () => number
  readonly #pairs = new Set<string>()
  readonly #refused = new Map<string, { records: number; readonly first: RefusedRecords['first'] }>()
  readonly #examples: PriceUpdate[] = []
  readonly #counts = { records: 0, updates: 0, deleted: 0, skipped: 0, rounded: 0 }
  #busyMs = 0

  constructor(topic: string, format: Format, now = () => performance.now()) {
    this.#topic = topic
    this.#format = format
    this.#now = now
  }

  add(record: KafkaRecord): void {
    const counts = this.#counts
    const startMs = this.#now()
    const said = this.#format.decode(record)
    this.#busyMs += this.#now() - startMs
    counts.records++
    if (!said.ok) {
      const { partition, offset } = record
      const refused = this.#refused.get(said.reason)
      if (refused !== undefined) refused.records++
      else
        this.#refused.set(said.reason, { records: 1, first: { partition, offset: `${offset}`, detail: said.detail } })
      return
    }
    counts.updates += said.updates.length
    counts.deleted += said.deleted.length
    counts.skipped += said.skipped
    counts.rounded += said.rounded
    for (const update of said.updates) {
      if (this.#examples.length < EXAMPLES) this.#examples.push(update)
      if (this.#pairs.size < MOST_PAIRS) this.#pairs.add(`${update.chain}\0${update.pair}`)
    }
  }

  get report(): FormatCheckReport {
    return {
      ...{ topic: this.#topic, format: this.#format.name, ...this.#counts, pairs: this.#pairs.size },
      refused: [...this.#refused].map(([reason, refused]) => ({ reason, ...refused })),
      microsecondsARecord: (1000 * this.#busyMs) / Math.max(1, this.#counts.records),
      examples: this.#examples,
    }
  }
}
