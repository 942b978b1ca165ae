import { beforeEach, describe, expect, test } from '@jest/globals'
import { Topics } from '../../../../src/broker/kafka/consumer/topics.ts'
import { CODE } from '../../../../src/broker/kafka/wire/codes.ts'
import type { TopicMetadata } from '../../../../src/broker/kafka/wire/metadata.ts'

const [FIRST, SECOND] = ['1'.repeat(32), '2'.repeat(32)]
let topics: Topics
let nowMs: number
/** The cluster's next answer. */
let answer: readonly TopicMetadata[]

beforeEach(() => {
  ;[answer, nowMs] = [[], 0]
  const metadata = async () => ({ nodes: [], clusterId: 'c', controllerId: 1, topics: answer })
  topics = new Topics({ metadata }, () => nowMs)
})

function seen(partitions: number, id: string | undefined = FIRST): TopicMetadata {
  const led = Array.from({ length: partitions }, (_, partition) => ({ partition, leader: 1 }))
  return { error: CODE.none, topic: 't', id, isInternal: false, partitions: led }
}

const missing: TopicMetadata = { ...seen(0), error: CODE.unknownTopicOrPartition, id: undefined }

describe('what a look at a topic tells', () => {
  test('is nothing the first time, and while nothing changes', () => {
    expect(topics.note(seen(2))).toBeUndefined()
    expect(topics.note(seen(2))).toBeUndefined()
  })

  test('is that it has grown, once', () => {
    topics.note(seen(2))
    expect([topics.note(seen(4)), topics.note(seen(4))]).toEqual(['grown', undefined])
  })

  test('is that it is gone, once, and that it is back under its id', () => {
    topics.note(seen(2))
    expect([topics.note(missing), topics.note(missing)]).toEqual(['gone', undefined])
    expect(topics.note(seen(2))).toBe('back')
  })

  test('is that it is forbidden', () => {
    topics.note(seen(2))
    expect(topics.note({ ...missing, error: CODE.topicNotAuthorized })).toBe('forbidden')
  })

  test('is that another one has its name, whether or not it was seen to be gone', () => {
    topics.note(seen(2))
    expect(topics.note(seen(4, SECOND))).toBe('made-again')
    topics.note(missing)
    expect(topics.note(seen(1, '3'.repeat(32)))).toBe('made-again')
  })

  test('is nothing where a partition has no leader at the moment', () => {
    topics.note(seen(2))
    expect(topics.note({ ...seen(0), error: CODE.leaderNotAvailable })).toBeUndefined()
    expect(topics.count('t')).toBe(2)
  })

  test('is nothing where a broker that is behind still has the topic that was deleted, or fewer partitions', () => {
    topics.note(seen(2))
    topics.note(seen(3, SECOND))
    expect(topics.note(seen(2))).toBeUndefined()
    expect(topics.note(seen(2, SECOND))).toBeUndefined()
    expect([topics.idOf('t'), topics.count('t')]).toEqual([SECOND, 3])
  })

  test('is, half a minute later, that the id counts again which a broker that was behind had made a deleted one', () => {
    topics.note(seen(2, SECOND))
    expect(topics.note(seen(2, FIRST))).toBe('made-again')
    nowMs = 29_999
    expect(topics.note(seen(2, SECOND))).toBeUndefined()
    nowMs = 30_000
    expect(topics.note(seen(2, SECOND))).toBe('made-again')
    expect(topics.note(seen(2, FIRST))).toBeUndefined()
    expect(topics.idOf('t')).toBe(SECOND)
  })

  test('is nothing of ids where brokers have none to give', () => {
    topics.note(seen(2, undefined))
    expect([topics.note(seen(2)), topics.note(seen(2, undefined))]).toEqual([undefined, undefined])
  })
})

test('a partition is new if it was not there when its topic was first seen, and every one of a topic made again', () => {
  topics.note(seen(2))
  topics.note(seen(3))
  const isNew = (partition: number) => topics.isNew({ topic: 't', partition })
  expect([0, 1, 2].map(isNew)).toEqual([false, false, true])
  topics.note(seen(3, SECOND))
  expect([0, 1, 2].map(isNew)).toEqual([true, true, true])
})

