import { afterEach, beforeEach, expect, test } from '@jest/globals'
import kafkajs, { type Admin as KafkaJsAdmin } from 'kafkajs'
import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import { commitNote } from '../../../src/broker/kafka/consumer/commit-notes.ts'
import { coordinatorOf } from '../../../src/broker/kafka/group/committed.ts'
import { Cluster } from '../../../src/broker/kafka/wire/cluster.ts'
import type { WireRequest } from '../../../src/broker/kafka/wire/connection.ts'
import { type OffsetToCommit, offsetCommitRequest } from '../../../src/broker/kafka/wire/group-offsets.ts'
import type { BrokerEvent, TopicPartition } from '../../../src/broker/port.ts'
import {
  newGroup,
  newTopic,
  numbered,
  type Reader,
  type ReaderOptions,
  records,
  type Stage,
  setStage,
  startReader,
  untilSeen,
} from '../../broker/conformance/stage.ts'
import { kafkaBrokers, uniqueName } from '../../harness/kafka.ts'
import { PacedLoad } from '../../harness/paced-load.ts'
import { until } from '../../harness/until.ts'

const RECORDS_PER_SECOND = 2_000
const LATEST = { at: 'committed', otherwise: 'latest' } as const

let stage: Stage
/** Does what the port does not: it adds partitions. */
let raw: KafkaJsAdmin

beforeEach(async () => {
  const clientId = uniqueName('changing')
  stage = await setStage(createKafkaBroker({ brokers: kafkaBrokers(), clientId }))
  const { NOTHING } = kafkajs.logLevel
  raw = new kafkajs.Kafka({ brokers: kafkaBrokers(), clientId, logLevel: NOTHING, retry: { retries: 5 } }).admin()
  await raw.connect()
})

afterEach(async () => {
  await raw.disconnect()
  await stage.broker.close()
})

function startLoad(topic: string, partitions: number, prefix = ''): PacedLoad {
  return new PacedLoad({ producer: stage.producer, topic, partitions, recordsPerSecond: RECORDS_PER_SECOND, prefix })
}

/** Two members of a group and one reader of everything, which begin at the end of the topics. */
interface Audience {
  readonly members: readonly Reader[]
  readonly all: Reader
}

async function startAudience(topics: readonly string[]): Promise<Audience> {
  const options: ReaderOptions = { topics, groupId: newGroup(), start: LATEST }
  const members = [await startReader(stage, options), await startReader(stage, options)]
  await until('both members hold partitions', () =>
    members.every(({ consumer }) => consumer.health().assigned.length > 0),
  )
  const all = await startReader(stage, { topics, mode: 'broadcast', start: { at: 'latest' } })
  return { members, all }
}

const valuesOf = (readers: readonly Reader[]) => readers.flatMap((reader) => reader.values())

/** Values that were acknowledged, and nobody of the readers has handled. */
function unseen(readers: readonly Reader[], loads: readonly PacedLoad[]): string[] {
  const seen = new Set(valuesOf(readers))
  return loads.flatMap(({ acknowledged }) => acknowledged.filter((value) => !seen.has(value)))
}

async function untilAllSeen({ members, all }: Audience, loads: readonly PacedLoad[]): Promise<void> {
  await until('the group has handled all', () => unseen(members, loads).length === 0)
  await until('who reads everything has handled all', () => unseen([all], loads).length === 0)
}

function repeated(values: readonly string[]): string[] {
  const seen = new Set<string>()
  return values.filter((value) => seen.size === seen.add(value).size)
}

test('a topic that grows from 2 to 4 to 12 partitions under load is read from the start of each new one', async () => {
  const topic = await newTopic(stage, 2)
  const audience = await startAudience([topic])
  const { members, all } = audience
  const load = startLoad(topic, 2)
  await until('it flows', () => valuesOf(members).length > 500 && all.values().length > 500)
  for (const partitions of [4, 12]) {
    await raw.createPartitions({ topicPartitions: [{ topic, count: partitions }] })
    load.partitions = partitions
    const isSeen = (readers: readonly Reader[]) =>
      new Set(readers.flatMap(({ seen }) => seen.map(({ partition }) => partition))).size === partitions
    await until(`all ${partitions} partitions are read`, () => isSeen(members) && isSeen([all]))
  }
  await load.stop()
  await untilAllSeen(audience, [load])
  expect(repeated(valuesOf(members))).toEqual([])
  expect(repeated(all.values())).toEqual([])
  for (const { events } of [...members, all]) {
    const changes = events.filter(({ type }) => type === 'topic')
    expect(changes).toEqual([4, 12].map((partitions) => ({ type: 'topic', topic, change: 'grown', partitions })))
  }
})

