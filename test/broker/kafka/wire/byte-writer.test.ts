import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ByteWriter, varintBytes } from '../../../../src/broker/kafka/wire/byte-writer.ts'

test.each([
  [0, [0]],
  [-1, [1]],
  [1, [2]],
  [63, [126]],
  [-64, [127]],
  [64, [128, 1]],
  [300, [216, 4]],
])('a byte writer writes %d as protocol buffers do', (value, expected) => {
  const writer = new ByteWriter(10)
  writer.varint(value)
  expect([...writer.written]).toEqual(expected)
})

test('a varint has as many bytes as varintBytes says, and they hold its number', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 51), max: 2 ** 51 }), (value) => {
      const writer = new ByteWriter(10)
      writer.varint(value)
      expect(writer.position).toBe(varintBytes(value))
      let zigzag = 0n
      writer.written.forEach((byte, i) => {
        zigzag |= BigInt(byte & 127) << BigInt(7 * i)
      })
      expect((zigzag >> 1n) ^ -(zigzag & 1n)).toBe(BigInt(value))
    }),
  )
})

test('a byte writer keeps its bytes when it grows, and forgets them when it is truncated', () => {
  const writer = new ByteWriter(4)
  writer.int32(7)
  writer.reserve(100)
  writer.text('é', 2)
  writer.bytes(Buffer.from([1, 2]))
  expect([...writer.written]).toEqual([0, 0, 0, 7, 0xc3, 0xa9, 1, 2])
  writer.int32At(0, -1)
  writer.truncate(5)
  expect([...writer.written]).toEqual([255, 255, 255, 255, 0xc3])
})
