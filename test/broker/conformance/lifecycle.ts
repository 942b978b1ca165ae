import { expect } from '@jest/globals'
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

const CLOSED = { name: 'BrokerError', code: 'closed', retriable: false }

export const stopFacts: Facts = {
  'a stop aborts the signal, waits for the batch in hand and commits what was done': async (stage) => {
    const topic = await newTopic(stage)
    const groupId = newGroup()
    await stage.producer.sendBatch(topic, records(0, numbered('', 5)))
    const inHand = newGate()
    const first = await startReader(stage, {
      topics: [topic],
      groupId,
      onBatch: async (_, { signal }) => {
        inHand.open()
        await aborted(signal)
        await stage.admin.topics()
        return 3
      },
    })
    await inHand.opened
    await first.consumer.stop()
    expect(await committedOffsets(stage, groupId, topic)).toEqual([3n])
    const second = await startReader(stage, { topics: [topic], groupId })
    await untilSeen(second, 2)
    expect(second.values()).toEqual(['3', '4'])
  },

  'a stop leaves a batch that does not end within drainMs, reports it as stuck, and it is read again': async (
    stage,
  ) => {
    const topic = await newTopic(stage)
    const groupId = newGroup()
    await stage.producer.sendBatch(topic, records(0, ['a']))
    const [inHand, hang] = [newGate(), newGate()]
    const first = await startReader(stage, {
      topics: [topic],
      groupId,
      onBatch: async (batch) => {
        inHand.open()
        await hang.opened
        return batch.count
      },
    })
    await inHand.opened
    await first.consumer.stop({ drainMs: 100 })
    expect(first.consumer.health().state).toBe('stopped')
    expect(first.events.filter(({ type }) => type === 'stuck')).toMatchObject([{ groupId, topic, partition: 0 }])
    hang.open()
    const second = await startReader(stage, { topics: [topic], groupId })
    await untilSeen(second, 1)
    expect(second.values()).toEqual(['a'])
  },

  'a stopped consumer hands nothing over': async (stage) => {
    const topic = await newTopic(stage)
    const groupId = newGroup()
    const stopped = await startReader(stage, { topics: [topic], groupId })
    await stopped.consumer.stop()
    await stage.producer.sendBatch(topic, records(0, ['a']))
    const other = await startReader(stage, { topics: [topic], groupId })
    await untilSeen(other, 1)
    expect(stopped.seen).toEqual([])
  },

  'a consumer may be stopped twice, also at the same time, also before it started': async (stage) => {
    const topic = await newTopic(stage)
    let revoked = 0
    const reader = await startReader(stage, {
      topics: [topic],
      onRevoked: () => {
        revoked += 1
      },
    })
    await Promise.all([reader.consumer.stop(), reader.consumer.stop()])
    await reader.consumer.stop()
    expect(revoked).toBe(1)
    await newReader(stage, { topics: [topic] }).consumer.stop()
  },

  'a consumer may be started twice at the same time, but not after a stop': async (stage) => {
    const topic = await newTopic(stage)
    const reader = newReader(stage, { topics: [topic] })
    await Promise.all([reader.consumer.start(), reader.consumer.start()])
    expect(reader.consumer.health().epoch).toBe(1)
    await reader.consumer.stop()
    await expect(reader.consumer.start()).rejects.toMatchObject(CLOSED)
  },

  'a consumer tells its state and its partitions': async (stage) => {
    const topic = await newTopic(stage, 2)
    const { consumer } = newReader(stage, { topics: [topic] })
    expect(consumer.health()).toEqual({ state: 'stopped', epoch: 0, restarts: 0, assigned: [], isHeard: false })
    await consumer.start()
    const { assigned, ...running } = consumer.health()
    expect(running).toEqual({ state: 'running', epoch: 1, restarts: 0, isHeard: true })
    expect(assigned.toSorted((a, b) => a.partition - b.partition)).toEqual([
      { topic, partition: 0 },
      { topic, partition: 1 },
    ])
    await consumer.stop()
    expect(consumer.health()).toMatchObject({ state: 'stopped', assigned: [] })
    expect(consumer.lag()).toEqual([])
  },

  'a broker closes everything that it handed out, and may be closed twice': async (stage) => {
    const topic = await newTopic(stage)
    const story: string[] = []
    const reader = await startReader(stage, {
      topics: [topic],
      onRevoked: () => {
        story.push('revoked')
      },
    })
    await stage.broker.close()
    await stage.broker.close()
    expect(story).toEqual(['revoked'])
    expect(reader.consumer.health().state).toBe('stopped')
    await expect(stage.producer.sendBatch(topic, records(0, ['a']))).rejects.toMatchObject(CLOSED)
    await expect(stage.admin.topics()).rejects.toMatchObject(CLOSED)
  },

  'a producer flushes at its close, and may be closed twice': async (stage) => {
    const topic = await newTopic(stage)
    const sends = [0, 1, 2].map((i) => stage.producer.sendBatch(topic, records(0, [`${i}`])))
    await stage.producer.flush()
    expect(await stage.admin.offsets(topic)).toEqual([{ partition: 0, low: 0n, stableEnd: 3n, high: 3n }])
    await Promise.all(sends)
    const last = stage.producer.sendBatch(topic, records(0, ['3']))
    await stage.producer.close()
    await last
    await stage.producer.close()
    expect(await stage.admin.offsets(topic)).toEqual([{ partition: 0, low: 0n, stableEnd: 4n, high: 4n }])
  },
}