test.each([
  ['at once', false],
  ['when all have seen that it is gone', true],
])(
  'a topic that is deleted under load and made again %s is read from its first record, and others go on',
  async (_, isSeenGone) => {
    const [lasting, passing] = [await newTopic(stage, 3), await newTopic(stage, 3)]
    const audience = await startAudience([lasting, passing])
    const readers = [...audience.members, audience.all]
    const loads = [startLoad(lasting, 3, 'lasting')]
    // As many partitions, then more, then fewer.
    for (const [life, partitions] of [3, 3, 5, 2].entries()) {
      if (life > 0) {
        await stage.admin.deleteTopics([passing])
        await until(
          'all have seen it',
          () => !isSeenGone || readers.every(({ events }) => lastChange(events) === 'gone'),
        )
        await stage.admin.createTopics([{ topic: passing, partitions }])
      }
      const load = startLoad(passing, partitions, `life ${life} record `)
      loads.push(load)
      await until('some are acknowledged', () => load.acknowledged.length > 500)
      // What is deleted before it is read is nobody's fault.
      await load.stop()
      await untilAllSeen(audience, [load])
    }
    await loads[0]?.stop()
    await untilAllSeen(audience, loads)
    expect(repeated(valuesOf(audience.members))).toEqual([])
    expect(repeated(audience.all.values())).toEqual([])
    for (const { events } of readers) {
      const changes = events.filter((event) => event.type === 'topic')
      expect(changes.every(({ topic }) => topic === passing)).toBe(true)
      expect(changes.filter(({ change }) => change === 'made-again')).toHaveLength(3)
      expect(changes.filter(({ change }) => change === 'back' || change === 'grown')).toEqual([])
    }
  },
)

function lastChange(events: readonly BrokerEvent[]): string | undefined {
  return events.findLast((event) => event.type === 'topic')?.change
}

test('members that come and go while a topic is made again leave no record of it unhandled', async () => {
  const topic = await newTopic(stage, 4)
  const groupId = newGroup()
  const options: ReaderOptions = { topics: [topic], groupId, start: LATEST }
  const readers = [await startReader(stage, options), await startReader(stage, options)]
  for (const life of [1, 2, 3]) {
    const before = startLoad(topic, 4, `life ${life} record `)
    await until('some are acknowledged', () => before.acknowledged.length > 500)
    await before.stop()
    await until('all are handled', () => unseen(readers, [before]).length === 0)
    await stage.admin.deleteTopics([topic])
    await stage.admin.createTopics([{ topic, partitions: 4 }])
    const load = startLoad(topic, 4, `life ${life} again `)
    readers.push(await startReader(stage, options))
    await until('some more are acknowledged', () => load.acknowledged.length > 500)
    await readers[life]?.consumer.stop()
    await until('it still flows', () => load.acknowledged.length > 1_000)
    await load.stop()
    await until('all of the new one are handled', () => unseen(readers, [load]).length === 0)
  }
})

test('what a group has committed of a deleted topic does not move it in the one that has its name now', async () => {
  const topic = await newTopic(stage)
  const groupId = newGroup()
  const first = await startReader(stage, { topics: [topic], groupId })
  await stage.producer.sendBatch(topic, records(0, numbered('old', 10)))
  await untilSeen(first, 10)
  const [{ topicId } = { topicId: undefined }] = first.consumer.positions()
  await first.consumer.stop()
  await stage.admin.deleteTopics([topic])
  await stage.admin.createTopics([{ topic, partitions: 1 }])
  await stage.producer.sendBatch(topic, records(0, numbered('new', 20)))
  // The broker forgets the commits of a deleted topic, but this one may have been under way.
  await commitAsNobody(groupId, { topic, partition: 0, offset: 10n, note: commitNote(1, topicId) })
  const second = await startReader(stage, { topics: [topic], groupId, start: LATEST })
  await untilSeen(second, 20)
  expect(second.values()).toEqual(numbered('new', 20))
})

