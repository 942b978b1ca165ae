import { expect } from '@jest/globals'
import type { BatchContext } from '../../../src/broker/port.ts'
import { until } from '../../harness/until.ts'
import {
  committedOffsets,
  type Facts,
  newReader,
  newTopic,
  numbered,
  records,
  startReader,
  untilSeen,
} from './stage.ts'

export const flowFacts: Facts = {
  'a paused partition hands nothing over, and goes on where it was when it is resumed': async (stage) => {
    const topic = await newTopic(stage, 2)
    const reader = await startReader(stage, { topics: [topic] })
    await stage.producer.sendBatch(topic, [...records(0, ['p0']), ...records(1, ['q0'])])
    await untilSeen(reader, 2)
    const paused = [{ topic, partition: 0 }]
    reader.consumer.pause(paused)
    for (const round of [1, 2, 3]) {
      await stage.producer.sendBatch(topic, [...records(0, [`p${round}`]), ...records(1, [`q${round}`])])
      await until('the other one flows', () => reader.values().includes(`q${round}`))
    }
    expect(reader.values().filter((value) => value.startsWith('p'))).toEqual(['p0'])
    reader.consumer.resume(paused)
    await untilSeen(reader, 8)
    expect(reader.values().filter((value) => value.startsWith('p'))).toEqual(['p0', 'p1', 'p2', 'p3'])
  },

  'a partition can be paused by its own handler': async (stage) => {
    const topic = await newTopic(stage)
    await stage.producer.sendBatch(topic, records(0, ['a', 'b', 'c']))
    const paused = [{ topic, partition: 0 }]
    const reader = newReader(stage, {
      topics: [topic],
      onBatch: async () => {
        reader.consumer.pause(paused)
        return 1
      },
    })
    await reader.consumer.start()
    for (const next of ['a', 'b', 'c']) {
      const handled = () => reader.seen.findLast(({ value }) => String(value) === next)
      await until(`${next} is handled`, handled)
      reader.consumer.resume(paused)
    }
  },

  'a handler may call heartbeat': async (stage) => {
    const topic = await newTopic(stage)
    await stage.producer.sendBatch(topic, records(0, ['a']))
    let beats = 0
    const beat = async ({ heartbeat }: BatchContext) => {
      await heartbeat()
      beats += 1
    }
    const reader = await startReader(stage, {
      topics: [topic],
      onBatch: async (batch, context) => {
        for (let i = 0; i < 3; i++) await beat(context)
        return batch.count
      },
    })
    await until('the handler is through', () => beats === 3)
    await reader.consumer.stop()
    expect(await committedOffsets(stage, reader.groupId, topic)).toEqual([1n])
  },

  'the signal of a batch is not aborted while the consumer keeps the partition': async (stage) => {
    const topic = await newTopic(stage)
    const aborts: boolean[] = []
    const reader = await startReader(stage, {
      topics: [topic],
      onBatch: async (batch, { signal, heartbeat }) => {
        await heartbeat()
        aborts.push(signal.aborted)
        return batch.count
      },
    })
    for (const value of ['a', 'b']) {
      await stage.producer.sendBatch(topic, records(0, [value]))
      await until(`${value} is handled`, () => aborts.length === reader.seen.length && reader.seen.length > 0)
    }
    expect(aborts.every((isAborted) => !isAborted)).toBe(true)
  },

  'a batch knows the high watermark of its partition': async (stage) => {
    const topic = await newTopic(stage)
    await stage.producer.sendBatch(topic, records(0, numbered('', 7)))
    const marks: bigint[] = []
    const reader = await startReader(stage, {
      topics: [topic],
      onBatch: async (batch) => {
        marks.push(batch.highWatermark)
        return batch.count
      },
    })
    await untilSeen(reader, 7)
    expect(new Set(marks)).toEqual(new Set([7n]))
  },
}
