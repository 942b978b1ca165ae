import { partitionName } from '../../partition-name.ts'
import type { TopicPartition } from '../../port.ts'
import type { FetchedOffset } from '../wire/group-offsets.ts'
import type { Topics } from './topics.ts'

const NOTE = /^(0?)((\d+) ([0-9a-f]{32})?)$/

/**
 * The text that is stored beside a committed offset and stays with the partition. It holds the generation in which the
 * group first committed the partition, and the topic's id: a topic that is made again has the old one's name.
 * A zero before the generation says that what was handled up to the offset is kept. Builds that do not know it read past it.
 */
export function keptNote(note: string, isKept: boolean): string {
  return isKept && note !== '' ? `0${note}` : note
}

/** The note of a partition, whatever is kept. */
export function commitNote(generation: number, topicId: string | undefined): string {
  return `${generation} ${topicId ?? ''}`
}

export interface GroupPastOptions {
  /** The commits of all partitions of the topics that are taken. */
  readonly answers: readonly FetchedOffset[]
  /** The current generation, in which partitions are taken. */
  readonly generation: number
  readonly topics: Topics
}

export interface GroupPast {
  /** The committed offsets. */
  readonly known: ReadonlyMap<string, bigint>
  /** The note to store beside the partition's offsets. */
  readonly noteOf: (partition: TopicPartition) => string
  /** Nothing was handled of the partition yet, or all of it is kept, as far as is known. */
  readonly isKept: (partition: TopicPartition) => boolean
  /** True if the group read the topic before this partition existed. Such a partition is read from its start. */
  readonly isNew: (partition: TopicPartition) => boolean
}

/**
 * Draws from a group's commits what they tell of its past. If an earlier generation committed some partitions of a topic,
 * a partition without a commit did not exist then. A commit of a deleted topic does not count for the topic that has its
 * name now.
 */
export function groupPast({ answers, generation, topics }: GroupPastOptions): GroupPast {
  const known = new Map<string, bigint>()
  const notes = new Map<string, string>()
  const unkept = new Set<string>()
  const readBefore = new Set<string>()
  for (const { topic, partition, offset, note } of answers) {
    if (offset === undefined) continue
    // Other clients store no note, or another text.
    const [, mark, plain = '', noted = '-1', topicId] = NOTE.exec(note) ?? []
    if (Number(noted) < generation) readBefore.add(topic)
    if (topics.isStale({ topic, topicId })) {
      readBefore.add(topic)
      continue
    }
    const name = partitionName({ topic, partition })
    known.set(name, offset)
    // Before the first offset there is nothing to keep.
    if (mark !== '0' && offset > 0n) unkept.add(name)
    if (topicId !== undefined) notes.set(name, plain)
  }
  return {
    known,
    noteOf: (partition) => notes.get(partitionName(partition)) ?? commitNote(generation, topics.idOf(partition.topic)),
    isKept: (partition) => !unkept.has(partitionName(partition)),
    isNew: (partition) => readBefore.has(partition.topic) || topics.isNew(partition),
  }
}
