import { randomBytes } from 'node:crypto'
import { expect } from '@jest/globals'
import { BatchError } from '../../../src/broker/batch-error.ts'
import { type Facts, newTopic, numbered, records, startReader, untilSeen } from './stage.ts'

export const recordFacts: Facts = {
  'records keep their order within a partition': async (stage) => {
    const topic = await newTopic(stage, 3)
    for (let call = 0; call < 20; call++) {
      const partitions = [0, 1, 2].map((partition) => records(partition, numbered('', 50, call * 50)))
      await stage.producer.sendBatch(topic, partitions.flat())
    }
    const reader = await startReader(stage, { topics: [topic] })
    await untilSeen(reader, 3000)
    for (const partition of [0, 1, 2]) {
      const seen = reader.seen.filter((record) => record.partition === partition)
      expect(seen.map(({ value }) => String(value))).toEqual(numbered('', 1000))
      expect(seen.map(({ offset }) => Number(offset))).toEqual(Array.from({ length: 1000 }, (_, i) => i))
    }
  },

  'calls of sendBatch that are not awaited keep their order': async (stage) => {
    const topic = await newTopic(stage)
    const calls = Array.from({ length: 40 }, (_, call) => records(0, numbered('', 25, call * 25)))
    await Promise.all(calls.map((call) => stage.producer.sendBatch(topic, call)))
    const reader = await startReader(stage, { topics: [topic] })
    await untilSeen(reader, 1000)
    expect(reader.values()).toEqual(numbered('', 1000))
  },

  'a consumer that waits gets what is produced': async (stage) => {
    const topic = await newTopic(stage)
    const reader = await startReader(stage, { topics: [topic] })
    for (const [already, value] of ['a', 'b', 'c'].entries()) {
      await stage.producer.sendBatch(topic, records(0, [value]))
      await untilSeen(reader, already + 1)
    }
    expect(reader.values()).toEqual(['a', 'b', 'c'])
  },

  'headers with the same name keep their order': async (stage) => {
    const topic = await newTopic(stage)
    const headers = [
      ['trace', Buffer.from('1')],
      ['other', Buffer.from('x')],
      ['trace', Buffer.from('2')],
      ['trace', Buffer.from('')],
    ] as const
    await stage.producer.sendBatch(topic, [
      { partition: 0, value: 'with', headers },
      { partition: 0, value: 'without' },
    ])
    const reader = await startReader(stage, { topics: [topic] })
    await untilSeen(reader, 2)
    const named = (name: string) =>
      reader.seen[0]?.headers.filter(([other]) => other === name).map(([, value]) => value)
    expect(named('trace')).toEqual(['1', '2', ''])
    expect(named('other')).toEqual(['x'])
    expect(reader.seen[0]?.headers).toHaveLength(4)
    expect(reader.seen[1]?.headers).toEqual([])
  },

  'a tombstone differs from an empty value, and no key from an empty key': async (stage) => {
    const topic = await newTopic(stage)
    await stage.producer.sendBatch(topic, [
      { partition: 0, key: 'gone', value: null },
      { partition: 0, value: '' },
      { partition: 0, key: '', value: 'a' },
    ])
    const reader = await startReader(stage, { topics: [topic] })
    await untilSeen(reader, 3)
    expect(reader.seen.map(({ key, value }) => [key?.toString(), value?.toString()])).toEqual([
      ['gone', undefined],
      [undefined, ''],
      ['', 'a'],
    ])
  },

  'timestamps are kept, also those that go back, and records without one are stamped': async (stage) => {
    const topic = await newTopic(stage, 1, { 'retention.ms': '-1' })
    const beforeMs = Date.now()
    await stage.producer.sendBatch(topic, [
      { partition: 0, value: 'a', timestampMs: 1_700_000_000_500 },
      { partition: 0, value: 'b', timestampMs: 1_700_000_000_000 },
      { partition: 0, value: 'c' },
    ])
    const afterMs = Date.now()
    const reader = await startReader(stage, { topics: [topic] })
    await untilSeen(reader, 3)
    const [a, b, c] = reader.seen.map(({ timestampMs }) => timestampMs)
    expect([a, b]).toEqual([1_700_000_000_500, 1_700_000_000_000])
    expect(c).toBeGreaterThanOrEqual(beforeMs)
    expect(c).toBeLessThanOrEqual(afterMs)
  },

  'keys and values carry any bytes, as buffers and as UTF-8 strings': async (stage) => {
    const topic = await newTopic(stage)
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    const text = 'WETH/USDC € ≥ 🦄'
    await stage.producer.sendBatch(topic, [
      { partition: 0, key: bytes, value: bytes },
      { partition: 0, key: text, value: text },
    ])
    const reader = await startReader(stage, { topics: [topic] })
    await untilSeen(reader, 2)
    expect(reader.seen.map(({ key, value }) => [key, value])).toEqual([
      [bytes, bytes],
      [Buffer.from(text), Buffer.from(text)],
    ])
  },

  'a buffer may be used again once sendBatch has resolved': async (stage) => {
    const topic = await newTopic(stage)
    const buffer = Buffer.from('first')
    await stage.producer.sendBatch(topic, [{ partition: 0, value: buffer }])
    buffer.write('later')
    await stage.producer.sendBatch(topic, [{ partition: 0, value: buffer }])
    const reader = await startReader(stage, { topics: [topic] })
    await untilSeen(reader, 2)
    expect(reader.values()).toEqual(['first', 'later'])
  },

  'each record arrives whole when batches, keys and partitions are mixed': async (stage) => {
    const topic = await newTopic(stage, 2)
    const sent = numbered('v', 2500).map((value, i) => ({
      partition: i % 2,
      key: `k${i}`,
      value: value.padEnd(i % 300, '.'),
    }))
    await stage.producer.sendBatch(topic, sent)
    const reader = await startReader(stage, { topics: [topic] })
    await untilSeen(reader, sent.length)
    for (const partition of [0, 1]) {
      const of = (list: readonly { partition: number; key?: unknown; value: unknown }[]) =>
        list.filter((record) => record.partition === partition).map(({ key, value }) => [String(key), String(value)])
      expect(of(reader.seen)).toEqual(of(sent))
    }
  },

  'records are stored, however large the call is, and one that is too large alone is refused alone': async (stage) => {
    const topic = await newTopic(stage, 3, { 'max.message.bytes': '100000' })
    // Random: compression must not make it fit.
    const sent = Array.from({ length: 90 }, (_, i) => ({
      partition: i % 3,
      value: randomBytes(i === 40 ? 120_000 : 8_000),
    }))
    const error = await batchErrorOf(stage.producer.sendBatch(topic, sent))
    expect(error).toMatchObject({ name: 'BrokerError', code: 'too-large', retriable: false })
    expect([...error.failures.keys()]).toEqual([40])
    const reader = await startReader(stage, { topics: [topic] })
    await untilSeen(reader, 89)
    for (const partition of [0, 1, 2]) {
      const values = (list: readonly { partition: number; value: Buffer | undefined }[]) =>
        list.filter((record) => record.partition === partition).map(({ value }) => value?.toString('hex'))
      expect(values(reader.seen)).toEqual(values(sent.filter((_, i) => i !== 40)))
    }
  },

  'sendBatch resolves to where the records are': async (stage) => {
    const topic = await newTopic(stage, 2)
    await stage.producer.sendBatch(topic, records(1, ['a']))
    const sent = [...records(1, ['b', 'c']), ...records(0, ['d'])]
    const stored = await stage.producer.sendBatch(topic, sent)
    expect(stored.toSorted((a, b) => a.partition - b.partition)).toEqual([
      { partition: 0, records: 1, offset: 0n },
      { partition: 1, records: 2, offset: 1n },
    ])
  },

  'a call whose records are refused in one partition is stored in the others, and says which are not': async (
    stage,
  ) => {
    const topic = await newTopic(stage, 2, { 'max.message.bytes': '2000' })
    const sent = [
      { partition: 0, value: 'a' },
      { partition: 7, value: 'b' },
      { partition: 1, value: 'x'.repeat(3000) },
      { partition: 1, value: 'c' },
    ]
    const error = await batchErrorOf(stage.producer.sendBatch(topic, sent))
    const codes = [...error.failures].map(([place, { code }]) => [place, code])
    expect(codes.toSorted()).toEqual([
      [1, 'refused'],
      [2, 'too-large'],
    ])
    expect(error.stored.toSorted((a, b) => a.partition - b.partition)).toEqual([
      { partition: 0, records: 1, offset: 0n },
      { partition: 1, records: 1, offset: 0n },
    ])
    expect((await stage.admin.offsets(topic)).map(({ high }) => high)).toEqual([1n, 1n])
  },

  'a record that is too far ahead of the clock is refused by the name of its fault, and the others are stored': async (
    stage,
  ) => {
    const topic = await newTopic(stage, 1, { 'message.timestamp.after.max.ms': '3600000' })
    const nowMs = Date.now()
    const times = [nowMs, nowMs + 7_200_000, nowMs - 1_000, nowMs + 1_800_000, nowMs + 86_400_000]
    const sent = times.map((timestampMs, i) => ({ partition: 0, value: `${i}`, timestampMs }))
    const error = await batchErrorOf(stage.producer.sendBatch(topic, sent))
    expect([...error.failures.keys()].sort()).toEqual([1, 4])
    for (const failure of error.failures.values())
      expect(failure).toMatchObject({
        code: 'refused',
        retriable: false,
        message: expect.stringContaining('INVALID_TIMESTAMP'),
      })
    const reader = await startReader(stage, { topics: [topic] })
    await untilSeen(reader, 3)
    expect(reader.values()).toEqual(['0', '2', '3'])
  },

  'a producer tells how many partitions a topic has, and that there is no such topic': async (stage) => {
    const topic = await newTopic(stage, 3)
    expect(await stage.producer.partitions(topic)).toBe(3)
    expect(await stage.producer.partitions('conformance-no-such-topic')).toBeUndefined()
  },

  'an empty batch stores nothing': async (stage) => {
    const topic = await newTopic(stage)
    await stage.producer.sendBatch(topic, [])
    expect(await stage.admin.offsets(topic)).toEqual([{ partition: 0, low: 0n, stableEnd: 0n, high: 0n }])
  },

  'a producer refuses a topic that does not exist': async (stage) => {
    const sent = stage.producer.sendBatch('conformance-no-such-topic', records(0, ['a']))
    await expect(sent).rejects.toMatchObject({ name: 'BrokerError', code: 'unknown-topic' })
  },

  'a producer refuses a partition that does not exist': async (stage) => {
    const topic = await newTopic(stage, 2)
    const sent = stage.producer.sendBatch(topic, records(2, ['a']))
    await expect(sent).rejects.toMatchObject({ name: 'BrokerError', code: 'refused', retriable: false })
  },

  'a producer refuses a record that is larger than the topic allows, and sends the next good one': async (stage) => {
    const topic = await newTopic(stage, 1, { 'max.message.bytes': '1048588' })
    const strict = await newTopic(stage, 1, { 'max.message.bytes': '2000' })
    const tooLarge = { name: 'BrokerError', code: 'too-large', retriable: false }
    const send = (name: string, bytes: number) => stage.producer.sendBatch(name, records(0, ['x'.repeat(bytes)]))
    await expect(send(topic, 1_100_000)).rejects.toMatchObject(tooLarge)
    await expect(send(strict, 3000)).rejects.toMatchObject(tooLarge)
    await send(topic, 1_000_000)
    await send(strict, 1500)
    expect(await stage.admin.offsets(topic)).toEqual([{ partition: 0, low: 0n, stableEnd: 1n, high: 1n }])
    expect(await stage.admin.offsets(strict)).toEqual([{ partition: 0, low: 0n, stableEnd: 1n, high: 1n }])
  },
}

async function batchErrorOf(sending: Promise<unknown>): Promise<BatchError> {
  const error = await sending.catch((reason: unknown) => reason)
  if (error instanceof BatchError) return error
  throw new Error(`a BatchError is expected, got ${error}`)
}
