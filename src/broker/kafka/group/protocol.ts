import type { TopicPartition } from '../../port.ts'
import { byTopic } from '../wire/by-topic.ts'
import { ByteReader } from '../wire/reader.ts'
import { RequestWriter } from '../wire/writer.ts'

/**
 * What members tell each other over the coordinator, in the consumer protocol that all Kafka clients share:
 *
 *   subscription  version · topics · user data · (1) owned partitions · (2) generation · (3) rack
 *   assignment    version · topics with their partitions · user data
 */
export interface Subscription {
  readonly topics: readonly string[]
  /** What the member holds while it joins. */
  readonly owned: readonly TopicPartition[]
  /** In which generation it got them; -1 where it does not say. */
  readonly generation: number
}

const SUBSCRIPTION_VERSION = 3
const ASSIGNMENT_VERSION = 0
const WITH_OWNED = 1
const WITH_GENERATION = 2

export function encodeSubscription({ topics, owned, generation }: Subscription): Buffer {
  const names = topics.reduce((sum, topic) => sum + 2 + 3 * topic.length, 0)
  const writer = new RequestWriter(64 + names + partitionsBytes(owned))
  writer.int16(SUBSCRIPTION_VERSION)
  writer.int32(topics.length)
  for (const topic of topics) writer.string(topic)
  writer.int32(-1)
  writePartitions(writer, owned)
  writer.int32(generation)
  // No rack.
  writer.int16(-1)
  return writer.written
}

/** Versions above ours have more behind it, which is passed over. Throws a MalformedAnswer. */
export function decodeSubscription(metadata: Buffer): Subscription {
  const reader = new ByteReader(metadata)
  const version = reader.int16()
  const topics = reader.array(() => reader.string())
  reader.sizedBytes()
  const owned = version >= WITH_OWNED && reader.at < metadata.length ? readPartitions(reader) : []
  const generation = version >= WITH_GENERATION && reader.at < metadata.length ? reader.int32() : -1
  return { topics, owned, generation }
}

export interface Assigned {
  readonly partitions: readonly TopicPartition[]
  /** Somebody has to give partitions up first: the group is about to rebalance once more. */
  readonly isMoreToCome: boolean
}

const MORE_TO_COME = 1

export function encodeAssignment({ partitions, isMoreToCome }: Assigned): Buffer {
  const writer = new RequestWriter(32 + partitionsBytes(partitions))
  writer.int16(ASSIGNMENT_VERSION)
  writePartitions(writer, partitions)
  writer.int32(isMoreToCome ? 1 : -1)
  if (isMoreToCome) writer.int8(MORE_TO_COME)
  return writer.written
}

/** Nothing was assigned where it is empty. Throws a MalformedAnswer. */
export function decodeAssignment(assignment: Buffer): Assigned {
  if (assignment.length === 0) return { partitions: [], isMoreToCome: false }
  const reader = new ByteReader(assignment)
  reader.int16()
  const partitions = readPartitions(reader)
  const userData = reader.at < assignment.length ? reader.sizedBytes() : undefined
  return { partitions, isMoreToCome: userData?.[0] === MORE_TO_COME }
}

function partitionsBytes(partitions: readonly TopicPartition[]): number {
  return 4 + partitions.reduce((sum, { topic }) => sum + 10 + 3 * topic.length, 0)
}

function writePartitions(writer: RequestWriter, partitions: readonly TopicPartition[]): void {
  const topics = byTopic(partitions)
  writer.int32(topics.length)
  for (const { topic, of } of topics) {
    writer.string(topic)
    writer.int32(of.length)
    for (const { partition } of of) writer.int32(partition)
  }
}

function readPartitions(reader: ByteReader): TopicPartition[] {
  const topics = reader.array(() => {
    const topic = reader.string()
    return reader.array(() => ({ topic, partition: reader.int32() }))
  })
  return topics.flat()
}
