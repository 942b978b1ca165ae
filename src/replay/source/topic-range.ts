import { TOPIC_NAME, TOPIC_NAMES } from '../../../schemas/topics.ts'
import type { Admin, OffsetRange, TopicPartitionOffset } from '../../broker/port.ts'
import { clusterHas } from '../../broker/price-topics.ts'
import type { RecordFilter } from '../filter.ts'
import { ReplayError } from '../replay-error.ts'

/** Selects records of topics by their position. */
export interface TopicRangeRequest extends Omit<RecordFilter, 'chains' | 'pairs' | 'sample'> {
  readonly topics: readonly string[]
  /** Starts at the topics' ends, to follow them. */
  readonly atEnd?: boolean
  /** Whether records are read beyond the end, as they come. */
  readonly follow?: boolean
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
  const ends: bigint[] = []
  for (const topic of request.topics) {
    await assertTopicName(admin, topic)
    const count = await admin.partitions(topic)
    if (count === undefined) throw await noSuchTopic(admin, topic)
    partitions.set(topic, count)
    const offsets = await admin.offsets(topic)
    ends.push(...offsets.filter(({ partition }) => isWanted(partition, request)).map(({ stableEnd }) => stableEnd))
    ranges.push(...(await rangesOf(admin, topic, { ...request, offsets })))
  }
  assertPartitions(request.partitions, partitions)
  assertBeforeEnd(request, ends)
  return { ranges, partitions }
}

/** Throws `bad-option` for a partition that none of the topics has. */
export function assertPartitions(wanted: Iterable<number> = [], topics: ReadonlyMap<string, number>): void {
  const most = Math.max(0, ...topics.values())
  for (const partition of wanted)
    if (!(partition >= 0 && partition < most))
      throw new ReplayError('bad-option', `partitions: got ${partition}; allowed: 0 to ${most - 1}`)
}

/** Throws `bad-option` if no partition has a record at the offset or after it. What is followed may begin at the end. */
function assertBeforeEnd({ fromOffset = 0n, follow = false }: TopicRangeRequest, ends: readonly bigint[]): void {
  const last = greatest(0n, ...ends)
  if (fromOffset > 0n && (follow ? fromOffset > last : fromOffset >= last))
    throw new ReplayError('bad-option', `fromOffset: got ${fromOffset}, but the records end before offset ${last}`)
}

/** Throws `bad-option` for what cannot be the name of a topic, such as a pattern. */
export async function assertTopicName(admin: Admin, topic: string): Promise<void> {
  if (TOPIC_NAME.test(topic)) return
  const got = JSON.stringify(topic)
  const isPattern = /^\/.*\/[a-z]*$/.test(topic)
  const allowed = isPattern ? 'names, no pattern' : TOPIC_NAMES
  throw new ReplayError('bad-option', `topics: got ${got}; allowed: ${allowed}; ${clusterHas(await admin.topics())}`)
}

function isWanted(partition: number, { partitions }: TopicRangeRequest): boolean {
  return partitions?.has(partition) !== false
}

async function rangesOf(
  admin: Admin,
  topic: string,
  request: TopicRangeRequest & { readonly offsets: readonly OffsetRange[] },
): Promise<readonly PartitionRange[]> {
  const starts = request.sinceMs === undefined ? undefined : await offsetsAt(admin, topic, request.sinceMs)
  const ends = request.untilMs === undefined ? undefined : await offsetsAt(admin, topic, request.untilMs + LATE_MS)
  // Records behind an open transaction are not decided yet: the range ends where committed ones can be read.
  return request.offsets.map(({ partition, low, stableEnd: high }) => {
    const end = isWanted(partition, request)
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
  return new ReplayError('no-such-topic', `topic ${topic} does not exist; ${clusterHas(await admin.topics(), topic)}`)
}
