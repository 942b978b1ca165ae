import { createRequire } from 'node:module'
import { zstdCompressSync } from 'node:zlib'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import kafkajs, { type Message } from 'kafkajs'
import { COMPRESSORS } from '../../../../src/broker/kafka/compression.ts'
import { NOT_NUMBERED } from '../../../../src/broker/kafka/producer/producer-id.ts'
import { type BatchOptions, recordBatch } from '../../../../src/broker/kafka/producer/record-batch.ts'
import { produceRequest } from '../../../../src/broker/kafka/wire/produce.ts'
import { RequestWriter } from '../../../../src/broker/kafka/wire/writer.ts'
import type { OutgoingRecord } from '../../../../src/broker/port.ts'

const require = createRequire(import.meta.url)
const NOW_MS = 1_795_221_408_427
const TOPIC = 'priceś'
/** What both sides of a comparison are given. */
const NUMBERED: BatchOptions = { nowMs: NOW_MS, producer: { id: 7n, epoch: 3 }, sequence: 11, compressor: undefined }

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

test('a produce request of record batches has the same bytes as that of KafkaJS', async () => {
  await fc.assert(
    fc.asyncProperty(batch, async (records) => {
      expect(await ours(records)).toEqual(await byKafkaJs(records))
    }),
    { numRuns: 200 },
  )
})

test('a compressed record batch has the same bytes as that of KafkaJS with the same codec', async () => {
  const { ZSTD } = kafkajs.CompressionTypes
  const codecs = kafkajs.CompressionCodecs as Record<number, unknown>
  codecs[ZSTD] = () => ({ compress: async ({ buffer }: { buffer: Buffer }) => zstdCompressSync(buffer) })
  const records = Array.from({ length: 100 }, (_, i) => ({ partition: 0, value: `record ${i}`, timestampMs: NOW_MS }))
  expect(await ours(records, { ...NUMBERED, compressor: COMPRESSORS.zstd })).toEqual(await byKafkaJs(records, ZSTD))
})

test('a record batch grows beyond its estimate for text that is longer in UTF-8', async () => {
  const records = [{ partition: 0, value: '価'.repeat(100_000) }]
  expect(await ours(records)).toEqual(await byKafkaJs(records))
})

test('a record batch keeps the order of repeated headers, and times that go back, are 0 or before 1970', async () => {
  const headers = ['a', 'b', 'a'].map((name, i) => [name, Buffer.from([i])] as const)
  const records = [
    { partition: 0, value: 'x', timestampMs: 1000, headers },
    { partition: 0, value: 'y', timestampMs: -5 },
    { partition: 0, value: 'z', timestampMs: 99_999_999_999_999 },
  ]
  const decoded = await decode(await recordBatch(records, NUMBERED))
  expect(decoded.records.map(({ timestamp }) => timestamp)).toEqual(['1000', '-5', '99999999999999'])
  expect(decoded.maxTimestamp).toBe('99999999999999')
  expect(decoded.records[0]?.headers).toEqual({ a: [Buffer.from([0]), Buffer.from([2])], b: Buffer.from([1]) })
})

test('a record batch has the id of its producer, its epoch and the number of its first record, or says that it has none', async () => {
  const numbersOf = async (options: BatchOptions) => {
    const written = await recordBatch([{ partition: 0, value: 'x' }], options)
    return [written.readBigInt64BE(43), written.readInt16BE(51), written.readInt32BE(53)]
  }
  expect(await numbersOf(NUMBERED)).toEqual([7n, 3, 11])
  expect(await numbersOf({ ...NUMBERED, producer: NOT_NUMBERED, sequence: -1 })).toEqual([-1n, -1, -1])
})

test.each([1.5, Number.NaN, Number.POSITIVE_INFINITY])(
  'a record batch is not written with the time %d',
  async (timestampMs) => {
    const written = recordBatch([{ partition: 0, value: 'x', timestampMs }], NUMBERED)
    await expect(written).rejects.toThrow(`a time in whole milliseconds expected, got ${timestampMs}`)
  },
)

function byPartition(records: readonly OutgoingRecord[]): Map<number, OutgoingRecord[]> {
  return Map.groupBy(records, ({ partition }) => partition)
}

async function ours(records: readonly OutgoingRecord[], options = NUMBERED): Promise<Buffer> {
  const batches = await Promise.all(
    [...byPartition(records)].map(async ([partition, of]) => ({
      topic: TOPIC,
      partition,
      bytes: await recordBatch(of, options),
    })),
  )
  const request = produceRequest({ version: 7, batches, replicasMs: 30_000, answerMs: 0 })
  const writer = new RequestWriter(request.bytes)
  request.encode(writer)
  return Buffer.from(writer.written)
}

interface Produce {
  protocol(version: { version: number }): (options: object) => { request: { encode(): Promise<{ buffer: Buffer }> } }
}

async function byKafkaJs(records: readonly OutgoingRecord[], compression = 0): Promise<Buffer> {
  const partitions = [...byPartition(records)].map(([partition, of]) => ({
    partition,
    firstSequence: 11,
    messages: of.map(asMessage),
  }))
  const options = {
    acks: -1,
    timeout: 30_000,
    compression,
    producerId: 7,
    producerEpoch: 3,
    topicData: [{ topic: TOPIC, partitions }],
  }
  const produce = require('kafkajs/src/protocol/requests/produce') as Produce
  return (await produce.protocol({ version: 7 })(options).request.encode()).buffer
}

function asMessage({ partition, key, value, headers, timestampMs = NOW_MS }: OutgoingRecord): Message {
  return {
    partition,
    value,
    timestamp: String(timestampMs),
    ...(key === undefined ? {} : { key }),
    ...(headers === undefined ? {} : { headers: Object.fromEntries(headers) }),
  }
}

interface Decoded {
  readonly maxTimestamp: string
  readonly records: readonly { readonly timestamp: string; readonly headers: object }[]
}

/** With KafkaJS. */
function decode(written: Buffer): Promise<Decoded> {
  const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => object
  const decodeBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (decoder: object) => Promise<Decoded>
  return decodeBatch(new Decoder(written))
}
