import { settlesWithin } from '../../deadline.ts'
import { partitionName } from '../../partition-name.ts'
import type { TopicPartition } from '../../port.ts'
import type { Partition } from '../fetch/partition.ts'
import type { GroupMember, Standing } from '../group/member.ts'
import { CODE } from '../wire/codes.ts'
import { keptNote } from './commit-notes.ts'
import type { ConsumerState } from './consumer-state.ts'
import type { Topics } from './topics.ts'

export interface CommitsOptions {
  readonly member: GroupMember
  readonly topics: Topics
  readonly state: ConsumerState
  /** False once the group goes on without this member. */
  readonly mayCommit: () => boolean
  /** Gets what an answer means for the member, if it is refused. */
  readonly onRefused: (standing: Standing) => void
}

/** How long a commit waits for what was handled to be kept. */
const KEEP_MS = 1_000

/** Tells the group how far its partitions are handled, one request after the other. */
export class Commits {
  readonly #options: CommitsOptions
  /** The note that is committed with each partition's offset. */
  readonly #notes = new Map<string, string>()
  /** Partitions of which the group knows the place, and not yet that all is kept. */
  readonly #unkept = new Set<string>()
  /** Partitions that this user may not commit. */
  readonly #forbidden = new Set<string>()
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: CommitsOptions) {
    this.#options = options
  }

  /** The partition is taken. `isKept` is as in AssignedPartition. */
  note(partition: TopicPartition, text: string, isKept = true): void {
    this.#notes.set(partitionName(partition), text)
    this.#tell(partition, isKept)
  }

  /** Resolves when the group was told where it does not know, or could not be. Never rejects. */
  commit(partitions: readonly Partition[]): Promise<void> {
    const committed = this.#last.then(() => this.#commit(partitions))
    this.#last = committed
    return committed
  }

  /**
   * As `commit`, also where the group knows the place, or the topic seems to be gone. The broker forgets what was committed
   * of a deleted topic: whoever gets a partition next would take its first records in the topic made again for old ones.
   */
  commitLast(partitions: readonly Partition[]): Promise<void> {
    const committed = this.#last.then(() => {
      const known = partitions.filter((partition) => !this.#isBehind(partition))
      for (const partition of known) partition.committed = undefined
      return this.#commit(partitions, new Set(known))
    })
    this.#last = committed
    return committed
  }

  /** Nothing is left that the group could be told. */
  isDone(partition: Partition): boolean {
    return !this.#isBehind(partition) || this.#forbidden.has(partitionName(partition))
  }

  /** Reports what was handled of partitions that are given up, and is not committed. */
  tellUncommitted(partitions: readonly Partition[]): void {
    const { groupId } = this.#options.state.options
    for (const each of partitions) {
      const { topic, partition, committed: from, position: to } = each
      if (from === undefined || from >= to || !this.#isBehind(each)) continue
      this.#options.state.emit({ type: 'uncommitted', groupId, topic, partition, from, to })
    }
  }

  /** Resolves when all that was handled is kept, or cannot be in time, to what tells of which partitions it is. */
  async #kept(): Promise<(partition: TopicPartition) => boolean> {
    const { beforeCommit } = this.#options.state.options
    if (beforeCommit === undefined) return () => true
    let isKept: (partition: TopicPartition) => boolean = () => false
    const keeping = Promise.resolve().then(beforeCommit)
    await settlesWithin(
      keeping.then((tells) => {
        isKept = tells
      }),
      KEEP_MS,
    )
    return isKept
  }

  /** The group knows whether all is kept. */
  #tell(partition: TopicPartition, isKept: boolean): void {
    if (isKept) this.#unkept.delete(partitionName(partition))
    else this.#unkept.add(partitionName(partition))
  }

  #isUnkept(partition: Partition): boolean {
    return this.#unkept.has(partitionName(partition)) && this.#options.topics.has(partition)
  }

  #isBehind(partition: Partition): boolean {
    return partition.position !== partition.committed && this.#options.topics.has(partition)
  }

  /** A refusal of what was `known` already leaves nothing to tell. */
  async #commit(partitions: readonly Partition[], known: ReadonlySet<Partition> = new Set()): Promise<void> {
    const { member, state, mayCommit, onRefused } = this.#options
    const isNews = (partition: Partition) => known.has(partition) || this.#isBehind(partition)
    const places = partitions
      .filter((partition) => isNews(partition) || this.#isUnkept(partition))
      .map((of) => ({ topic: of.topic, partition: of.partition, offset: of.position, isNews: isNews(of) }))
    const isKept = places.length > 0 ? await this.#kept() : () => true
    // A place that is known is told once more only to say that all is kept by now.
    const offsets = places.filter((place) => place.isNews || isKept(place)).map(({ isNews: _, ...place }) => place)
    if (offsets.length === 0 || !mayCommit()) {
      for (const partition of known) partition.committed = partition.position
      return
    }
    try {
      const noteOf = (partition: TopicPartition) =>
        keptNote(this.#notes.get(partitionName(partition)) ?? '', isKept(partition))
      const noted = offsets.map((offset) => ({ ...offset, note: noteOf(offset) }))
      const { standing, refused } = await member.commit(noted)
      if (standing !== 'member') {
        onRefused(standing)
        return
      }
      const done = new Map(offsets.map((offset) => [partitionName(offset), offset.offset]))
      for (const { error, ...partition } of refused) {
        done.delete(partitionName(partition))
        if (error === CODE.topicNotAuthorized) this.#forbidden.add(partitionName(partition))
      }
      for (const partition of partitions) {
        const offset = done.get(partitionName(partition)) ?? (known.has(partition) ? partition.position : undefined)
        if (offset === undefined) continue
        partition.committed = offset
        this.#tell(partition, isKept(partition))
        this.#forbidden.delete(partitionName(partition))
      }
    } catch (error) {
      state.unanswered(error)
    }
  }
}