export const failureFacts: Facts = {
  'a consumer outlives whatever its handler throws, and hands the record over again': async (stage) => {
    const topic = await newTopic(stage)
    const errors = [new Error('plain'), new SyntaxError('bad'), new TypeError('bad'), new RangeError('bad'), 'a string']
    let failures = 0
    const reader = await startReader(stage, {
      topics: [topic],
      onBatch: async (batch) => {
        const error = errors[failures]
        if (error === undefined) return batch.count
        failures += 1
        throw error
      },
    })
    await stage.producer.sendBatch(topic, records(0, ['a']))
    await untilSeen(reader, errors.length + 1)
    expect(reader.values()).toEqual(Array(errors.length + 1).fill('a'))
    await stage.producer.sendBatch(topic, records(0, ['b']))
    await until('the next good record is handled', () => reader.values().includes('b'))
    expect(reader.consumer.health().state).toBe('running')
    expect(reader.consumer.health().restarts).toBe(errors.length)
    expect(reader.events.filter(({ type }) => type === 'restart')).toHaveLength(errors.length)
    const committed = async () => (await committedOffsets(stage, reader.groupId, topic))[0] === 2n
    await until('both are committed', committed)
  },

  'a consumer outlives a handler that throws before it returns a promise': async (stage) => {
    const topic = await newTopic(stage)
    let calls = 0
    const consumer = stage.broker.consumer({
      mode: 'group',
      groupId: newGroup(),
      topics: [topic],
      start: { at: 'earliest' },
      onBatch: (batch) => {
        calls += 1
        if (calls === 1) throw new TypeError('at once')
        return Promise.resolve(batch.count)
      },
    })
    await consumer.start()
    await stage.producer.sendBatch(topic, records(0, ['a']))
    await until('it is called again', () => calls === 2)
  },

  'a consumer goes on when its onEvent throws': async (stage) => {
    const topic = await newTopic(stage)
    const reader = await startReader(stage, {
      topics: [topic],
      onEvent: () => {
        throw new Error('the observer is broken')
      },
    })
    await stage.producer.sendBatch(topic, records(0, ['a']))
    await untilSeen(reader, 1)
  },

  'a consumer does not start on a topic that does not exist': async (stage) => {
    const reader = newReader(stage, { topics: ['conformance-no-such-topic'] })
    await expect(reader.consumer.start()).rejects.toMatchObject({ name: 'BrokerError', code: 'unknown-topic' })
  },
}
