import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type Assignments, assign, type Subscriber } from '../../../../src/broker/kafka/group/assigner.ts'
import { partitionName } from '../../../../src/broker/partition-name.ts'
import type { TopicPartition } from '../../../../src/broker/port.ts'

function member(
  memberId: string,
  topics: readonly string[],
  owned: readonly TopicPartition[] = [],
  generation = 1,
): Subscriber {
  return { memberId, topics, owned, generation }
}

function sharesOf({ byMember }: Assignments): Record<string, string[]> {
  return Object.fromEntries([...byMember].map(([memberId, share]) => [memberId, share.map(partitionName).sort()]))
}

/** Rounds of joins until nobody has to give anything up; each member joins with what it holds. */
function settled(members: readonly Subscriber[], counts: ReadonlyMap<string, number>) {
  let joining = members
  for (let rounds = 1; ; rounds++) {
    const { byMember, isMoreToCome } = assign(joining, counts)
    joining = joining.map((each) => ({ ...each, owned: byMember.get(each.memberId) ?? [], generation: rounds + 1 }))
    if (!isMoreToCome) return { rounds, members: joining }
  }
}

function isIn({ topic, partition }: TopicPartition, list: readonly TopicPartition[]): boolean {
  return list.some((each) => each.topic === topic && each.partition === partition)
}

test('equal partitions of topics with equal counts go to one member: 12 partitions, 5 members', () => {
  const topics = ['x', 'y']
  const members = ['a', 'b', 'c', 'd', 'e'].map((id) => member(id, topics))
  const { byMember } = assign(
    members,
    new Map([
      ['x', 12],
      ['y', 12],
    ]),
  )
  for (const share of byMember.values())
    for (const { partition } of share) expect(topics.every((topic) => isIn({ topic, partition }, share))).toBe(true)
  expect([...byMember.values()].map(({ length }) => length).sort()).toEqual([4, 4, 4, 6, 6])
})

test('two hundred topics of one partition are shared out evenly', () => {
  const counts = new Map(Array.from({ length: 200 }, (_, topic) => [`t${topic}`, 1]))
  const members = ['a', 'b'].map((id) => member(id, [...counts.keys()]))
  expect([...assign(members, counts).byMember.values()].map(({ length }) => length)).toEqual([100, 100])
})

test('two hundred topics of one partition go to members of different subscriptions in nearly equal shares', () => {
  const topics = Array.from({ length: 200 }, (_, topic) => `t${topic}`)
  const counts = new Map(topics.map((topic) => [topic, 1]))
  const members = [
    member('a', topics.slice(0, 100)),
    member('b', topics.slice(50, 150)),
    member('c', topics.slice(100)),
    member('d', topics),
  ]
  const { byMember } = assign(members, counts)
  for (const each of members)
    for (const { topic } of byMember.get(each.memberId) ?? []) expect(each.topics).toContain(topic)
  const shares = [...byMember.values()].map(({ length }) => length)
  expect([shares.reduce((sum, share) => sum + share), Math.max(...shares) <= 55]).toEqual([200, true])
})

test('a member that alone reads a topic leaves others more of what all read', () => {
  const members = [member('a', ['x']), member('b', ['x', 'y'])]
  const counts = new Map([
    ['x', 6],
    ['y', 4],
  ])
  expect([...assign(members, counts).byMember.values()].map(({ length }) => length)).toEqual([5, 5])
})

test('a topic that one member alone reads goes to that member', () => {
  const members = [member('a', ['x']), member('b', ['x', 'y'])]
  const { byMember } = assign(
    members,
    new Map([
      ['x', 2],
      ['y', 3],
    ]),
  )
  expect(byMember.get('b')?.filter(({ topic }) => topic === 'y')).toHaveLength(3)
  expect(byMember.get('a')).toHaveLength(2)
})

test('a partition that is to move is given to nobody before its holder has given it up', () => {
  const counts = new Map([['x', 4]])
  const { members } = settled([member('a', ['x'])], counts)
  const first = assign([...members, member('b', ['x'], [], -1)], counts)
  expect([first.isMoreToCome, sharesOf(first)]).toEqual([true, { a: ['x/0', 'x/1'], b: [] }])
  const second = settled([...members, member('b', ['x'], [], -1)], counts)
  expect([second.rounds, second.members.map(({ owned }) => owned.length)]).toEqual([2, [2, 2]])
})

test('of two members that claim a partition, the one of the later generation holds it', () => {
  const x0 = [{ topic: 'x', partition: 0 }]
  const members = [member('a', ['x'], x0, 3), member('b', ['x'], x0, 4)]
  expect(sharesOf(assign(members, new Map([['x', 1]])))).toEqual({ a: [], b: ['x/0'] })
})

test('a partition that two members of one generation claim is held by neither', () => {
  const x0 = [{ topic: 'x', partition: 0 }]
  const members = [member('a', ['x'], x0, 4), member('b', ['x'], x0, 4)]
  const { byMember, isMoreToCome } = assign(members, new Map([['x', 1]]))
  expect([isMoreToCome, [...byMember.values()].flat()]).toEqual([false, x0])
})

test('a topic that nobody reads, and one without partitions, are left out', () => {
  expect(
    sharesOf(
      assign(
        [member('a', ['x'])],
        new Map([
          ['x', 0],
          ['y', 3],
        ]),
      ),
    ),
  ).toEqual({ a: [] })
})

test('whoever comes and goes, each partition has one reader who wants it, and a stay moves nothing', () => {
  const topics = ['s', 't', 'u', 'v']
  const counts = new Map([
    ['s', 6],
    ['t', 6],
    ['u', 1],
    ['v', 3],
  ])
  const subscriptions = fc.subarray(topics, { minLength: 1 })
  const changes = fc.array(
    fc.record({ memberId: fc.constantFrom('a', 'b', 'c', 'd'), topics: subscriptions, isLeaving: fc.boolean() }),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  fc.assert(
    fc.property(changes, (steps) => {
      let members: readonly Subscriber[] = []
      for (const { memberId, topics: subscribed, isLeaving } of steps) {
        const others = members.filter((each) => each.memberId !== memberId)
        members = isLeaving ? others : [...others, member(memberId, subscribed, [], -1)]
        if (members.length === 0) continue
        members = settled(members, counts).members
        const all = members.flatMap(({ owned }) => owned.map(partitionName))
        expect(new Set(all).size).toBe(all.length)
        const wanted = topics.filter((topic) => members.some((each) => each.topics.includes(topic)))
        expect(all).toHaveLength(wanted.reduce((sum, topic) => sum + (counts.get(topic) ?? 0), 0))
        for (const each of members) for (const { topic } of each.owned) expect(each.topics).toContain(topic)
        expect(settled(members, counts).rounds).toBe(1)
        expect(settled(members, counts).members.map(({ owned }) => owned.map(partitionName).sort())).toEqual(
          members.map(({ owned }) => owned.map(partitionName).sort()),
        )
      }
    }),
  )
})
