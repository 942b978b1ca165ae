import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ByteReader, MalformedAnswer } from '../../../../src/broker/kafka/wire/reader.ts'
import { RequestWriter } from '../../../../src/broker/kafka/wire/writer.ts'

const readerOf = (...bytes: readonly number[]) => new ByteReader(Buffer.from(bytes))

/** What is written, with a byte behind it that is for nobody. */
function written(write: (writer: RequestWriter) => void): Buffer {
  const writer = new RequestWriter(2_000)
  write(writer)
  writer.int8(0x7f)
  return writer.written
}

/** What a request's writer writes, and the reader of answers reads. */
const BOTH: readonly (readonly [
  what: string,
  value: unknown,
  write: (writer: RequestWriter) => void,
  read: (reader: ByteReader) => unknown,
])[] = [
  ['a byte', -128, (writer) => writer.int8(-128), (reader) => reader.int8()],
  ['16 bits', -32_768, (writer) => writer.int16(-32_768), (reader) => reader.int16()],
  ['32 bits', -(2 ** 31), (writer) => writer.int32(-(2 ** 31)), (reader) => reader.int32()],
  ['64 bits', -(2n ** 63n), (writer) => writer.int64(-(2n ** 63n)), (reader) => reader.int64()],
  ['what is true', true, (writer) => writer.int8(1), (reader) => reader.boolean()],
  ['what is false', false, (writer) => writer.int8(0), (reader) => reader.boolean()],
  [
    'an id',
    '0123456789abcdef'.repeat(2),
    (writer) => writer.uuid('0123456789abcdef'.repeat(2)),
    (reader) => reader.uuid(),
  ],
  ['a short varint', 127, (writer) => writer.unsignedVarint(127), (reader) => reader.unsignedVarint()],
  ['a long varint', 2 ** 32 - 1, (writer) => writer.unsignedVarint(2 ** 32 - 1), (reader) => reader.unsignedVarint()],
  ['a string', 'priceś', (writer) => writer.string('priceś'), (reader) => reader.string()],
  ['an empty string', '', (writer) => writer.string(''), (reader) => reader.string()],
  ['no string', undefined, (writer) => writer.int16(-1), (reader) => reader.nullableString()],
  ['a string that could be none', 'a', (writer) => writer.string('a'), (reader) => reader.nullableString()],
  [
    'a compact string',
    'ś'.repeat(200),
    (writer) => writer.compactString('ś'.repeat(200)),
    (reader) => reader.compactString(),
  ],
  ['an empty compact string', '', (writer) => writer.compactString(''), (reader) => reader.compactString()],
  ['no compact string', undefined, (writer) => writer.unsignedVarint(0), (reader) => reader.compactNullableString()],
  ['tagged fields', undefined, (writer) => writer.tags(), (reader) => reader.tags()],
]

describe('the reader of answers', () => {
  test.each(BOTH)('reads what is written as %s, and no byte more', (_, value, write, read) => {
    const bytes = written(write)
    const reader = new ByteReader(bytes)
    expect(read(reader)).toEqual(value)
    expect(reader.at).toBe(bytes.length - 1)
  })

  test.each(BOTH)('calls %s malformed that is cut off', (_, _value, write, read) => {
    const bytes = written(write).subarray(0, -1)
    for (let length = 0; length < bytes.length; length++)
      expect(() => read(new ByteReader(bytes.subarray(0, length)))).toThrow(MalformedAnswer)
  })

  test('reads any unsigned varint of 32 bits as it is written', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), (value) => {
        expect(new ByteReader(written((writer) => writer.unsignedVarint(value))).unsignedVarint()).toBe(value)
      }),
    )
  })

  test('calls a varint of more than five bytes malformed', () => {
    expect(() => readerOf(255, 255, 255, 255, 255, 1).unsignedVarint()).toThrow('more than five bytes at byte 5')
  })

  test('calls null malformed where a string has to be', () => {
    expect(() => readerOf(255, 255).string()).toThrow('null in place of a string')
    expect(() => readerOf(0).compactString()).toThrow('null in place of a string')
  })

  test.each<[form: string, read: (reader: ByteReader) => Buffer, length: (bytes: number) => number[]]>([
    ['behind 32 bits', (reader) => reader.sizedBytes(), (bytes) => [bytes >> 24, bytes >> 16, bytes >> 8, bytes]],
    ['behind a varint', (reader) => reader.compactBytes(), (bytes) => [bytes + 1]],
  ])('slices bytes out of the answer that stand %s', (_, read, length) => {
    const reader = readerOf(...length(3), 7, 8, 9, 10)
    const bytes = read(reader)
    expect([...bytes]).toEqual([7, 8, 9])
    expect(bytes.buffer).toBe(reader.bytes.buffer)
    expect(read(readerOf(...length(0), 7)).length).toBe(0)
    expect(read(readerOf(...length(-1), 7)).length).toBe(0)
    expect(() => read(readerOf(...length(3), 7, 8))).toThrow(MalformedAnswer)
  })

  test('reads arrays in both forms, null being empty', () => {
    const compact = readerOf(3, 7, 8, 9)
    expect(compact.compactArray(() => compact.int8())).toEqual([7, 8])
    const sized = readerOf(0, 0, 0, 2, 7, 8, 9)
    expect(sized.array(() => sized.int8())).toEqual([7, 8])
    expect(readerOf(0).compactArray(() => 0)).toEqual([])
    expect(readerOf(1).compactArray(() => 0)).toEqual([])
    expect(readerOf(255, 255, 255, 255).array(() => 0)).toEqual([])
  })

  test('calls an array malformed that has more elements than bytes are left, before it reads one', () => {
    const never = () => {
      throw new Error('an element was read')
    }
    expect(() => readerOf(0x7f, 0xff, 0xff, 0xff, 1, 2).array(never)).toThrow('an array of 2147483647 elements')
    expect(() => readerOf(4, 1, 2).compactArray(never)).toThrow('an array of 3 elements')
  })

  test('passes over tagged fields that nobody knows, and those that are read in part', () => {
    const reader = readerOf(3, 0, 2, 9, 9, 5, 4, 1, 2, 3, 4, 6, 0, 77)
    const known: number[] = []
    reader.tags((tag) => known.push(tag === 5 ? reader.int16() : tag))
    expect(known).toEqual([0, 0x0102, 6])
    expect(reader.int8()).toBe(77)
  })

  test.each([
    ['is longer than the answer', [1, 0, 9, 1]],
    ['has no size', [1, 0]],
    ['is missing', [2, 0, 0]],
    ['is one of 2^32', [255, 255, 255, 255, 15, 0, 0]],
  ])('calls a tagged field malformed that %s', (_, bytes) => {
    expect(() => readerOf(...bytes).tags()).toThrow(MalformedAnswer)
  })

  test('calls a tagged field malformed that is shorter than what is in it', () => {
    const reader = readerOf(1, 4, 1, 0, 0, 0, 7)
    expect(() => reader.tags(() => reader.int32())).toThrow('more than the 1 bytes of tagged field 4 at byte 7')
  })
})
