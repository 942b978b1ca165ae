import { storeDouble } from './shared-double.ts'

export const UNKNOWN_SOURCE = 0
/** All topics as one. */
export const EVERYTHING = 1
/** The moment of a source about which nothing is known. */
export const NEVER = Number.NEGATIVE_INFINITY

export const SOURCE_BITS = 14
export const MAX_SOURCES = 2 ** SOURCE_BITS

/** In place of a value's moment: the moment of its source, as that goes on. */
export const FOLLOWS = Number.POSITIVE_INFINITY

export interface SourcesSnapshot {
  readonly epoch: number
  readonly moments: Float64Array
}

/** The sources of a topic: as a whole, and by partition. Those that were never heard of are UNKNOWN_SOURCE. */
export class TopicSources {
  readonly whole: number
  readonly partitions: number[] = []
  /** The topic is made up of so many: none if it is gone. It had the others before it was made again. */
  count = 0
  /** Updates of one pair may have come from several partitions. */
  isMerged = false
  /** How many partitions it has, as far as was told; 0: not yet. */
  told = 0

  constructor(whole: number) {
    this.whole = whole
  }

  /** The partitions that it is made up of. */
  get current(): readonly number[] {
    return this.partitions.slice(0, this.count)
  }
}

/** The moment of each source. A topic as a whole is as old as its oldest partition, and EVERYTHING as the oldest topic. */
export class Moments {
  readonly buffer = new SharedArrayBuffer(MAX_SOURCES * 8)
  readonly #moments = new Float64Array(this.buffer).fill(NEVER)
  readonly #bits = new BigInt64Array(this.buffer)
  readonly #topics: ReadonlyMap<string, TopicSources>
  /** The topics of which a partition has changed. */
  readonly #changed = new Set<TopicSources>()
  #isTogether = false

  constructor(topics: ReadonlyMap<string, TopicSources>) {
    this.#topics = topics
  }

  at(id: number): number {
    return this.#moments[id] as number
  }

  /** Those of so many sources. */
  first(count: number): Float64Array {
    return this.#moments.slice(0, count)
  }

  set(id: number, atMs: number, of: TopicSources | undefined): void {
    const before = this.at(id)
    storeDouble(this.#bits, id, atMs)
    // A partition that was not the oldest, and goes on, leaves the topic as old as it was.
    if (of === undefined || (atMs > before && before > this.at(of.whole))) return
    this.changed(of)
  }

  /** The topic is made up of other partitions, or one of them has another moment. */
  changed(of: TopicSources): void {
    this.#changed.add(of)
    if (!this.#isTogether) this.#reckon()
  }

  /** Nothing is known of one of the topic's partitions. */
  forget({ whole }: TopicSources): void {
    storeDouble(this.#bits, whole, NEVER)
    storeDouble(this.#bits, EVERYTHING, NEVER)
  }

  together(set: () => void): void {
    this.#isTogether = true
    try {
      set()
    } finally {
      this.#isTogether = false
      if (this.#changed.size > 0) this.#reckon()
    }
  }

  #reckon(): void {
    for (const { whole, count, current } of this.#changed)
      if (count > 0) storeDouble(this.#bits, whole, this.#oldest(current))
    this.#changed.clear()
    const topics = [...this.#topics.values()].filter(({ count }) => count > 0)
    storeDouble(this.#bits, EVERYTHING, this.#oldest(topics.map(({ whole }) => whole)))
  }

  #oldest(ids: readonly number[]): number {
    let oldest = Number.POSITIVE_INFINITY
    for (const id of ids) oldest = Math.min(oldest, this.at(id))
    return ids.length === 0 ? NEVER : oldest
  }
}
