import type { Admin, TopicPartitionOffset } from '../../broker/port.ts'
import type { RecordFilter } from '../filter.ts'
import { ReplayError } from '../replay-error.ts'

/** Selects records of topics by their position. */
export interface TopicRangeRequest extends Omit<RecordFilter, 'chains' | 'pairs' | 'sample'> {
  readonly topics: readonly string[]
  /** Starts at the topics' ends, to follow them. */
  readonly atEnd?: boolean
}

export interface PartitionRange extends TopicPartitionOffset {
  /** Offset of the first record that is not read. */
  readonly end: bigint
}

export interface TopicRange {
  /** An entry for each partition of each topic, even if there is nothing to read. */
  readonly ranges: readonly PartitionRange[]
  readonly partitions: ReadonlyMap<string, number>
}

/**
 * Producers' clocks differ, so a record may come after one with a later timestamp. Reading goes on until the log is this
 * far past `until`. Records that are even later are not looked for: that would mean to read to the end.
 */
const LATE_MS = 60_000

/** Fixes the range: records written later are not in it. Rejects with `no-such-topic` or `bad-option`. */
export async function resolveTopicRange(admin: Admin, request: TopicRangeRequest): Promise<TopicRange> {
  const partitions = new Map<string, number>()
  const ranges: PartitionRange[] = []
  for (const topic of request.topics) {
    const count = await admin.partitions(topic)
    if (count === undefined) throw await noSuchTopic(admin, topic)
    partitions.set(topic, count)
    ranges.push(...(await rangesOf(admin, topic, request)))
  }
  const most = Math.max(...partitions.values())
  for (const partition of request.partitions ?? [])
    if (!(partition >= 0 && partition < most))
      throw new ReplayError('bad-option', `partitions: got ${partition}; allowed: 0 to ${most - 1}`)
  return { ranges, partitions }
}

async function rangesOf(admin: Admin, topic: string, request: TopicRangeRequest): Promise<readonly PartitionRange[]> {
  const offsets = await admin.offsets(topic)
  const starts = request.sinceMs === undefined ? undefined : await offsetsAt(admin, topic, request.sinceMs)
  const ends = request.untilMs === undefined ? undefined : await offsetsAt(admin, topic, request.untilMs + LATE_MS)
  // Records behind an open transaction are not decided yet: the range ends where committed ones can be read.
  return offsets.map(({ partition, low, stableEnd: high }) => {
    const wanted = request.partitions?.has(partition) !== false
    const end = wanted
      ? least(high, request.toOffset, ends === undefined ? undefined : (ends.get(partition) ?? high))
      : low
    if (request.atEnd === true) return { topic, partition, offset: high, end: high }
    const start = greatest(low, request.fromOffset, starts === undefined ? undefined : (starts.get(partition) ?? high))
    return { topic, partition, offset: least(start, end), end }
  })
}

async function offsetsAt(admin: Admin, topic: string, timestampMs: number): Promise<ReadonlyMap<number, bigint>> {
  const found = new Map<number, bigint>()
  for (const { partition, offset } of await admin.offsetsAt(topic, timestampMs)) {
    if (offset !== undefined) found.set(partition, offset)
  }
  return found
}

function least(first: bigint, ...others: (bigint | undefined)[]): bigint {
  return others.reduce<bigint>((least, other) => (other !== undefined && other < least ? other : least), first)
}

function greatest(first: bigint, ...others: (bigint | undefined)[]): bigint {
  return others.reduce<bigint>((most, other) => (other !== undefined && other > most ? other : most), first)
}

export async function noSuchTopic(admin: Admin, topic: string): Promise<ReplayError> {
  const names = (await admin.topics()).filter((name) => !name.startsWith('__')).sort()
  const more = names.length > 10 ? ` and ${names.length - 10} more` : ''
  const shown = names.length === 0 ? 'no topics' : names.slice(0, 10).join(', ') + more
  return new ReplayError('no-such-topic', `topic ${topic} does not exist; the cluster has ${shown}`)
}
