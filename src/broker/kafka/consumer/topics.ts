import { partitionName } from '../../partition-name.ts'
import type { TopicPartition } from '../../port.ts'
import type { Led } from '../fetch/offsets.ts'
import type { Cluster } from '../wire/cluster.ts'
import { CODE } from '../wire/codes.ts'
import type { TopicMetadata } from '../wire/metadata.ts'
import type { SeenTopic } from './topic-watch.ts'

export type TopicChange = 'found' | 'gone' | 'dropped' | 'forbidden' | 'back' | 'made-again' | 'grown' | 'left-out'

interface KnownTopic {
  metadata: TopicMetadata
  /** The number of partitions when this consumer first saw the topic. */
  readonly countAtStart: number
  /** It was made, or seen first, when others were read already. */
  readonly isFound: boolean
  away: 'gone' | 'forbidden' | undefined
  /** The ids that other ids have replaced, and when. */
  readonly earlierIds: Map<string, number>
}

/**
 * An id that was replaced is ignored for so long, while some brokers are behind. It counts again afterwards: a broker that
 * was behind may have told the older id last.
 */
const IGNORED_MS = 30_000
/** So many dropped topics are remembered. */
const MOST_DROPPED = 1_000

/** What is known of the topics that a consumer reads, as of the last look. */
export class Topics {
  readonly #cluster: Pick<Cluster, 'metadata'>
  readonly #known = new Map<string, KnownTopic>()
  /** Known topics that are gone for good, and may be made again. The one that was dropped first is first. */
  readonly #dropped = new Set<string>()
  readonly #nowMs: () => number

  constructor(cluster: Pick<Cluster, 'metadata'>, nowMs = () => performance.now()) {
    this.#cluster = cluster
    this.#nowMs = nowMs
  }

  /** The names of all topics that were noted and not dropped. */
  names(): string[] {
    return [...this.#known.keys()].filter((topic) => !this.#dropped.has(topic))
  }

  /**
   * Returns what has changed. Ignores a broker whose metadata is older than what is known. A topic that is noted for the
   * first time is one of those that were asked for, unless it was found.
   */
  note(metadata: SeenTopic, isFound = false): TopicChange | undefined {
    const { topic, error, watched } = metadata
    const known = this.#known.get(topic)
    if (watched === 'left-out') return 'left-out'
    if (watched === 'dropped') this.#drop(topic)
    if (error !== CODE.none) return known && (noteError(known, error) ?? (watched === 'dropped' ? watched : undefined))
    if (known === undefined) {
      const countAtStart = metadata.partitions.length
      this.#known.set(topic, { metadata, countAtStart, isFound, away: undefined, earlierIds: new Map() })
      return isFound ? 'found' : undefined
    }
    const before = known.metadata
    const isAnother = isMadeAgain(known, metadata)
    if (this.#isBehind(known, metadata)) return undefined
    if (isAnother && before.id !== undefined) known.earlierIds.set(before.id, this.#nowMs())
    const wasAway = known.away !== undefined
    known.metadata = metadata
    known.away = undefined
    this.#dropped.delete(topic)
    if (isAnother) return 'made-again'
    if (wasAway) return 'back'
    return metadata.partitions.length > before.partitions.length ? 'grown' : undefined
  }

  /** True while a topic is gone or forbidden, and may be back soon. */
  get isSomeAway(): boolean {
    return this.names().some((topic) => this.count(topic) === undefined)
  }

  idOf(topic: string): string | undefined {
    return this.#known.get(topic)?.metadata.id
  }

  /** The number of partitions, also while the topic is gone or forbidden. */
  partitions(topic: string): number {
    return this.#known.get(topic)?.metadata.partitions.length ?? 0
  }

  /** The number of partitions; undefined while the topic is gone or forbidden. */
  count(topic: string): number | undefined {
    const known = this.#known.get(topic)
    return known?.away === undefined ? known?.metadata.partitions.length : undefined
  }

  /** True if the partition belongs to the current topic of its name, and the topic is there. */
  has({ topic, topicId }: { readonly topic: string; readonly topicId: string | undefined }): boolean {
    return this.count(topic) !== undefined && !this.isStale({ topic, topicId })
  }

  /** True if the partition belongs to a deleted topic, and another topic has its name now. */
  isStale({ topic, topicId }: { readonly topic: string; readonly topicId: string | undefined }): boolean {
    const id = this.idOf(topic)
    return topicId !== undefined && id !== undefined && topicId !== id
  }

  /** True if the partition did not exist when this consumer first saw the topic. */
  isNew({ topic, partition }: TopicPartition): boolean {
    const known = this.#known.get(topic)
    return known !== undefined && (known.earlierIds.size > 0 || partition >= known.countAtStart)
  }

  /** True for a topic that was found when others were read already. */
  isFound({ topic }: TopicPartition): boolean {
    return this.#known.get(topic)?.isFound === true
  }

  /** The partitions of all topics that are there. */
  all(): Led[] {
    return [...this.#known.values()].flatMap(({ metadata: { topic, partitions }, away }) =>
      away === undefined ? partitions.map(({ partition, leader }) => ({ topic, partition, leader })) : [],
    )
  }

  /** With their leaders; those that are not known are left out. */
  led(partitions: readonly TopicPartition[]): Led[] {
    const all = new Map(this.all().map((each) => [partitionName(each), each]))
    return partitions.flatMap((each) => all.get(partitionName(each)) ?? [])
  }

  /**
   * Partition counts of these topics, asked anew. If the broker is behind or answers with an error, the last known count
   * stands. Without it the topic would be assigned to nobody, and nothing would start another rebalance. A topic that is
   * away or was never seen has no count.
   */
  async countsOf(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const { topics: seen } = await this.#cluster.metadata(topics)
    return new Map(
      seen.flatMap((metadata) => {
        const { error, topic, partitions } = metadata
        const known = this.#known.get(topic)
        const isOld = error !== CODE.none || (known !== undefined && this.#isBehind(known, metadata))
        const count = isOld ? this.count(topic) : partitions.length
        return count === undefined ? [] : [[topic, count]]
      }),
    )
  }

  #drop(topic: string): void {
    if (!this.#known.has(topic)) return
    this.#dropped.add(topic)
    const [oldest] = this.#dropped
    if (oldest === undefined || this.#dropped.size <= MOST_DROPPED) return
    this.#dropped.delete(oldest)
    this.#known.delete(oldest)
  }

  /** True if the broker tells of a deleted topic, or does not know all partitions yet. */
  #isBehind(known: KnownTopic, seen: TopicMetadata): boolean {
    if (!isMadeAgain(known, seen)) return seen.partitions.length < known.metadata.partitions.length
    return this.#nowMs() - (known.earlierIds.get(seen.id ?? '') ?? -Infinity) < IGNORED_MS
  }
}

function isMadeAgain({ metadata: { id: before } }: KnownTopic, { id }: TopicMetadata): boolean {
  return id !== undefined && before !== undefined && id !== before
}

/** Other errors pass: for instance, leaders are being elected. */
function noteError(known: KnownTopic, error: number): 'gone' | 'forbidden' | undefined {
  const before = known.away
  if (error === CODE.unknownTopicOrPartition) known.away = 'gone'
  if (error === CODE.topicNotAuthorized) known.away = 'forbidden'
  return known.away === before ? undefined : known.away
}
