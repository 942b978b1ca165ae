import { createRequire } from 'node:module'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import fc from 'fast-check'
import kafkajs, { type Message } from 'kafkajs'
import { registerCodecs } from '../../../../src/broker/kafka/compression.ts'
import { gatherHeaders } from '../../../../src/broker/kafka/consumer/batch.ts'
import {
  encodeProduceRequest,
  installProduceEncoder,
  type ProduceOptions,
  sendingRecords,
} from '../../../../src/broker/kafka/producer/produce-request.ts'
import type { OutgoingRecord } from '../../../../src/broker/port.ts'

const require = createRequire(import.meta.url)
const NOW_MS = 1_795_221_408_427

interface Produce {
  protocol(version: { version: number }): (options: object) => { request: { encode(): Promise<{ buffer: Buffer }> } }
}

beforeEach(() => {
  jest.useFakeTimers({ now: NOW_MS })
})

afterEach(() => {
  jest.useRealTimers()
})

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const text = fc.oneof(fc.string({ maxLength: 300 }), fc.string({ unit: 'grapheme', maxLength: 50 }))
const header = fc.tuple(fc.stringMatching(/^[a-z]{1,9}[é]?$/), bytes)
const fields = {
  partition: fc.nat(3),
  value: fc.oneof(text, bytes, fc.constant(null)),
  key: fc.oneof(text, bytes),
  headers: fc.uniqueArray(header, { maxLength: 3, selector: ([name]) => name }),
}
// KafkaJS compares times as texts, so they need one length. It ignores records without a time: all have one, or none.
const timestampMs = fc.integer({ min: 1_000_000_000_000, max: 9_999_999_999_999 })
const batch: fc.Arbitrary<OutgoingRecord[]> = fc.oneof(
  fc.array(fc.record(fields, { requiredKeys: ['partition', 'value'] }), { minLength: 1, maxLength: 200 }),
  fc.array(fc.record({ ...fields, timestampMs }, { requiredKeys: ['partition', 'value', 'timestampMs'] }), {
    minLength: 1,
    maxLength: 200,
  }),
)

test('a produce request has the same bytes as that of KafkaJS', async () => {
  await fc.assert(
    fc.asyncProperty(batch, async (records) => {
      const expected = await byKafkaJs(records.map(asMessage))
      expect((await encodeProduceRequest(optionsFor(records))).buffer).toEqual(expected)
    }),
    { numRuns: 200 },
  )
})

test('a compressed produce request has the same bytes as that of KafkaJS with the same codec', async () => {
  registerCodecs()
  const records = Array.from({ length: 100 }, (_, i) => ({ partition: 0, value: `record ${i}`, timestampMs: NOW_MS }))
  const compression = kafkajs.CompressionTypes.ZSTD
  const expected = await byKafkaJs(records.map(asMessage), compression)
  expect((await encodeProduceRequest({ ...optionsFor(records), compression })).buffer).toEqual(expected)
})

test('a produce request grows beyond its estimate for text that is longer in UTF-8', async () => {
  const records = [{ partition: 0, value: '価'.repeat(100_000) }]
  expect((await encodeProduceRequest(optionsFor(records))).buffer).toEqual(await byKafkaJs(records.map(asMessage)))
})

test('a produce request keeps the order of repeated headers, and times that go back or are 0', async () => {
  const headers = ['a', 'b', 'a'].map((name, i) => [name, Buffer.from([i])] as const)
  const records = [
    { partition: 0, value: 'x', timestampMs: 1000, headers },
    { partition: 0, value: 'y', timestampMs: 0 },
    { partition: 0, value: 'z', timestampMs: 99_999_999_999_999 },
  ]
  const { buffer } = await encodeProduceRequest(optionsFor(records))
  const batch = await decode(buffer)
  expect(batch.records.map(({ timestamp }) => timestamp)).toEqual(['1000', '0', '99999999999999'])
  expect(batch.maxTimestamp).toBe('99999999999999')
  expect(batch.records[0]?.headers).toEqual({ a: [Buffer.from([0]), Buffer.from([2])], b: Buffer.from([1]) })
})

