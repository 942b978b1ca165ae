import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { expect, test } from '@jest/globals'
import kafkajs from 'kafkajs'
import { decompressFrameSync } from 'lz4-napi'
import { uncompressSync } from 'snappy'
import { COMPRESSORS } from '../../../src/broker/kafka/compression.ts'

const { CompressionTypes } = kafkajs
const text = Buffer.from('a price record, '.repeat(100))

test.each([
  ['gzip', CompressionTypes.GZIP, gunzipSync],
  ['snappy', CompressionTypes.Snappy, uncompressSync],
  ['lz4', CompressionTypes.LZ4, decompressFrameSync],
  ['zstd', CompressionTypes.ZSTD, zstdDecompressSync],
] as const)('a producer compresses with %s, under the number that Kafka has for it', async (name, type, decompress) => {
  const { type: number, compress } = COMPRESSORS[name]
  expect(number).toBe(type)
  const written = await compress(text)
  expect(written.length).toBeLessThan(text.length / 2)
  expect(decompress(written)).toEqual(text)
})