test('a partition that came while its group was stopped is read from its start', async () => {
  const topic = await newTopic(stage, 2)
  const groupId = newGroup()
  const first = await startReader(stage, { topics: [topic], groupId, start: LATEST })
  await first.consumer.stop()
  await raw.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
  await until('it can be written', async () => (await stage.admin.partitions(topic)) === 3)
  await stage.producer.sendBatch(topic, records(2, numbered('a', 3)))
  const second = await startReader(stage, { topics: [topic], groupId, start: LATEST })
  await untilSeen(second, 3)
  expect(second.values()).toEqual(numbered('a', 3))
})

test('the committed offsets of a group that runs are not deleted by others, and what was deleted is read again', async () => {
  const topic = await newTopic(stage, 2)
  const groupId = newGroup()
  const first = await startReader(stage, { topics: [topic], groupId, start: LATEST })
  const onBoth = (prefix: string) => [
    ...records(0, numbered(`${prefix} 0 `, 3)),
    ...records(1, numbered(`${prefix} 1 `, 3)),
  ]
  await stage.producer.sendBatch(topic, onBoth('a'))
  await untilSeen(first, 6)
  const GROUP_SUBSCRIBED_TO_TOPIC = 86
  expect(await deleteOffset(groupId, { topic, partition: 1 })).toBe(GROUP_SUBSCRIBED_TO_TOPIC)
  await first.consumer.stop()
  expect(await deleteOffset(groupId, { topic, partition: 1 })).toBe(0)
  await stage.producer.sendBatch(topic, onBoth('b'))
  const second = await startReader(stage, { topics: [topic], groupId, start: LATEST })
  await untilSeen(second, 9)
  const values = second.values().toSorted()
  expect(values).toEqual([...numbered('a 1 ', 3), ...numbered('b 0 ', 3), ...numbered('b 1 ', 3)])
})

/** Resolves to the error code. */
async function deleteOffset(groupId: string, { topic, partition }: TopicPartition): Promise<number> {
  return asNobody(groupId, {
    ...{ apiKey: 47, apiName: 'OffsetDelete', version: 0, isFlexible: false, bytes: 200 },
    encode: (writer) => {
      writer.string(groupId)
      writer.int32(1)
      writer.string(topic)
      writer.int32(1)
      writer.int32(partition)
    },
    decode: (reader) => {
      const error = reader.int16()
      const throttleMs = reader.int32()
      const answers = reader.array(() => {
        reader.string()
        return reader.array(() => [reader.int32(), reader.int16()])
      })
      return { throttleMs, answer: error || (answers[0]?.[0]?.[1] ?? 0) }
    },
  })
}

/** As a tool does for a group without members. */
async function commitAsNobody(groupId: string, offset: OffsetToCommit): Promise<void> {
  const nobody = { groupId, memberId: '', instanceId: undefined, generation: -1 }
  const [committed] = await asNobody(groupId, offsetCommitRequest(nobody, [offset]))
  expect(committed?.error).toBe(0)
}

async function asNobody<T>(groupId: string, request: WireRequest<T>): Promise<T> {
  const cluster = new Cluster({ brokers: kafkaBrokers(), clientId: uniqueName('changing') })
  try {
    return await cluster.send(await coordinatorOf(cluster, groupId), 'ask', () => request)
  } finally {
    cluster.close()
  }
}

test.each(['group', 'broadcast'] as const)(
  'what a topic held when it was found is passed and told, if reading begins at the end (mode %s)',
  async (mode) => {
    const prefix = newGroup()
    const first = `${prefix}.first`
    await stage.admin.createTopics([{ topic: first, partitions: 1 }])
    const start = mode === 'group' ? LATEST : ({ at: 'latest' } as const)
    const matches = (topic: string): boolean => topic.startsWith(prefix)
    const reader = await startReader(stage, { topics: [first], matches, mode, start })
    const topic = `${prefix}.second`
    await stage.admin.createTopics([{ topic, partitions: 1 }])
    await stage.producer.sendBatch(topic, records(0, numbered('before', 3)))
    await until('it is found', () => reader.events.some(({ type }) => type === 'topic'))
    await until('it is read', () => reader.consumer.positions().some((position) => position.topic === topic))
    await stage.producer.sendBatch(topic, records(0, ['after']))
    await untilSeen(reader, 1)
    expect(reader.values()).toEqual(['after'])
    const jumps = reader.events.filter(({ type }) => type === 'offset-jump')
    expect(jumps).toEqual([{ type: 'offset-jump', topic, partition: 0, from: 0n, to: 3n }])
  },
)