test('our encoder serves our own producers only, and no idempotent request', async () => {
  expect(installProduceEncoder()).toBe(true)
  expect(installProduceEncoder()).toBe(true)
  const options = optionsFor([{ partition: 0, value: 'x', timestampMs: 5 }])
  const encode = (changed: object = {}) => protocol(7)({ ...options, ...changed }).request.encode()
  // KafkaJS knows no `timestampMs`: it stamps the record by its own clock.
  expect((await decode((await encode()).buffer)).records[0]?.timestamp).toBe(String(NOW_MS))
  const ours = await sendingRecords([], () => encode())
  expect((await decode(ours.buffer)).records[0]?.timestamp).toBe('5')
  const idempotent = await sendingRecords([], () => encode({ producerId: 7 }))
  expect((await decode(idempotent.buffer)).records[0]?.timestamp).toBe(String(NOW_MS))
})

test('our encoder leaves another version of KafkaJS alone', () => {
  expect(installProduceEncoder('2.2.5')).toBe(false)
})

test('KafkaJS gets the records by partition without copying them, and its partitioner sees each partition once', () => {
  const group = require('kafkajs/src/producer/groupMessagesPerPartition') as (options: object) => object
  const records = Array.from({ length: 9 }, (_, i) => ({ partition: i % 3, value: `${i}` }))
  const looked: unknown[] = []
  const partitioner = ({ message }: { message: Message }) => {
    looked.push(message.partition)
    return message.partition
  }
  const lists = sendingRecords(records, (messages) =>
    group({ topic: 't', partitionMetadata: [{}, {}, {}], messages, partitioner }),
  )
  expect(lists).toEqual({
    0: [records[0], records[3], records[6]],
    1: [records[1], records[4], records[7]],
    2: [records[2], records[5], records[8]],
  })
  expect(looked).toEqual([0, 1, 2])
})

function optionsFor(records: readonly OutgoingRecord[]): ProduceOptions {
  return {
    acks: -1,
    timeout: 30_000,
    compression: 0,
    producerId: -1,
    topicData: [{ topic: 'priceś', partitions: byPartition(records) }],
  }
}

function byPartition<T extends { readonly partition?: number }>(records: readonly T[]) {
  const partitions = [...new Set(records.map(({ partition = 0 }) => partition))]
  return partitions.map((partition) => ({
    partition,
    messages: records.filter((each) => each.partition === partition),
    firstSequence: 0,
  }))
}

function asMessage({ partition, key, value, headers, timestampMs }: OutgoingRecord): Message {
  return {
    partition,
    value,
    ...(key === undefined ? {} : { key }),
    ...(headers === undefined ? {} : { headers: gatherHeaders(headers) }),
    ...(timestampMs === undefined ? {} : { timestamp: String(timestampMs) }),
  }
}

function protocol(version: number) {
  return (require('kafkajs/src/protocol/requests/produce') as Produce).protocol({ version })
}

async function byKafkaJs(messages: Message[], compression = 0): Promise<Buffer> {
  const topicData = [{ topic: 'priceś', partitions: byPartition(messages) }]
  const options = { acks: -1, timeout: 30_000, compression, producerId: -1, producerEpoch: 0, topicData }
  const { buffer } = await protocol(7)(options).request.encode()
  return buffer
}

interface Decoded {
  readonly maxTimestamp: string
  readonly records: readonly { readonly timestamp: string; readonly headers: object }[]
}

/** Decodes the only batch of a request, with KafkaJS. */
async function decode(request: Buffer): Promise<Decoded> {
  const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => object
  const decodeBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (decoder: object) => Promise<Decoded>
  const topicBytes = Buffer.byteLength('priceś')
  return decodeBatch(new Decoder(request.subarray(2 + 2 + 4 + 4 + 2 + topicBytes + 4 + 4 + 4)))
}
