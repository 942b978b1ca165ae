import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { FrameAssembler } from '../../../../src/broker/kafka/wire/frames.ts'
import { MalformedAnswer } from '../../../../src/broker/kafka/wire/reader.ts'

function framed(frames: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    frames.flatMap((frame) => {
      const size = Buffer.alloc(4)
      size.writeInt32BE(frame.length)
      return [size, frame]
    }),
  )
}

/** What comes out of the bytes, cut at these places. */
function assembled(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const frames: Buffer[] = []
  const assembler = new FrameAssembler((frame) => frames.push(frame))
  const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
  for (const [at, place] of places.entries()) assembler.take(bytes.subarray(place, places[at + 1]))
  return frames
}

const frame = fc.uint8Array({ minLength: 4, maxLength: 40 })

test('the frames of a stream are the same, in one piece or in two, wherever it is cut', () => {
  const frames = [4, 30, 5, 4, 17].map((length, at) => Buffer.alloc(length, at + 1))
  const bytes = framed(frames)
  for (let cut = 0; cut <= bytes.length; cut++) expect(assembled(bytes, [cut])).toEqual(frames)
  expect(
    assembled(
      bytes,
      Array.from({ length: bytes.length }, (_, at) => at),
    ),
  ).toEqual(frames)
})

test('the frames of a stream are the same in any pieces', () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.nat(400), { maxLength: 20 }), (frames, cuts) => {
      const bytes = framed(frames)
      const within = cuts.filter((cut) => cut <= bytes.length)
      expect(assembled(bytes, within)).toEqual(frames.map((each) => Buffer.from(each)))
    }),
  )
})

test('a frame keeps nothing of the pieces that it came in: their memory is used again', () => {
  const bytes = framed([Buffer.from('in one piece'), Buffer.from('in two')])
  const frames = assembled(bytes, [bytes.length - 2])
  bytes.fill(0)
  expect(frames.map(String)).toEqual(['in one piece', 'in two'])
})

test('memory of a frame is used again once it is free, and not before', () => {
  const frames: Buffer[] = []
  const assembler = new FrameAssembler((each) => frames.push(each))
  for (const text of ['first', 'other']) assembler.take(framed([Buffer.from(text)]))
  const [first, other] = frames as [Buffer, Buffer]
  expect(other.buffer).not.toBe(first.buffer)
  assembler.free(first.buffer)
  assembler.take(framed([Buffer.from('third')]))
  assembler.take(framed([Buffer.from('fourth')]))
  expect(frames.map(String)).toEqual(['third', 'other', 'third', 'fourth'])
  expect(frames[2]?.buffer).toBe(first.buffer)
})

test('a small frame does not take the memory of a large one, and memory beyond 16 MiB is not kept', () => {
  const frames: Buffer[] = []
  const assembler = new FrameAssembler((each) => frames.push(each))
  const take = (bytes: number): Buffer => {
    assembler.take(framed([Buffer.alloc(bytes)]))
    return frames.at(-1) as Buffer
  }
  const large = take(1024 * 1024)
  assembler.free(large.buffer)
  expect(take(1_000).buffer).not.toBe(large.buffer)
  expect(take(1024 * 1024).buffer).toBe(large.buffer)
  const huge = take(17 * 1024 * 1024)
  assembler.free(huge.buffer)
  expect(take(17 * 1024 * 1024).buffer).not.toBe(huge.buffer)
})

test('memory of eight frames is kept, and the oldest goes first', () => {
  const frames: Buffer[] = []
  const assembler = new FrameAssembler((each) => frames.push(each))
  const sizes = Array.from({ length: 9 }, (_, at) => 8 * 5 ** at)
  for (const size of sizes) assembler.take(framed([Buffer.alloc(size)]))
  const memory = frames.map(({ buffer }) => buffer)
  for (const each of memory) assembler.free(each)
  for (const size of sizes) assembler.take(framed([Buffer.alloc(size)]))
  expect(frames.slice(9).map(({ buffer }, at) => buffer === memory[at])).toEqual([false, ...Array(8).fill(true)])
})

test('a frame that has not come as a whole is none yet', () => {
  expect(assembled(framed([Buffer.from('one'.repeat(3))]).subarray(0, -1), [])).toEqual([])
})

test.each([
  ['negative', -1],
  ['too small for a correlation id', 3],
  ['beyond 256 MiB', 256 * 1024 * 1024 + 1],
])('a size that is %s is malformed, in one piece or in four', (_, size) => {
  const bytes = Buffer.alloc(8)
  bytes.writeInt32BE(size)
  expect(() => assembled(bytes, [])).toThrow(MalformedAnswer)
  expect(() => assembled(bytes, [1, 2, 3])).toThrow(`an answer of ${size} bytes`)
})

test('frames before a malformed size have been handed on', () => {
  const frames: Buffer[] = []
  const assembler = new FrameAssembler((each) => frames.push(each))
  const bytes = Buffer.concat([framed([Buffer.from('good')]), Buffer.alloc(4)])
  expect(() => assembler.take(bytes)).toThrow(MalformedAnswer)
  expect(frames.map(String)).toEqual(['good'])
})
