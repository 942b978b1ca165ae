import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from '@jest/globals'
import { compressFrameSync, compressSync as lz4Block } from 'lz4-napi'
import { compressSync as snappy } from 'snappy'
import { decompress } from '../../../../src/broker/kafka/fetch/codecs.ts'
import { type BatchSpec, decode, encodeBatch, numbered, rowsOfSpec } from './batches.ts'

const [GZIP, SNAPPY, LZ4, ZSTD] = [1, 2, 3, 4] as const
const LIMIT = 64 * 1024 * 1024

/** As snappy-java's streams have it: blocks behind their lengths, as Java's producers write them. */
function javaSnappy(plain: Buffer, blockBytes = 20): Buffer {
  const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
  return Buffer.concat([header, ...blocksOf(plain, blockBytes).flatMap((block) => behindLength(snappy(block)))])
}

function behindLength(bytes: Uint8Array): Buffer[] {
  const length = Buffer.alloc(4)
  length.writeInt32BE(bytes.length)
  return [length, Buffer.from(bytes)]
}

/**
 * An LZ4 frame as Java's producers write it: the flags 0x60, blocks of at most 64 KB, and no checksum but the header's, a
 * byte of its xxHash32.
 */
function javaLz4(blocks: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]), ...blocks, Buffer.alloc(4)])
}

