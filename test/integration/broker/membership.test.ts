import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createKafkaBroker, type KafkaBrokerOptions } from '../../../src/broker/kafka/broker.ts'
import { GroupMember } from '../../../src/broker/kafka/group/member.ts'
import { Cluster } from '../../../src/broker/kafka/wire/cluster.ts'
import {
  committedOffsets,
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
import { MemberProcess } from '../../broker/member/member-process.ts'
import { kafkaBrokers, uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'

/** The tests wait until a session is over. A busy machine delays a heartbeat or its answer by less. */
const SESSION_MS = 3_000

let stage: Stage
const opened: { close(): Promise<void> | void }[] = []

beforeEach(async () => {
  stage = await stageOf({})
})

afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each.close()
})

/** A stage whose consumers have these settings. */
async function stageOf(options: Partial<KafkaBrokerOptions>): Promise<Stage> {
  const clientId = uniqueName('membership')
  const made = await setStage(
    createKafkaBroker({ brokers: kafkaBrokers(), clientId, sessionTimeoutMs: SESSION_MS, ...options }),
  )
  opened.push(made.broker)
  return made
}

async function startNamed(groupInstanceId: string, options: ReaderOptions): Promise<Reader> {
  return startReader(await stageOf({ groupInstanceId }), options)
}

const typesOf = ({ events }: Reader) => events.map(({ type }) => type)

test('a static member that restarts within its session has its partitions back, and nobody rebalances', async () => {
  const topic = await newTopic(stage, 4)
  const groupId = newGroup()
  const options = { topics: [topic], groupId }
  const staying = await startNamed('staying', options)
  const leaving = await startNamed('leaving', options)
  await until('they share', () => [staying, leaving].every(({ consumer }) => consumer.health().assigned.length === 2))
  const told = staying.events.length
  const { assigned } = leaving.consumer.health()
  await leaving.consumer.stop()
  const back = await startNamed('leaving', options)
  expect(back.consumer.health().assigned).toEqual(assigned)
  await stage.producer.sendBatch(
    topic,
    [0, 1, 2, 3].flatMap((partition) => records(partition, numbered('a', 5))),
  )
  await untilSeen(back, 10)
  await untilSeen(staying, 10)
  expect(staying.events.slice(told)).toEqual([])
})

test('a static member whose name another process has taken gives its partitions up for good, and says so', async () => {
  const topic = await newTopic(stage, 2)
  const groupId = newGroup()
  const older = await startNamed('twin', { topics: [topic], groupId })
  const newer = await startNamed('twin', { topics: [topic], groupId })
  await until('the older one has given up', () => older.consumer.health().state === 'failed')
  expect(older.consumer.health().assigned).toEqual([])
  expect(older.events.at(-1)).toEqual({ type: 'fenced', groupId, reason: 'another process has joined as twin' })
  await stage.producer.sendBatch(topic, [...records(0, numbered('a', 3)), ...records(1, numbered('b', 3))])
  await untilSeen(newer, 6)
  expect(newer.consumer.health()).toMatchObject({ state: 'running', epoch: 1 })
  expect([older.seen, typesOf(newer)]).toEqual([[], ['rebalance']])
  await older.consumer.stop()
  expect(newer.consumer.health().assigned).toHaveLength(2)
})

test('a commit of an older generation is refused, and the member knows that it is none any more', async () => {
  const topic = await newTopic(stage)
  const groupId = newGroup()
  const newMember = () => {
    const cluster = new Cluster({ brokers: kafkaBrokers(), clientId: uniqueName('membership') })
    opened.push(cluster)
    const timing = { sessionTimeoutMs: SESSION_MS, rebalanceTimeoutMs: SESSION_MS }
    const countsOf = async () => new Map([[topic, 1]])
    return new GroupMember({ cluster, groupId, instanceId: undefined, countsOf, ...timing })
  }
  const [older, newer] = [newMember(), newMember()]
  const at = (offset: bigint) => [{ topic, partition: 0, offset, note: '' }]
  await older.join([topic], [])
  expect(await older.commit(at(1n))).toMatchObject({ standing: 'member' })
  // The older one does not join again, and is left out of the next generation.
  await newer.join([topic], [])
  expect(await older.commit(at(2n))).toMatchObject({ standing: 'lost' })
  expect(await newer.commit(at(3n))).toMatchObject({ standing: 'member' })
  expect(await older.commit(at(4n))).toMatchObject({ standing: 'lost' })
  expect(await committedOffsets(stage, groupId, topic)).toEqual([3n])
})

test.each([
  ['begins no record that it has fetched', 1],
  ['leaves the batch that it has in hand', undefined],
] as const)(
  'a member that was frozen until others had its partition %s, and what both have handled is reported',
  async (_, batchRecords) => {
    const topic = await newTopic(stage)
    const groupId = newGroup()
    const options = { topics: [topic], groupId, ...(batchRecords && { batchRecords }) }
    // Commits come too rarely for this test: what was handled before the freeze is handled again.
    const timing = { brokers: kafkaBrokers(), clientId: uniqueName('frozen'), sessionTimeoutMs: SESSION_MS }
    const frozen = await MemberProcess.start({ ...options, timing: { ...timing, commitIntervalMs: 600_000 } })
    opened.push({ close: () => frozen.end() })
    await stage.producer.sendBatch(topic, records(0, numbered('', 20_000)))
    await until('it has begun some', () => frozen.begun.length > 100)
    frozen.freeze()
    const other = await startReader(stage, { topics: [topic], groupId })
    await untilSeen(other, 20_000)
    const begunBefore = frozen.begun.length
    frozen.thaw()
    await until('it has noticed', () => frozen.events.some(({ type }) => type === 'uncommitted'))
    await until('it is a member again', () => frozen.events.filter(({ type }) => type === 'rebalance').length === 2)
    // The record in hand, and the one that is next in the turn of the thaw.
    expect(frozen.begun.length - begunBefore).toBeLessThanOrEqual(2)
    const told = frozen.events.filter(({ type }) => type === 'uncommitted')
    expect(told).toEqual([{ type: 'uncommitted', groupId, topic, partition: 0, from: 0, to: frozen.begun.length }])
    expect(other.values()).toEqual(numbered('', 20_000))
  },
)

test('members of one group with different topics read what each wants, and a topic that one alone wants is read by it', async () => {
  const [shared, own] = [await newTopic(stage, 2), await newTopic(stage, 2)]
  const groupId = newGroup()
  const one = await startReader(stage, { topics: [shared], groupId })
  const both = await startReader(stage, { topics: [shared, own], groupId })
  const isShared = () => [one, both].every(({ consumer }) => consumer.health().assigned.length === 2)
  await until('each has two', isShared)
  for (const topic of [shared, own])
    await stage.producer.sendBatch(topic, [...records(0, numbered('a', 3)), ...records(1, numbered('b', 3))])
  await untilSeen(one, 6)
  await untilSeen(both, 6)
  expect([one, both].map(({ seen }) => new Set(seen.map(({ topic }) => topic)))).toEqual([
    new Set([shared]),
    new Set([own]),
  ])
})