describe('a topic is assigned with', () => {
  const counted = async (seen: TopicMetadata) => {
    answer = [seen]
    return [...(await topics.countsOf(['t']))]
  }

  test.each([CODE.unknownTopicOrPartition, CODE.leaderNotAvailable])(
    'the last known number of partitions if a broker answers with error %i',
    async (error) => {
      topics.note(seen(2))
      expect(await counted({ ...missing, error })).toEqual([['t', 2]])
    },
  )

  test('the last known number of partitions if a broker does not know all of them yet, or tells of a deleted topic', async () => {
    topics.note(seen(2))
    topics.note(seen(3, SECOND))
    expect(await counted(seen(2, SECOND))).toEqual([['t', 3]])
    expect(await counted(seen(5, FIRST))).toEqual([['t', 3]])
  })

  test('the number that a broker tells if it has grown, was made again, or is seen first', async () => {
    expect(await counted(seen(1))).toEqual([['t', 1]])
    topics.note(seen(2))
    expect(await counted(seen(4))).toEqual([['t', 4]])
    expect(await counted(seen(1, SECOND))).toEqual([['t', 1]])
  })

  test('no partitions if it is known to be gone, or was never seen', async () => {
    expect(await counted(missing)).toEqual([])
    topics.note(seen(2))
    topics.note(missing)
    expect(await counted(missing)).toEqual([])
  })
})

test('a topic that is away has no partitions', () => {
  topics.note(seen(2))
  topics.note(missing)
  expect([topics.count('t'), topics.all(), topics.isSomeAway]).toEqual([undefined, [], true])
  expect(topics.led([{ topic: 't', partition: 0 }])).toEqual([])
  expect(topics.has({ topic: 't', topicId: FIRST })).toBe(false)
})

describe('a topic that was dropped', () => {
  const dropped = { ...missing, watched: 'dropped' } as const

  beforeEach(() => {
    topics.note(seen(2))
    topics.note(missing)
    expect(topics.note(dropped)).toBe('dropped')
  })

  test('is not subscribed to, and not waited for', () => {
    expect([topics.names(), topics.isSomeAway, topics.all()]).toEqual([[], false, []])
    expect(topics.isStale({ topic: 't', topicId: FIRST })).toBe(false)
  })

  test('is made again, and read from its first record, if another topic has its name', () => {
    expect(topics.note(seen(2, SECOND), true)).toBe('made-again')
    expect([topics.names(), topics.isNew({ topic: 't', partition: 0 })]).toEqual([['t'], true])
  })

  test('is back if it has its id', () => {
    expect(topics.note(seen(2), true)).toBe('back')
    expect([topics.names(), topics.isNew({ topic: 't', partition: 0 })]).toEqual([['t'], false])
  })

  test('is found as an unknown one once a thousand others were dropped', () => {
    for (let other = 0; other < 1_000; other++) {
      topics.note({ ...seen(2), topic: `t${other}` })
      topics.note({ ...dropped, topic: `t${other}` })
    }
    expect(topics.isStale({ topic: 't', topicId: FIRST })).toBe(false)
    expect(topics.note(seen(2, SECOND), true)).toBe('found')
    expect(topics.note({ ...seen(2, SECOND), topic: 't0' }, true)).toBe('made-again')
  })
})

test('a topic that was left out is told and not noted', () => {
  expect(topics.note({ ...seen(2), watched: 'left-out' }, true)).toBe('left-out')
  expect(topics.names()).toEqual([])
})

test('a partition of a topic that was deleted is stale once another topic has its name', () => {
  topics.note(seen(2))
  const partition = { topic: 't', topicId: FIRST }
  expect([topics.has(partition), topics.isStale(partition)]).toEqual([true, false])
  topics.note(seen(2, SECOND))
  expect([topics.has(partition), topics.isStale(partition)]).toEqual([false, true])
})
