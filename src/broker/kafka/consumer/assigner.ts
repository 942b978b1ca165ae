import { type Assigner, AssignerProtocol, type Cluster, type PartitionAssigner } from 'kafkajs'
import { BrokerError, type TopicPartition } from '../../port.ts'

const { MemberAssignment, MemberMetadata } = AssignerProtocol

const NAME = 'forewarm-copartitioned'
const VERSION = 1

export interface GroupMember {
  readonly memberId: string
  readonly topics: readonly string[]
}

/** Partition counts by topic. */
export type Partitions = ReadonlyMap<string, readonly number[]>

/**
 * Gives equal partition numbers of all topics to the same member. KafkaJS's round robin deals out all partitions of all
 * topics in one row. With it, partition 3 of two topics meet on one member only by chance (12 partitions of two topics,
 * 5 members: never). `onCluster` gets the client's view of the cluster, which KafkaJS hands to nobody else.
 */
export function copartitioned(onCluster: (cluster: Cluster) => void = () => undefined): PartitionAssigner {
  return ({ cluster }): Assigner => {
    onCluster(cluster)
    return {
      name: NAME,
      version: VERSION,
      protocol: ({ topics }) => ({
        name: NAME,
        metadata: MemberMetadata.encode({ version: VERSION, topics, userData: Buffer.alloc(0) }),
      }),
      assign: async ({ members, topics }) => {
        const partitions = new Map(
          topics.map((topic) => [
            topic,
            cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId),
          ]),
        )
        const shares = assignCopartitioned(members.map(decodeMember), partitions)
        return [...shares].map(([memberId, share]) => ({
          memberId,
          memberAssignment: MemberAssignment.encode({
            version: VERSION,
            assignment: Object.fromEntries(share),
            userData: Buffer.alloc(0),
          }),
        }))
      },
    }
  }
}

/** Every partition to one of the members that subscribed to its topic; every member is in the result. */
export function assignCopartitioned(
  members: readonly GroupMember[],
  partitions: Partitions,
): Map<string, Map<string, number[]>> {
  const sorted = members.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1))
  const shares = new Map(sorted.map(({ memberId }) => [memberId, new Map<string, number[]>()]))
  for (const [topic, numbers] of partitions) {
    const readers = sorted.filter((member) => member.topics.includes(topic))
    for (const partition of numbers.toSorted((a, b) => a - b)) {
      const reader = readers[partition % readers.length]
      const share = reader === undefined ? undefined : shares.get(reader.memberId)
      if (share === undefined) continue
      const mine = share.get(topic)
      if (mine === undefined) share.set(topic, [partition])
      else mine.push(partition)
    }
  }
  return shares
}

/**
 * Throws `refused` if a partition number is ours in one topic and another member's in another. Then a member with
 * another assigner leads the group, and a chain would be split between two trackers.
 */
export function assertCopartitioned(assigned: readonly TopicPartition[], partitions: Partitions): void {
  const mine = new Map<string, Set<number>>([...partitions.keys()].map((topic) => [topic, new Set<number>()]))
  for (const { topic, partition } of assigned) mine.get(topic)?.add(partition)
  for (const { topic, partition } of assigned) {
    for (const [other, numbers] of partitions) {
      if (mine.get(other)?.has(partition) || !numbers.includes(partition)) continue
      const message = `partition ${partition} of ${topic} is assigned without that of ${other}: both were expected`
      throw new BrokerError('refused', message, { retriable: true })
    }
  }
}

function decodeMember({ memberId, memberMetadata }: { memberId: string; memberMetadata: Buffer }): GroupMember {
  return { memberId, topics: MemberMetadata.decode(memberMetadata)?.topics ?? [] }
}
