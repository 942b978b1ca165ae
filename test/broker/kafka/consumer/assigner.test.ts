import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import kafkajs, { AssignerProtocol, type Cluster, type Logger, PartitionAssigners } from 'kafkajs'
import {
  assertCopartitioned,
  assignCopartitioned,
  copartitioned,
} from '../../../../src/broker/kafka/consumer/assigner.ts'

const numbers = (count: number) => Array.from({ length: count }, (_, partition) => partition)

const groups = fc.record({
  members: fc.uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 12 }),
  topics: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1 }),
  partitions: fc.integer({ min: 1, max: 40 }),
})

test('the assigner gives equal partition numbers of all topics to the same member, so that no chain is split', () => {
  fc.assert(
    fc.property(groups, ({ members, topics, partitions }) => {
      const shares = assign(members, topics, partitions)
      for (const share of shares.values()) {
        const [first = [], ...others] = topics.map((topic) => share.get(topic) ?? [])
        for (const other of others) expect(other).toEqual(first)
      }
    }),
  )
})

test('the assigner gives every partition to exactly one member, and no member two more than another', () => {
  fc.assert(
    fc.property(groups, ({ members, topics, partitions }) => {
      const shares = assign(members, topics, partitions)
      for (const topic of topics) {
        const lists = [...shares.values()].map((share) => share.get(topic) ?? [])
        expect(lists.flat().toSorted((a, b) => a - b)).toEqual(numbers(partitions))
        const sizes = lists.map(({ length }) => length)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      }
    }),
  )
})

test('the assignment does not depend on the order in which the members are listed', () => {
  expect(assign(['m2', 'm1', 'm3'], ['a', 'b'], 7)).toEqual(assign(['m3', 'm2', 'm1'], ['a', 'b'], 7))
})

test('the assigner gives a topic only to members that subscribed to it, as in a group that is being upgraded', () => {
  const members = [
    { memberId: 'old', topics: ['a'] },
    { memberId: 'new', topics: ['a', 'b'] },
  ]
  const shares = assignCopartitioned(
    members,
    new Map([...['a', 'b', 'c'].map((topic) => [topic, numbers(4)] as const)]),
  )
  expect(shares.get('old')?.has('b')).toBe(false)
  expect(shares.get('new')?.get('b')).toEqual([0, 1, 2, 3])
  expect([...shares.values()].some((share) => share.has('c'))).toBe(false)
})

test('the assigner keeps 12 partitions of two topics together for 5 members, and round robin keeps none', async () => {
  const cluster = { findTopicPartitionMetadata: () => numbers(12).map((partitionId) => ({ partitionId })) }
  const members = ['m1', 'm2', 'm3', 'm4', 'm5'].map((memberId) => ({
    memberId,
    memberMetadata: subscription(['a', 'b']),
  }))
  const together = async (assigner: typeof PartitionAssigners.roundRobin) => {
    const { assign: assignMembers } = assigner({
      cluster: cluster as unknown as Cluster,
      groupId: 'g',
      logger: undefined as unknown as Logger,
    })
    const shares = await assignMembers({ members, topics: ['a', 'b'] })
    return shares.flatMap(({ memberAssignment }) => {
      const { a = [], b = [] } = AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment ?? {}
      return a.filter((partition) => b.includes(partition))
    }).length
  }
  expect(await together(copartitioned())).toBe(12)
  expect(await together(PartitionAssigners.roundRobin)).toBe(0)
})

test('an assignment by another assigner that separates equal partitions is refused', () => {
  const both = new Map([
    ['a', numbers(2)],
    ['b', numbers(2)],
  ])
  const separated = [
    { topic: 'a', partition: 0 },
    { topic: 'b', partition: 1 },
  ]
  expect(() => assertCopartitioned(separated, both)).toThrow(
    expect.objectContaining({
      code: 'refused',
      message: 'partition 0 of a is assigned without that of b: both were expected',
    }),
  )
  expect(() => assertCopartitioned([{ topic: 'a', partition: 1 }], new Map([['a', [0, 1]]]))).not.toThrow()
})

test('an assignment may lack high partitions of a topic that has fewer', () => {
  const uneven = new Map([
    ['a', numbers(3)],
    ['b', numbers(1)],
  ])
  expect(() => assertCopartitioned([{ topic: 'a', partition: 2 }], uneven)).not.toThrow()
  expect(() => assertCopartitioned([], uneven)).not.toThrow()
})

test('the assigner hands out the cluster of its client, which KafkaJS hands to nobody else', () => {
  const told: Cluster[] = []
  const kafka = new kafkajs.Kafka({ brokers: ['127.0.0.1:1'], logLevel: kafkajs.logLevel.NOTHING })
  kafka.consumer({ groupId: 'g', partitionAssigners: [copartitioned((cluster) => told.push(cluster))] })
  expect(told).toHaveLength(1)
  for (const method of [
    'findGroupCoordinator',
    'fetchTopicsOffset',
    'findBroker',
    'findLeaderForPartitions',
  ] as const) {
    expect(told[0]?.[method]).toBeInstanceOf(Function)
  }
})

function assign(members: readonly string[], topics: readonly string[], partitions: number) {
  return assignCopartitioned(
    members.map((memberId) => ({ memberId, topics })),
    new Map(topics.map((topic) => [topic, numbers(partitions)])),
  )
}

function subscription(topics: string[]): Buffer {
  return AssignerProtocol.MemberMetadata.encode({ version: 1, topics, userData: Buffer.alloc(0) })
}
