import { expect, test } from '@jest/globals'
import kafkajs from 'kafkajs'
import { canRead, compressionType, registerCodecs } from '../../../src/broker/kafka/compression.ts'

interface KafkaJsCodec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>
  decompress(bytes: Buffer): Promise<Buffer>
}

const CompressionCodecs = kafkajs.CompressionCodecs as Record<number, () => KafkaJsCodec>
const text = Buffer.from('a price record, '.repeat(100))

// This test has a file of its own, because a registered codec stays registered.
test('lz4 is read and written through a hook', async () => {
  const reverse = (bytes: Buffer) => Buffer.from(bytes).reverse()
  registerCodecs({ lz4: { compress: reverse, decompress: reverse } })
  expect(canRead('lz4')).toBe(true)
  const codec = CompressionCodecs[compressionType('lz4')]?.()
  const written = await codec?.compress({ buffer: text })
  expect(await codec?.decompress(written ?? Buffer.alloc(0))).toEqual(text)
  registerCodecs()
  expect(canRead('lz4')).toBe(true)
})
