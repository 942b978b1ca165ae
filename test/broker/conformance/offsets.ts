import { expect } from '@jest/globals'
import type { ConsumerOptions } from '../../../src/broker/port.ts'
import { until } from '../../harness/until.ts'
import {
  aborted,
  committedOffsets,
  type Facts,
  newGate,
  newGroup,
  newReader,
  newTopic,
  numbered,
  records,
  startReader,
  untilSeen,
} from './stage.ts'

export const commitFacts: Facts = {
  'a consumer refuses a start or a range that cannot be meant, with what is allowed': async (stage) => {
    const topic = await newTopic(stage, 2)
    const range = { topic, partition: 0, from: 0n }
    const wrong: readonly [Partial<ConsumerOptions>, string][] = [
      [{ ranges: [{ ...range, partition: 7 }] }, `range of ${topic}/7: the topic has 2 partitions, 0 to 1`],
      [{ ranges: [{ ...range, from: 5n, to: 3n }] }, `range of ${topic}/0: got from 5 to 3; allowed: from at most to`],
      [{ ranges: [{ ...range, from: -1n }] }, `range of ${topic}/0: got from -1; allowed: offsets from 0`],
      [{ ranges: [range, range] }, `range of ${topic}/0: got two; allowed: one for each partition`],
      ...[Number.NaN, 1e300].map((timestampMs): [Partial<ConsumerOptions>, string] => [
        { start: { at: 'timestamp', timestampMs } },
        `start.timestampMs: got ${timestampMs}; allowed: milliseconds since 1970`,
      ]),
    ]
    for (const [options, message] of wrong) {
      const { consumer } = newReader(stage, { topics: [], mode: 'manual', ...options })
      await expect(consumer.start()).rejects.toMatchObject({ name: 'BrokerError', code: 'refused', message })
      await consumer.stop()
    }
  },

  'a consumer commits the next offset to read, and a restart resumes there': async (stage) => {
    const topic = await newTopic(stage)
    const groupId = newGroup()
    await stage.producer.sendBatch(topic, records(0, numbered('a', 3)))
    const first = await startReader(stage, { topics: [topic], groupId })
    await untilSeen(first, 3)
    await first.consumer.stop()
    expect(await committedOffsets(stage, groupId, topic)).toEqual([3n])

    await stage.producer.sendBatch(topic, records(0, ['b']))
    const second = await startReader(stage, { topics: [topic], groupId })
    await untilSeen(second, 1)
    expect(second.values()).toEqual(['b'])
    expect(second.seen[0]?.offset).toBe(3n)
  },

  'a consumer commits while it runs': async (stage) => {
    const topic = await newTopic(stage)
    const reader = await startReader(stage, { topics: [topic] })
    await stage.producer.sendBatch(topic, records(0, numbered('a', 5)))
    const committed = async () => (await committedOffsets(stage, reader.groupId, topic))[0] === 5n
    await until('5 is committed', committed)
  },

  'a consumer reads records again that its handler did not report as done': async (stage) => {
    const topic = await newTopic(stage)
    await stage.producer.sendBatch(topic, records(0, numbered('', 6)))
    const firsts: bigint[] = []
    const reader = await startReader(stage, {
      topics: [topic],
      onBatch: async (batch) => {
        firsts.push(batch.offset(0))
        return 1
      },
    })
    await until('the last one is done', () => firsts.length === 6)
    await reader.consumer.stop()
    expect(firsts).toEqual([0n, 1n, 2n, 3n, 4n, 5n])
    expect(await committedOffsets(stage, reader.groupId, topic)).toEqual([6n])
  },

  'a consumer commits only the leading records that were reported as done': async (stage) => {
    const topic = await newTopic(stage)
    const groupId = newGroup()
    await stage.producer.sendBatch(topic, records(0, numbered('', 5)))
    let batches = 0
    const first = await startReader(stage, {
      topics: [topic],
      groupId,
      onBatch: async (_, { signal }) => {
        batches += 1
        if (batches === 1) return 2
        await aborted(signal)
        return 0
      },
    })
    await until('the rest is in hand', () => batches === 2)
    await first.consumer.stop()
    expect(await committedOffsets(stage, groupId, topic)).toEqual([2n])

    const second = await startReader(stage, { topics: [topic], groupId })
    await untilSeen(second, 3)
    expect(second.values()).toEqual(['2', '3', '4'])
  },

  'every broadcast consumer reads all partitions, and none commits': async (stage) => {
    const topic = await newTopic(stage, 3)
    const groupId = newGroup()
    const options = { topics: [topic], groupId, mode: 'broadcast', start: { at: 'earliest' } } as const
    const [one, two] = await Promise.all([startReader(stage, options), startReader(stage, options)])
    await stage.producer.sendBatch(
      topic,
      [0, 1, 2].flatMap((partition) => records(partition, numbered('a', 10))),
    )
    await Promise.all([untilSeen(one, 30), untilSeen(two, 30)])
    await Promise.all([one.consumer.stop(), two.consumer.stop()])
    expect([one.seen.length, two.seen.length]).toEqual([30, 30])
    expect(await committedOffsets(stage, groupId, topic)).toEqual([undefined, undefined, undefined])
  },

  'a consumer tells its lag in each partition': async (stage) => {
    const topic = await newTopic(stage, 2)
    await stage.producer.sendBatch(topic, records(1, numbered('', 10)))
    const gate = newGate()
    let batches = 0
    const { consumer } = await startReader(stage, {
      topics: [topic],
      onBatch: async (batch) => {
        batches += 1
        if (batches === 1) return 4
        await gate.opened
        return batch.count
      },
    })
    await until('the rest is in hand', () => batches === 2)
    const lag = () => consumer.lag().toSorted((a, b) => a.partition - b.partition)
    expect(lag().filter(({ partition }) => partition === 1)).toEqual([{ topic, partition: 1, records: 6n }])
    gate.open()
    await until('nothing is left', () => lag().every(({ records }) => records === 0n))
  },
}

