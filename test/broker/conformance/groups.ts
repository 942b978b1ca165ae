import { expect } from '@jest/globals'
import { partitionName } from '../../../src/broker/partition-name.ts'
import type { BatchContext, Consumer, TopicPartition } from '../../../src/broker/port.ts'
import { until } from '../../harness/until.ts'
import {
  committedOffsets,
  type Facts,
  newGate,
  newGroup,
  newReader,
  newTopic,
  numbered,
  type Reader,
  records,
  type Stage,
  startReader,
  untilSeen,
} from './stage.ts'

export const groupFacts: Facts = {
  'the members of a group share its partitions evenly': async (stage) => {
    const topic = await newTopic(stage, 6)
    const groupId = newGroup()
    const readers = await startTogether(stage, 2, { topics: [topic], groupId })
    await until('each has three', () => readers.every(({ consumer }) => assigned(consumer).length === 3))
    expect(readers.flatMap(({ consumer }) => assigned(consumer)).toSorted()).toEqual(namesOf(topic, 6))

    await stage.producer.sendBatch(topic, onAllPartitions(6, 'a', 10))
    await until('all is seen', () => readers.reduce((sum, { seen }) => sum + seen.length, 0) >= 60)
    expect(readers.map(({ seen }) => seen.length)).toEqual([30, 30])
  },

  'a topic that matches is read from the start that was asked for, also if it is made later': async (stage) => {
    const prefix = newGroup()
    const matches = (topic: string) => topic.startsWith(prefix)
    await stage.admin.createTopics([{ topic: `${prefix}.first`, partitions: 1 }])
    const reader = await startReader(stage, { topics: [], matches })
    await stage.producer.sendBatch(`${prefix}.first`, records(0, ['a']))
    await stage.admin.createTopics([`${prefix}.second`, newGroup()].map((topic) => ({ topic, partitions: 2 })))
    await stage.producer.sendBatch(`${prefix}.second`, onAllPartitions(2, 'b', 1))
    await untilSeen(reader, 3)
    expect(reader.values().toSorted()).toEqual(['a', 'b0', 'b0'])
    const found = reader.events.filter(({ type }) => type === 'topic')
    expect(found).toEqual([{ type: 'topic', topic: `${prefix}.second`, change: 'found', partitions: 2 }])
    expect(assigned(reader.consumer)).toHaveLength(3)
  },

  'a consumer knows the lag of its partitions in onAssigned': async (stage) => {
    const topic = await newTopic(stage, 2)
    await stage.producer.sendBatch(topic, records(1, numbered('a', 3)))
    const lags: unknown[] = []
    const reader = newReader(stage, { topics: [topic], onAssigned: () => void lags.push(lagOf(reader)) })
    await reader.consumer.start()
    expect(lags).toEqual([
      [
        { topic, partition: 0, records: 0n },
        { topic, partition: 1, records: 3n },
      ],
    ])
  },

  'the partitions of a leaving member go to another one, and no record is lost or read twice': async (stage) => {
    const topic = await newTopic(stage, 4)
    const groupId = newGroup()
    const [leaving, staying] = await startTogether(stage, 2, { topics: [topic], groupId })
    await until('both have partitions', () => sharesAre([leaving, staying], [2, 2]))
    let calls = 0
    const produce = async () => {
      await stage.producer.sendBatch(topic, onAllPartitions(4, '', 5, calls * 5))
      calls += 1
    }
    for (let i = 0; i < 10; i++) await produce()
    await until('the leaving one has read', () => leaving.seen.length > 0)
    const left = leaving.consumer.stop()
    for (let i = 0; i < 10; i++) await produce()
    await left
    await produce()

    const seen = () => [...leaving.seen, ...staying.seen]
    await until('all is seen', () => seen().length >= 4 * 5 * calls)
    for (let partition = 0; partition < 4; partition++) {
      const values = seen().filter((record) => record.partition === partition)
      expect(values.map(({ value }) => Number(value))).toEqual(Array.from({ length: 5 * calls }, (_, i) => i))
    }
    expect(assigned(staying.consumer)).toEqual(namesOf(topic, 4))
  },

  'equal partitions of two topics go to one member: 5 members, 12 partitions': async (stage) => {
    const topics = [await newTopic(stage, 12), await newTopic(stage, 12)]
    const groupId = newGroup()
    const readers = await startTogether(stage, 5, { topics, groupId })
    const held = () => readers.map(({ consumer }) => consumer.health().assigned)
    await until('all 24 are held', () => held().flat().length === 24 && held().every((one) => one.length > 0))
    const partitionsOf = (assignment: readonly TopicPartition[], topic: string | undefined) =>
      assignment
        .filter((one) => one.topic === topic)
        .map(({ partition }) => partition)
        .toSorted((a, b) => a - b)
    for (const assignment of held()) {
      expect(partitionsOf(assignment, topics[0])).toEqual(partitionsOf(assignment, topics[1]))
    }
    expect(
      held()
        .map((one) => one.length)
        .toSorted(),
    ).toEqual([4, 4, 4, 6, 6])
  },

  'a partition goes to another member only after the drain and onRevoked': async (stage) => {
    const topic = await newTopic(stage, 2)
    const groupId = newGroup()
    /** What happened to which partition, in order. */
    const story: string[] = []
    const isRevoked = (partition: number) => story.includes(`revoked ${partition}`)
    await stage.producer.sendBatch(topic, onAllPartitions(2, '', 3))
    const first = await startReader(stage, {
      topics: [topic],
      groupId,
      onBatch: async (batch, context) => {
        if (isRevoked(batch.partition)) story.push(`again ${batch.partition}`)
        story.push(`in hand ${batch.partition}`)
        await takenAway(context)
        story.push(`drained ${batch.partition}`)
        return batch.count
      },
      onRevoked: async (partitions) => {
        await stage.admin.topics()
        for (const { partition } of partitions) story.push(`revoked ${partition}`)
      },
    })
    await until('a batch of each is in hand', () => story.length === 2)
    const drained = new Set<bigint | undefined>()
    const second = await startReader(stage, {
      topics: [topic],
      groupId,
      onAssigned: async (partitions) => {
        for (const { partition } of partitions) story.push(`given away ${partition}`)
        if (partitions.length > 0)
          for (const offset of await committedOffsets(stage, groupId, topic)) drained.add(offset)
      },
    })
    const isShared = () => sharesAre([first, second], [1, 1]) && story.some((what) => what.startsWith('given away'))
    await until('each has one', isShared)
    const [moved] = second.consumer.health().assigned
    const told = story.filter((what) => what.endsWith(` ${moved?.partition}`))
    expect(told.slice(0, 4)).toEqual(
      ['in hand', 'drained', 'revoked', 'given away'].map((what) => `${what} ${moved?.partition}`),
    )
    expect(story).not.toContain(`again ${moved?.partition}`)
    await until('what was drained is committed', () => drained.has(3n))
  },

  'every assignment raises the epoch': async (stage) => {
    const topic = await newTopic(stage, 2)
    const groupId = newGroup()
    const epochs: number[] = []
    const first = await startReader(stage, {
      topics: [topic],
      groupId,
      onAssigned: (_, epoch) => {
        epochs.push(epoch)
      },
    })
    expect(epochs).toEqual([1])
    const second = await startReader(stage, { topics: [topic], groupId })
    await until('they share', () => sharesAre([first, second], [1, 1]) && epochs.length >= 2)
    await second.consumer.stop()
    await until('the first has both', () => sharesAre([first], [2]) && epochs.length >= 3)
    expect(epochs).toEqual(epochs.map((_, i) => i + 1))
    expect(first.consumer.health().epoch).toBe(epochs.length)
    const told = first.events.filter(({ type }) => type === 'rebalance')
    expect(told).toHaveLength(epochs.length)
  },

  'onRevoked gets the partitions and the epoch that onAssigned got': async (stage) => {
    const topic = await newTopic(stage, 3)
    const told: string[] = []
    const note = (what: string) => (partitions: readonly TopicPartition[], epoch: number) => {
      told.push(`${what} ${partitions.map(partitionName).toSorted().join()} ${epoch}`)
    }
    const reader = await startReader(stage, { topics: [topic], onAssigned: note('+'), onRevoked: note('-') })
    await reader.consumer.stop()
    expect(told).toEqual([`+ ${namesOf(topic, 3).join()} 1`, `- ${namesOf(topic, 3).join()} 1`])
  },

  'no batch is handed over before onAssigned is done': async (stage) => {
    const topic = await newTopic(stage)
    await stage.producer.sendBatch(topic, records(0, ['a']))
    const gate = newGate()
    const story: string[] = []
    const reader = newReader(stage, {
      topics: [topic],
      onAssigned: async () => {
        story.push('assigning')
        await gate.opened
        story.push('assigned')
      },
      onBatch: async (batch) => {
        story.push('batch')
        return batch.count
      },
    })
    const started = reader.consumer.start()
    await until('it is told', () => story.length > 0)
    await stage.producer.sendBatch(topic, records(0, ['b']))
    gate.open()
    await started
    await untilSeen(reader, 2)
    expect(story.slice(0, 3)).toEqual(['assigning', 'assigned', 'batch'])
  },

  'two groups read everything each': async (stage) => {
    const topic = await newTopic(stage, 2)
    const readers = await Promise.all([
      startReader(stage, { topics: [topic] }),
      startReader(stage, { topics: [topic] }),
    ])
    await stage.producer.sendBatch(topic, onAllPartitions(2, 'a', 5))
    await Promise.all(readers.map((reader) => untilSeen(reader, 10)))
    expect(readers.map(({ seen }) => seen.length)).toEqual([10, 10])
  },

  'a member without partitions waits, and gets some when another one leaves': async (stage) => {
    const topic = await newTopic(stage)
    const groupId = newGroup()
    const readers = await startTogether(stage, 2, { topics: [topic], groupId })
    const shares = () => readers.map(({ consumer }) => assigned(consumer).length)
    await until('one of them has it', () => shares().toSorted().join() === '0,1')
    const owner = readers[shares().indexOf(1)]
    const waiting = readers[shares().indexOf(0)]
    await owner?.consumer.stop()
    await until('the other has it', () => waiting !== undefined && sharesAre([waiting], [1]))
  },
}

