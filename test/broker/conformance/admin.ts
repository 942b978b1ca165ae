import { expect } from '@jest/globals'
import { uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { committedOffsets, type Facts, newGroup, newTopic, numbered, records, startReader, untilSeen } from './stage.ts'

const UNKNOWN_TOPIC = { name: 'BrokerError', code: 'unknown-topic' }
const REFUSED = { name: 'BrokerError', code: 'refused' }

export const adminFacts: Facts = {
  'createTopics creates the topics that are missing, and resolves to their names': async ({ admin }) => {
    const [old, fresh] = [uniqueName('conformance'), uniqueName('conformance')]
    expect(await admin.createTopics([{ topic: old, partitions: 2 }])).toEqual([old])
    const specs = [
      { topic: old, partitions: 5 },
      { topic: fresh, partitions: 3 },
    ]
    expect(await admin.createTopics(specs)).toEqual([fresh])
    expect(await admin.createTopics(specs)).toEqual([])
    expect([await admin.partitions(old), await admin.partitions(fresh)]).toEqual([2, 3])
    expect(await admin.topics()).toEqual(expect.arrayContaining([old, fresh]))
  },

  'a topic takes records in all partitions as soon as createTopics resolves': async (stage) => {
    const topic = await newTopic(stage, 12)
    const each = Array.from({ length: 12 }, (_, partition) => records(partition, ['a'])).flat()
    await stage.producer.sendBatch(topic, each)
    expect((await stage.admin.offsets(topic)).map(({ high }) => high)).toEqual(Array(12).fill(1n))
  },

  'growTopic gives a topic partitions, which take records at once, and takes none away': async (stage) => {
    const { admin, producer } = stage
    const topic = await newTopic(stage, 2)
    await admin.growTopic(topic, 5)
    expect(await admin.partitions(topic)).toBe(5)
    await producer.sendBatch(topic, records(4, ['a']))
    await admin.growTopic(topic, 3)
    expect((await admin.offsets(topic)).map(({ high }) => high)).toEqual([0n, 0n, 0n, 0n, 1n])
    await expect(admin.growTopic('conformance-no-such-topic', 3)).rejects.toMatchObject(UNKNOWN_TOPIC)
  },

  'a consumer gets the partitions of a topic that has grown': async (stage) => {
    const topic = await newTopic(stage, 2)
    const reader = await startReader(stage, { topics: [topic] })
    await stage.admin.growTopic(topic, 4)
    await stage.producer.sendBatch(topic, [...records(2, ['a']), ...records(3, ['b'])])
    await untilSeen(reader, 2)
    expect(reader.values().toSorted()).toEqual(['a', 'b'])
  },

  'a topic that does not exist has no number of partitions and no offsets': async ({ admin }) => {
    expect(await admin.partitions('conformance-no-such-topic')).toBeUndefined()
    await expect(admin.offsets('conformance-no-such-topic')).rejects.toMatchObject(UNKNOWN_TOPIC)
  },

  'createTopics refuses a topic without partitions, and a name that Kafka does not allow': async ({ admin }) => {
    const empty = admin.createTopics([{ topic: uniqueName('conformance'), partitions: 0 }])
    await expect(empty).rejects.toMatchObject(REFUSED)
    await expect(admin.createTopics([{ topic: 'no spaces', partitions: 1 }])).rejects.toMatchObject(REFUSED)
  },

  'a deleted topic is no longer listed': async (stage) => {
    const topic = await newTopic(stage)
    await stage.admin.deleteTopics([topic])
    const gone = async () => (await stage.admin.partitions(topic)) === undefined
    await until('it is gone', gone)
    expect(await stage.admin.topics()).not.toContain(topic)
  },

  'topicConfig tells the settings of a topic, those by default included': async (stage) => {
    const topic = await newTopic(stage, 1, { 'retention.ms': '3600000', 'cleanup.policy': 'compact' })
    const config = await stage.admin.topicConfig(topic, ['retention.ms', 'cleanup.policy', 'retention.bytes'])
    expect(Object.fromEntries(config)).toEqual({
      'retention.ms': '3600000',
      'cleanup.policy': 'compact',
      'retention.bytes': '-1',
    })
  },

  'the cluster id stays the same': async ({ admin }) => {
    const id = await admin.clusterId()
    expect(id).not.toBe('')
    expect(await admin.clusterId()).toBe(id)
  },

  'offsets tells the first and the next offset of every partition': async (stage) => {
    const topic = await newTopic(stage, 3)
    await stage.producer.sendBatch(topic, [...records(0, numbered('', 4)), ...records(2, ['a'])])
    const offsets = await stage.admin.offsets(topic)
    expect(offsets.toSorted((a, b) => a.partition - b.partition)).toEqual([
      { partition: 0, low: 0n, stableEnd: 4n, high: 4n },
      { partition: 1, low: 0n, stableEnd: 0n, high: 0n },
      { partition: 2, low: 0n, stableEnd: 1n, high: 1n },
    ])
  },

  'offsetsAt finds the first offset at or after a timestamp, and none if all records are older': async (stage) => {
    const topic = await newTopic(stage, 3, { 'retention.ms': '-1' })
    const t0 = 1_700_000_000_000
    const stamped = (partition: number, times: readonly number[]) =>
      times.map((ms) => ({ partition, value: 'a', timestampMs: t0 + ms }))
    await stage.producer.sendBatch(topic, [...stamped(0, [0, 1000, 1000, 2000]), ...stamped(1, [0, 999])])
    const offsetsAt = async (ms: number) => {
      const found = await stage.admin.offsetsAt(topic, t0 + ms)
      return found.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset)
    }
    expect(await offsetsAt(-5000)).toEqual([0n, 0n, undefined])
    expect(await offsetsAt(1000)).toEqual([1n, undefined, undefined])
    expect(await offsetsAt(1001)).toEqual([3n, undefined, undefined])
    expect(await offsetsAt(2001)).toEqual([undefined, undefined, undefined])
  },

  'a group that never was has committed nothing': async (stage) => {
    const topic = await newTopic(stage, 2)
    expect(await committedOffsets(stage, newGroup(), topic)).toEqual([undefined, undefined])
  },

  'deleteGroups deletes a group with its committed offsets, but none that has members': async (stage) => {
    const topic = await newTopic(stage)
    const reader = await startReader(stage, { topics: [topic] })
    await stage.producer.sendBatch(topic, records(0, ['a']))
    await untilSeen(reader, 1)
    await expect(stage.admin.deleteGroups([reader.groupId])).rejects.toMatchObject(REFUSED)
    await reader.consumer.stop()
    expect(await committedOffsets(stage, reader.groupId, topic)).toEqual([1n])
    await stage.admin.deleteGroups([reader.groupId])
    expect(await committedOffsets(stage, reader.groupId, topic)).toEqual([undefined])
  },

  'an admin may be closed twice': async ({ admin }) => {
    await admin.close()
    await admin.close()
  },
}
