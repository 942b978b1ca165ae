import type { Cluster, Broker as KafkaNode } from 'kafkajs'
import { partitionName } from '../../partition-name.ts'
import type { BrokerEvent, StartPosition, TopicPartition, TopicPartitionOffset } from '../../port.ts'

export interface StartOptions {
  readonly cluster: Cluster
  readonly partitions: readonly TopicPartition[]
  readonly start: StartPosition
  /** This consumer opens the group: a start at offsets or at a time wins over what is committed. */
  readonly opensGroup: boolean
  /** The next offset of each partition that was read or committed before. */
  readonly known: ReadonlyMap<string, bigint>
  readonly onEvent: (event: BrokerEvent) => void
}

export interface Start extends TopicPartitionOffset {
  readonly highWatermark: bigint
}

const EARLIEST = -2
const LATEST = -1

/**
 * The offset from which each partition is read. KafkaJS would begin elsewhere without a word: at the end or the start
 * of the log if a committed offset is out of range, at a later end after a restart if nothing was committed. So every
 * start is an explicit offset, a jump is an event, and the caller commits it.
 */
export async function resolveStarts(options: StartOptions): Promise<Start[]> {
  const { cluster, partitions, start, opensGroup, known, onEvent } = options
  if (partitions.length === 0) return []
  // The ends first: "nothing at or after the time" means from here on, not from a later end.
  const ends = await listOffsets(cluster, partitions, LATEST)
  const lows = await listOffsets(cluster, partitions, EARLIEST)
  const found =
    start.at === 'timestamp' ? await listOffsets(cluster, partitions, Math.max(0, start.timestampMs)) : undefined
  const named = new Map(start.at === 'offsets' ? start.offsets.map((at) => [partitionName(at), at.offset]) : [])
  const startsAtEnd = start.at === 'latest' || (start.at === 'committed' && start.otherwise === 'latest')
  return partitions.map(({ topic, partition }) => {
    const key = partitionName({ topic, partition })
    const low = lows.get(key) ?? 0n
    const high = ends.get(key) ?? low
    const explicit = start.at === 'timestamp' ? (found?.get(key) ?? high) : named.get(key)
    const wanted = (opensGroup ? explicit : undefined) ?? known.get(key) ?? explicit ?? (startsAtEnd ? high : low)
    // The end as of the last answer: a record may have come in between, and be what the time asks for.
    const last = found?.get(key) ?? high
    const offset = clamp(wanted, low, last > high ? last : high)
    if (offset !== wanted) onEvent({ type: 'offset-jump', topic, partition, from: wanted, to: offset })
    return { topic, partition, offset, highWatermark: high }
  })
}

export async function fetchCommitted(
  coordinator: KafkaNode,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<Map<string, bigint>> {
  const topics = listedByTopic(partitions).map(({ topic, partitions: numbers }) => ({
    topic,
    partitions: numbers.map((partition) => ({ partition, offset: '' })),
  }))
  const { responses } = await coordinator.offsetFetch({ groupId, topics })
  return new Map(
    responses.flatMap(({ topic, partitions: answers }) =>
      answers
        // Negative: nothing is committed, or KafkaJS committed "the default" for an offset that was out of range.
        .filter(({ offset }) => Number(offset) >= 0)
        .map(({ partition, offset }) => [partitionName({ topic, partition }), BigInt(offset)] as const),
    ),
  )
}

/** The first offset at or after the time, EARLIEST or LATEST; absent if there is none. */
async function listOffsets(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  fromTimestamp: number,
): Promise<Map<string, bigint>> {
  const request = listedByTopic(partitions).map(({ topic, partitions: numbers }) => ({
    topic,
    partitions: numbers.map((partition) => ({ partition })),
    fromTimestamp,
  }))
  const answers = await cluster.fetchTopicsOffset(request)
  return new Map(
    answers.flatMap(({ topic, partitions: offsets }) =>
      offsets
        .filter(({ offset }) => Number(offset) >= 0)
        .map(({ partition, offset }) => [partitionName({ topic, partition }), BigInt(offset)] as const),
    ),
  )
}

function clamp(offset: bigint, low: bigint, high: bigint): bigint {
  if (offset < low) return low
  return offset > high ? high : offset
}

/** As KafkaJS takes them. */
export function listedByTopic(partitions: readonly TopicPartition[]): { topic: string; partitions: number[] }[] {
  const lists = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const list = lists.get(topic)
    if (list === undefined) lists.set(topic, [partition])
    else list.push(partition)
  }
  return [...lists].map(([topic, list]) => ({ topic, partitions: list }))
}