function block(plain: Buffer): Buffer {
  // The package puts the length of what it compressed before a block.
  const bytes = lz4Block(plain).subarray(4)
  return Buffer.concat([uint32(bytes.length), bytes])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function stored(plain: Buffer): Buffer {
  return Buffer.concat([uint32(plain.length + 0x80000000), plain])
}

function blocksOf(plain: Buffer, blockBytes: number): Buffer[] {
  return Array.from({ length: Math.ceil(plain.length / blockBytes) }, (_, at) =>
    plain.subarray(at * blockBytes, (at + 1) * blockBytes),
  )
}

describe('a compressed batch is read:', () => {
  test.each<[name: string, codec: number, compress: (plain: Buffer) => Buffer]>([
    ['gzip', GZIP, gzipSync],
    ['snappy, bare', SNAPPY, (plain) => Buffer.from(snappy(plain))],
    ["snappy in Java's blocks", SNAPPY, javaSnappy],
    ['lz4', LZ4, (plain) => compressFrameSync(plain)],
    [
      'lz4 with all checksums',
      LZ4,
      (plain) => compressFrameSync(plain, { contentChecksum: true, blockChecksums: true }),
    ],
    ["lz4 in Java's frame", LZ4, (plain) => javaLz4([block(plain)])],
    ['lz4 in several blocks', LZ4, (plain) => javaLz4(blocksOf(plain, 20).map(block))],
    ['lz4 in blocks that are stored', LZ4, (plain) => javaLz4(blocksOf(plain, 20).map(stored))],
    ['lz4 with bytes behind its frame', LZ4, (plain) => Buffer.concat([compressFrameSync(plain), Buffer.alloc(9, 1)])],
    ['zstd', ZSTD, zstdCompressSync],
  ])('%s', (_, codec, compress) => {
    const specs: BatchSpec[] = [
      { ...numbered(0, 20), codec, compress },
      numbered(20, 3),
      { ...numbered(23, 2), codec, compress },
    ]
    expect(decode(specs.map(encodeBatch))).toMatchObject({
      rows: specs.flatMap(rowsOfSpec),
      next: 25n,
      skipped: [],
    })
  })
})

describe('a batch is skipped, and the next one read, whose compression', () => {
  const plain = Buffer.from('a price record, '.repeat(100))
  test.each<[what: string, codec: number, bytes: Buffer, reason: string]>([
    ['is not known', 5, plain, 'compression 5, which is not known'],
    ['is gzip cut off', GZIP, gzipSync(plain).subarray(0, -12), 'unexpected end of file'],
    ['is gzip and is not', GZIP, plain, 'incorrect header check'],
    ['is snappy and is not', SNAPPY, plain, 'snappy'],
    ['is snappy of nothing', SNAPPY, Buffer.alloc(0), 'snappy'],
    [
      "is Java's snappy with a block beyond the end",
      SNAPPY,
      javaSnappy(plain).subarray(0, -1),
      'a block beyond the end',
    ],
    ["is Java's snappy with half a length", SNAPPY, Buffer.concat([javaSnappy(plain), Buffer.alloc(3)]), 'cut off'],
    ["is Java's snappy with a negative length", SNAPPY, javaSnappy(plain).fill(255, 16, 20), 'a block beyond the end'],
    ["is Java's snappy with a block of nothing", SNAPPY, Buffer.concat([javaSnappy(plain), Buffer.alloc(4)]), 'snappy'],
    ['is lz4 and is not', LZ4, plain, 'not a frame'],
    ['is lz4 of nothing', LZ4, Buffer.alloc(0), 'cut off'],
    ['is lz4 without an end', LZ4, compressFrameSync(plain).subarray(0, -4), 'cut off'],
    ['is lz4 with a block cut off', LZ4, compressFrameSync(plain).subarray(0, -8), 'cut off'],
    ['is lz4 with a header cut off', LZ4, compressFrameSync(plain).subarray(0, 6), 'cut off'],
    ['is zstd cut off', ZSTD, zstdCompressSync(plain).subarray(0, -1), 'unexpected end'],
    ['is zstd and is not', ZSTD, plain, 'Unknown frame'],
  ])('%s', (_, codec, bytes, reason) => {
    const batch = encodeBatch({ ...numbered(0, 3), codec, compress: () => bytes })
    expect(decode([batch, encodeBatch(numbered(3, 1))])).toMatchObject({
      offsets: [3],
      next: 4n,
      skipped: [{ from: 0n, to: 2n, reason: expect.stringContaining(reason) }],
    })
  })
})

describe('a batch that decompresses to more than 64 MiB is skipped, and as little memory taken:', () => {
  const zeros = Buffer.alloc(LIMIT + 1)
  const half = snappy(zeros.subarray(0, LIMIT / 2 + 1))
  const javaHeader = javaSnappy(Buffer.alloc(0))
  test.each<[name: string, codec: number, bytes: () => Buffer]>([
    ['gzip', GZIP, () => gzipSync(zeros, { level: 1 })],
    ['snappy, bare', SNAPPY, () => Buffer.from(snappy(zeros))],
    ['snappy that says 2^32', SNAPPY, () => Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0])],
    [
      "snappy in Java's blocks",
      SNAPPY,
      () => Buffer.concat([javaHeader, ...behindLength(half), ...behindLength(half)]),
    ],
    ['lz4', LZ4, () => compressFrameSync(zeros)],
    ['lz4 of stored blocks', LZ4, () => javaLz4(blocksOf(zeros, 2 ** 16).map(stored))],
    ['zstd', ZSTD, () => zstdCompressSync(zeros)],
  ])('%s', (_, codec, bytes) => {
    const bomb = bytes()
    const before = process.memoryUsage().external
    expect(decode([encodeBatch({ ...numbered(0, 3), codec, compress: () => bomb })])).toMatchObject({
      rows: [],
      next: 3n,
      skipped: [{ from: 0n, to: 2n, reason: expect.stringContaining('67108864') }],
    })
    expect(process.memoryUsage().external - before).toBeLessThan(4 * LIMIT)
  })

  test('while one of 64 MiB is read', () => {
    const most = zeros.subarray(0, LIMIT)
    for (const [codec, bytes] of [
      [GZIP, gzipSync(most, { level: 1 })],
      [SNAPPY, snappy(most)],
      [LZ4, compressFrameSync(most)],
      [ZSTD, zstdCompressSync(most)],
    ] as const)
      expect(decompress(codec, Buffer.from(bytes)).length).toBe(LIMIT)
  })
})