export const startFacts: Facts = {
  'a start at the earliest record reads everything': async (stage) => {
    const topic = await newTopic(stage)
    await stage.producer.sendBatch(topic, records(0, numbered('a', 3)))
    const reader = await startReader(stage, { topics: [topic], start: { at: 'earliest' } })
    await untilSeen(reader, 3)
    expect(reader.values()).toEqual(numbered('a', 3))
  },

  'a start at the latest record reads what is sent after start has resolved': async (stage) => {
    const topic = await newTopic(stage, 2)
    await stage.producer.sendBatch(topic, [...records(0, ['old']), ...records(1, ['old'])])
    for (const mode of ['group', 'broadcast'] as const) {
      const reader = await startReader(stage, { topics: [topic], mode, start: { at: 'latest' } })
      await stage.producer.sendBatch(topic, [...records(0, [mode]), ...records(1, [mode])])
      await untilSeen(reader, 2)
      expect(reader.values()).toEqual([mode, mode])
    }
  },

  'a start at the latest record is kept over a restart, even if nothing was read': async (stage) => {
    const topic = await newTopic(stage)
    const groupId = newGroup()
    const options = { topics: [topic], groupId, start: { at: 'committed', otherwise: 'latest' } } as const
    await stage.producer.sendBatch(topic, records(0, ['old']))
    const first = await startReader(stage, options)
    await first.consumer.stop()
    await stage.producer.sendBatch(topic, records(0, ['while away']))
    const second = await startReader(stage, options)
    await untilSeen(second, 1)
    expect(second.values()).toEqual(['while away'])
  },

  'a committed offset wins over a start at the earliest or the latest record': async (stage) => {
    const topic = await newTopic(stage)
    for (const at of ['earliest', 'latest'] as const) {
      const groupId = newGroup()
      const options = { topics: [topic], groupId, start: { at } }
      const first = await startReader(stage, options)
      await stage.producer.sendBatch(topic, records(0, ['read']))
      await until('it is read', () => first.values().includes('read'))
      await first.consumer.stop()
      await stage.producer.sendBatch(topic, records(0, [`after ${at}`]))
      const second = await startReader(stage, options)
      await untilSeen(second, 1)
      expect(second.values()).toEqual([`after ${at}`])
      await second.consumer.stop()
    }
  },

  'a start at a timestamp begins at the first record that is not older': async (stage) => {
    const topic = await newTopic(stage, 2, { 'retention.ms': '-1' })
    const stamped = numbered('', 10).map((value, i) => ({
      partition: 0,
      value,
      timestampMs: 1_700_000_000_000 + i * 1000,
    }))
    await stage.producer.sendBatch(topic, [...stamped, { partition: 1, value: 'old', timestampMs: 1_600_000_000_000 }])
    for (const mode of ['group', 'broadcast'] as const) {
      const start = { at: 'timestamp', timestampMs: 1_700_000_006_500 } as const
      const reader = await startReader(stage, { topics: [topic], mode, start })
      await untilSeen(reader, 3)
      expect(reader.values()).toEqual(['7', '8', '9'])
      await reader.consumer.stop()
    }
  },

  'a start at a timestamp begins at the end if all records are older': async (stage) => {
    const topic = await newTopic(stage)
    await stage.producer.sendBatch(topic, records(0, ['old']))
    const start = { at: 'timestamp', timestampMs: Date.now() + 3_600_000 } as const
    const reader = await startReader(stage, { topics: [topic], start })
    await stage.producer.sendBatch(topic, records(0, ['new']))
    await untilSeen(reader, 1)
    expect(reader.values()).toEqual(['new'])
  },

  'a start at offsets begins there in each partition': async (stage) => {
    const topic = await newTopic(stage, 2)
    await stage.producer.sendBatch(topic, [...records(0, numbered('a', 5)), ...records(1, numbered('b', 5))])
    const offsets = [
      { topic, partition: 0, offset: 3n },
      { topic, partition: 1, offset: 5n },
    ]
    for (const mode of ['group', 'broadcast'] as const) {
      const reader = await startReader(stage, { topics: [topic], mode, start: { at: 'offsets', offsets } })
      await untilSeen(reader, 2)
      expect(reader.values()).toEqual(['a3', 'a4'])
      await reader.consumer.stop()
    }
  },

  'a start at offsets or at a timestamp wins over a committed offset': async (stage) => {
    const topic = await newTopic(stage)
    const groupId = newGroup()
    const nowMs = Date.now()
    const stamped = numbered('', 4).map((value, i) => ({ partition: 0, value, timestampMs: nowMs + i }))
    await stage.producer.sendBatch(topic, stamped)
    const starts = [
      { at: 'earliest' },
      { at: 'offsets', offsets: [{ topic, partition: 0, offset: 1n }] },
      { at: 'timestamp', timestampMs: nowMs + 2 },
    ] as const
    for (const [skipped, start] of starts.entries()) {
      const reader = await startReader(stage, { topics: [topic], groupId, start })
      await untilSeen(reader, 4 - skipped)
      expect(reader.values()).toEqual(numbered('', 4).slice(skipped))
      await reader.consumer.stop()
      expect(await committedOffsets(stage, groupId, topic)).toEqual([4n])
    }
  },
}
