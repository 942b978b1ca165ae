import { setTimeout as delay } from 'node:timers/promises'
import { Alarm } from '../../../alarm.ts'
import type { Timer } from '../../../timer.ts'
import { BrokerError } from '../../port.ts'
import type { Cluster } from '../wire/cluster.ts'
import { CODE } from '../wire/codes.ts'
import type { TopicMetadata } from '../wire/metadata.ts'

/** A topic as a look tells of it. */
export interface SeenTopic extends TopicMetadata {
  /**
   * `dropped`: it matches, is gone, and is not looked at any more until it is there again.
   * `left-out`: it matches and is not looked at, because too many topics are.
   */
  readonly watched?: 'dropped' | 'left-out'
}

export interface TopicWatchOptions {
  readonly cluster: Pick<Cluster, 'metadata'>
  readonly topics: readonly string[]
  /** Others that match are looked at from the moment when they are seen first. */
  readonly matches?: ((topic: string) => boolean) | undefined
  readonly ageMs: number
  readonly onSeen: (topics: readonly SeenTopic[]) => void
  readonly onFailed: (error: unknown) => void
  readonly timer?: Timer
}

/** Topics that come and go are told apart by names, all of which are asked for: there are at most so many. */
const MOST_TOPICS = 10_000
/** Between two looks, however much has moved: the brokers elect new leaders meanwhile. */
const LEAST_GAP_MS = 50
const MOST_GAP_MS = 1_000
/** A topic that was just created reaches all brokers a moment later. */
const LOOKS = 3
const LOOK_AGAIN_MS = 100
/** A matching topic that is missing in so many looks in a row is dropped: after 2.5 s at the least. */
const LOOKS_UNTIL_DROPPED = 6

/** Looks at the metadata of the topics that are read: every so often, and when something has moved. */
export class TopicWatch {
  readonly #options: TopicWatchOptions
  readonly #names: Set<string>
  readonly #nextLook: Alarm
  /** In how many looks in a row each topic was missing. */
  readonly #missing = new Map<string, number>()
  /** Topics are left out, and one of them was told. */
  #isFull = false
  #looking: Promise<void> | undefined
  /** Looks in a row that somebody asked for. */
  #asked = 0
  #isAsked = false
  #isStopped = false

  constructor(options: TopicWatchOptions) {
    this.#options = options
    this.#nextLook = new Alarm(() => this.#ring(), options.timer)
    this.#names = new Set(options.topics)
  }

  get names(): readonly string[] {
    return [...this.#names]
  }

  /** Metadata of all topics, and the watch begins. Rejects with `unknown-topic` where one does not exist. */
  async start(): Promise<readonly TopicMetadata[]> {
    await this.#find()
    for (let look = 1; ; look++) {
      const seen = this.#names.size === 0 ? [] : (await this.#options.cluster.metadata(this.names)).topics
      // One that may not be described has no partitions either. It is for the reader to say so.
      const missing = seen.filter(
        ({ error, partitions }) => error !== CODE.topicNotAuthorized && partitions.length === 0,
      )
      if (missing.length === 0) {
        this.#nextLook.set(this.#options.ageMs)
        return seen
      }
      if (look === LOOKS) {
        const names = missing.map(({ topic }) => topic).join(', ')
        throw new BrokerError('unknown-topic', `no topic ${names}`, { retriable: true })
      }
      await delay(LOOK_AGAIN_MS)
    }
  }

  /** Something has moved: looks as soon as may be, and less often while that goes on. */
  lookSoon(): void {
    if (this.#isAsked || this.#isStopped) return
    this.#isAsked = true
    this.#nextLook.set(this.#gapMs)
    this.#asked += 1
  }

  stop(): void {
    this.#isStopped = true
    this.#nextLook.close()
  }

  get #gapMs(): number {
    return Math.min(LEAST_GAP_MS * 2 ** this.#asked, MOST_GAP_MS)
  }

  /** Adds the topics that match. Returns the first of those that are left out. */
  async #find(): Promise<TopicMetadata | undefined> {
    const { cluster, matches } = this.#options
    if (matches === undefined) return undefined
    const { topics } = await cluster.metadata()
    let leftOut: TopicMetadata | undefined
    for (const metadata of topics) {
      const { topic, error, isInternal, partitions } = metadata
      const isThere = error === CODE.none && !isInternal && partitions.length > 0
      if (!isThere || this.#names.has(topic) || !matches(topic)) continue
      if (this.#names.size < MOST_TOPICS) this.#names.add(topic)
      else leftOut ??= metadata
    }
    return leftOut
  }

  /** Drops matching topics that have been missing for a while. Returns all topics of the look. */
  #withDropped(seen: readonly TopicMetadata[]): SeenTopic[] {
    return seen.map((metadata) => {
      const { topic, error } = metadata
      const isMissing = error === CODE.unknownTopicOrPartition && this.#options.matches?.(topic) === true
      const times = isMissing ? (this.#missing.get(topic) ?? 0) + 1 : 0
      if (times === 0 || times === LOOKS_UNTIL_DROPPED) this.#missing.delete(topic)
      else this.#missing.set(topic, times)
      if (times < LOOKS_UNTIL_DROPPED) return metadata
      this.#names.delete(topic)
      return { ...metadata, watched: 'dropped' }
    })
  }

  /** Nothing happens while a look is in flight: the next one is set when it ends. */
  #ring(): void {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
  }

  async #look(): Promise<void> {
    const { cluster, ageMs, onSeen, onFailed } = this.#options
    const wasAsked = this.#isAsked
    this.#isAsked = false
    try {
      const leftOut = await this.#find()
      const { topics } = await cluster.metadata(this.names)
      if (this.#isStopped) return
      const seen = this.#withDropped(topics)
      if (leftOut !== undefined && !this.#isFull) seen.push({ ...leftOut, watched: 'left-out' })
      this.#isFull = leftOut !== undefined
      onSeen(seen)
      if (!wasAsked) this.#asked = 0
    } catch (error) {
      if (!this.#isStopped) onFailed(error)
      this.lookSoon()
    }
    this.#nextLook.set(this.#isAsked ? this.#gapMs : ageMs)
  }
}
