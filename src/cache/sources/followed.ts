import { EVERYTHING, MAX_SOURCES, type TopicSources } from './moments.ts'

/** Which sources this node follows, and since when it knows that. */
export class Followed {
  /** 1 for a source that this node follows. */
  readonly #followed = new Uint8Array(MAX_SOURCES)
  /** The epoch in which the node has got or lost the source, or a part of it, for the last time. */
  readonly #since = new Float64Array(MAX_SOURCES)

  has(id: number): boolean {
    return this.#followed[id] === 1
  }

  /** Whether this node follows the source, and has done so since the epoch began. */
  hasSince(id: number, epoch: number): boolean {
    return this.#followed[id] === 1 && epoch >= (this.#since[id] as number)
  }

  set(id: number, isFollowed: boolean, epoch: number): void {
    this.#followed[id] = isFollowed ? 1 : 0
    this.#since[id] = epoch
  }

  /** Nothing is followed yet of a partition that the topic has got. */
  grown({ whole }: TopicSources): void {
    this.#followed[whole] = 0
    this.#followed[EVERYTHING] = 0
  }

  /** A topic as a whole is followed while each of its partitions is, and all topics as one while each topic is. */
  changed(of: TopicSources, topics: Iterable<TopicSources>, epoch: number): void {
    const isFollowed = of.current.every((id) => this.has(id))
    this.set(of.whole, of.count > 0 && isFollowed, epoch)
    const areFollowed = [...topics].every(({ whole, count }) => count === 0 || this.has(whole))
    this.set(EVERYTHING, areFollowed, epoch)
  }
}
