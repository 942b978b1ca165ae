import { afterEach, beforeEach, describe, expect } from '@jest/globals'
import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import { partitionName } from '../../../src/broker/partition-name.ts'
import {
  newGroup,
  newReader,
  newTopic,
  numbered,
  type Reader,
  records,
  type Stage,
  setStage,
  startReader,
} from '../../broker/conformance/stage.ts'
import { testWithJava } from '../../harness/java.ts'
import { kafkaBrokers, uniqueName } from '../../harness/kafka.ts'
import { JavaPeer } from '../../harness/peers/java-peer.ts'
import { until } from '../../harness/until.ts'

const PARTITIONS = 6
const ASSIGNORS = 'org.apache.kafka.clients.consumer'
const QUICK = { 'heartbeat.interval.ms': '200' }

const NEIGHBOURS = {
  'with the settings of Kafka’s own consumer': QUICK,
  'that rebalances cooperatively': {
    ...QUICK,
    'partition.assignment.strategy': `${ASSIGNORS}.CooperativeStickyAssignor`,
  },
  'with group.protocol=consumer': { 'group.protocol': 'consumer' },
}

let stage: Stage
let peer: JavaPeer
let topic: string
let groupId: string
let sent: number

beforeEach(async () => {
  const timing = { heartbeatIntervalMs: 50, commitIntervalMs: 200 }
  stage = await setStage(createKafkaBroker({ brokers: kafkaBrokers(), clientId: uniqueName('foreign'), ...timing }))
  peer = await JavaPeer.start()
  topic = await newTopic(stage, PARTITIONS)
  groupId = newGroup()
  sent = 0
})

afterEach(async () => {
  await peer.close()
  await stage.broker.close()
})

async function send(): Promise<void> {
  const values = numbered('', 20, sent)
  sent += values.length
  await stage.producer.sendBatch(
    topic,
    values.flatMap((value, at) => records(at % PARTITIONS, [value])),
  )
}

async function untilShared(readers: readonly Reader[]): Promise<void> {
  await until('ours and the peer share the partitions', async () => {
    const { assigned, failure } = await peer.member()
    if (failure !== undefined) throw new Error(failure)
    const ours = readers.map(({ consumer }) => consumer.health().assigned.map(partitionName))
    return (
      new Set([...assigned, ...ours.flat()]).size === PARTITIONS &&
      [assigned, ...ours].every(({ length }) => length > 0)
    )
  })
}

async function untilEachIsHandledOnce(readers: readonly Reader[]): Promise<void> {
  const seen = async () => [...(await peer.member()).seen, ...readers.flatMap((reader) => reader.values())]
  await until('all are handled', async () => new Set(await seen()).size === sent)
  expect((await seen()).toSorted()).toEqual(numbered('', sent).toSorted())
}

describe.each(Object.entries(NEIGHBOURS))('a Java consumer %s', (_, config) => {
  testWithJava('joins a group of ours, shares its partitions, and leaves it again', async () => {
    const readers = [await startReader(stage, { topics: [topic], groupId })]
    await send()
    await untilEachIsHandledOnce(readers)
    await peer.join(groupId, [topic], config)
    await untilShared(readers)
    await send()
    await untilEachIsHandledOnce(readers)
    readers.push(await startReader(stage, { topics: [topic], groupId }))
    await untilShared(readers)
    await send()
    await untilEachIsHandledOnce(readers)
    await peer.leave()
    await until(
      'ours have all',
      () => readers.flatMap(({ consumer }) => consumer.health().assigned).length === PARTITIONS,
    )
    await send()
    await untilEachIsHandledOnce(readers)
  })

  testWithJava('lets one of ours into its group, and gives it a share', async () => {
    await peer.join(groupId, [topic], config)
    await until('it has all', async () => (await peer.member()).assigned.length === PARTITIONS)
    const readers = [await startReader(stage, { topics: [topic], groupId })]
    await untilShared(readers)
    await send()
    await untilEachIsHandledOnce(readers)
    await readers[0]?.consumer.stop()
    await until('it has all again', async () => (await peer.member()).assigned.length === PARTITIONS)
    await send()
    await untilEachIsHandledOnce(readers)
  })
})

testWithJava(
  'a consumer says what keeps it out of a group whose members have an assigner that it does not know',
  async () => {
    await peer.join(groupId, [topic], { 'partition.assignment.strategy': `${ASSIGNORS}.RangeAssignor` })
    await until('it has all', async () => (await peer.member()).assigned.length === PARTITIONS)
    const { consumer } = newReader(stage, { topics: [topic], groupId })
    const refused = {
      code: 'refused',
      retriable: false,
      message: expect.stringContaining('partition.assignment.strategy'),
    }
    await expect(consumer.start()).rejects.toMatchObject(refused)
    expect((await peer.member()).assigned).toHaveLength(PARTITIONS)
  },
)