async function takenAway({ signal, heartbeat }: BatchContext): Promise<void> {
  const isTakenAway = async () => {
    if (!signal.aborted) await heartbeat()
    return signal.aborted
  }
  await until('the partition is taken away', isTakenAway)
}

async function startTogether(
  stage: Stage,
  members: number,
  options: { readonly topics: readonly string[]; readonly groupId: string },
): Promise<[Reader, Reader, ...Reader[]]> {
  const start = () => startReader(stage, options)
  const rest = Array.from({ length: members - 2 }, start)
  return Promise.all([start(), start(), ...rest])
}

function sharesAre(readers: readonly Reader[], counts: readonly number[]): boolean {
  return readers.every(({ consumer }, i) => consumer.health().assigned.length === counts[i])
}

function assigned(consumer: Consumer): string[] {
  return consumer.health().assigned.map(partitionName).toSorted()
}

function namesOf(topic: string, partitions: number): string[] {
  return Array.from({ length: partitions }, (_, partition) => partitionName({ topic, partition }))
}

function onAllPartitions(partitions: number, prefix: string, count: number, from = 0) {
  const each = (_: unknown, partition: number) => records(partition, numbered(prefix, count, from))
  return Array.from({ length: partitions }, each).flat()
}

function lagOf({ consumer }: Reader): ReturnType<Consumer['lag']> {
  return consumer.lag().toSorted((a, b) => a.partition - b.partition)
}
