import { gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, test } from '@jest/globals'
import kafkajs from 'kafkajs'
import { compressSync } from 'snappy'
import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import { canRead, compressionType, registerCodecs, whileFetching } from '../../../src/broker/kafka/compression.ts'

interface KafkaJsCodec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>
  decompress(bytes: Buffer): Promise<Buffer>
}

const { CompressionTypes } = kafkajs
const text = Buffer.from('a price record, '.repeat(100))
const codecOf = (type: number) => (kafkajs.CompressionCodecs as Record<number, () => KafkaJsCodec>)[type]?.()

test('a broker with a codec that is not registered is refused at once, with what to pass', () => {
  registerCodecs()
  expect(canRead('lz4')).toBe(false)
  expect(() => createKafkaBroker({ brokers: ['127.0.0.1:1'], clientId: 'test', compression: 'lz4' })).toThrow(
    expect.objectContaining({
      code: 'refused',
      message: 'no codec lz4 is registered to write with (there are gzip, snappy, zstd): pass one as codecs.lz4',
    }),
  )
})

test.each([
  ['gzip', CompressionTypes.GZIP, gzipSync],
  ['snappy', CompressionTypes.Snappy, compressSync],
  ['zstd', CompressionTypes.ZSTD, zstdCompressSync],
] as const)('%s is read and written', async (name, type, compress) => {
  registerCodecs()
  expect(compressionType(name)).toBe(type)
  expect(await codecOf(type)?.decompress(Buffer.from(compress(text)))).toEqual(text)
  const written = await codecOf(type)?.compress({ buffer: text })
  expect(written?.length).toBeLessThan(text.length / 2)
  expect(await codecOf(type)?.decompress(written ?? Buffer.alloc(0))).toEqual(text)
})

test("snappy in the blocks of Java's producers is read", async () => {
  registerCodecs()
  const blocks = [text.subarray(0, 700), text.subarray(700)].map((block) => {
    const compressed = Buffer.from(compressSync(block))
    const length = Buffer.alloc(4)
    length.writeInt32BE(compressed.length)
    return Buffer.concat([length, compressed])
  })
  const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
  expect(await codecOf(CompressionTypes.Snappy)?.decompress(Buffer.concat([header, ...blocks]))).toEqual(text)
})

test('a batch that no codec reads is set aside, with its offsets, if the fetch asks for that', async () => {
  registerCodecs()
  const records = Buffer.from('unreadable')
  const told: unknown[] = []
  const set = whileFetching(
    (batch) => told.push(batch),
    () => codecOf(CompressionTypes.LZ4)?.decompress(batchOf(records, 40n, 9)),
  )
  // KafkaJS takes an error of this name for a batch that the fetch cut off, and hands out the records before it.
  await expect(set).rejects.toMatchObject({ name: 'KafkaJSPartialMessageError' })
  const reason = 'no codec lz4 is registered to read with (there are gzip, snappy, zstd): pass one as codecs.lz4'
  expect(told).toEqual([{ from: 40n, to: 49n, reason }])
})

test('a damaged batch is set aside, too', async () => {
  registerCodecs()
  const told: { from: bigint; to: bigint }[] = []
  const damaged = batchOf(gzipSync(text).fill(0, 20), 7n, 0)
  const set = whileFetching(
    (batch) => told.push(batch),
    () => codecOf(CompressionTypes.GZIP)?.decompress(damaged),
  )
  await expect(set).rejects.toMatchObject({ name: 'KafkaJSPartialMessageError' })
  expect(told).toMatchObject([{ from: 7n, to: 7n }])
})

test('a batch that no codec reads fails the fetch if it does not ask, or if its header is not found', async () => {
  registerCodecs()
  const lz4 = codecOf(CompressionTypes.LZ4)
  await expect(lz4?.decompress(batchOf(Buffer.from('x'), 0n, 0))).rejects.toMatchObject({ code: 'refused' })
  const told: unknown[] = []
  const bare = whileFetching(
    (batch) => told.push(batch),
    () => lz4?.decompress(Buffer.alloc(100).subarray(90)),
  )
  await expect(bare).rejects.toMatchObject({ code: 'refused' })
  expect(told).toEqual([])
})

/** The compressed records as a codec gets them from KafkaJS: the end of a record batch v2, within a larger response. */
function batchOf(records: Buffer, firstOffset: bigint, lastOffsetDelta: number): Buffer {
  const before = 30
  const response = Buffer.alloc(before + 61 + records.length)
  response.writeBigInt64BE(firstOffset, before)
  response.writeInt32BE(49 + records.length, before + 8)
  response.writeInt8(2, before + 16)
  response.writeInt32BE(lastOffsetDelta, before + 23)
  records.copy(response, before + 61)
  return response.subarray(before + 61)
}
