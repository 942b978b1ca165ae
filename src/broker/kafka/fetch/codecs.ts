import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { decompressFrameSync } from 'lz4-napi'
import { uncompressSync } from 'snappy'

/** A batch that decompresses to more is refused. */
const MAX_BYTES = 64 * 1024 * 1024
const LIMIT = { maxOutputLength: MAX_BYTES }

/** Decompresses by the number in a batch's attributes. Throws if the bytes are not so compressed, or too much comes out. */
export function decompress(codec: number, bytes: Buffer): Buffer {
  if (codec === 1) return gunzipSync(bytes, LIMIT)
  if (codec === 2) return unsnappy(bytes)
  if (codec === 3) return decompressFrameSync(lz4Frame(bytes))
  if (codec === 4) return zstdDecompressSync(bytes, LIMIT)
  throw new Error(`compression ${codec}, which is not known`)
}

/** Java's producers write snappy-java's stream of blocks, each after its length; others write one bare block. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER_BYTES = 16
const LENGTH_BYTES = 4

function unsnappy(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) {
    assertBounded(snappyBytes(bytes))
    return uncompressSync(bytes) as Buffer
  }
  const blocks: Buffer[] = []
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length; ) {
    const begin = at + LENGTH_BYTES
    at = begin + uint32(bytes, at, 'BE')
    if (at > bytes.length) throw new Error('snappy: a block beyond the end')
    blocks.push(bytes.subarray(begin, at))
  }
  assertBounded(blocks.reduce((sum, block) => sum + snappyBytes(block), 0))
  return Buffer.concat(blocks.map((block) => uncompressSync(block) as Buffer))
}

/** How many bytes a snappy block claims to decompress to: the varint at its beginning, of five bytes at most. */
function snappyBytes(block: Buffer): number {
  let size = 0
  for (let place = 0; place < 5; place++) {
    const byte = block[place] ?? 0
    size += (byte & 0x7f) * 0x80 ** place
    if (byte < 0x80) break
  }
  return size
}

const LZ4_MAGIC = 0x184d2204
const LZ4_FLAGS_AT = 4
const LZ4_HEADER_BYTES = 7
const BLOCK_CHECKSUMS = 0x10
const CONTENT_SIZE = 0x08
const CONTENT_CHECKSUM = 0x04
const DICTIONARY = 0x01
const UNCOMPRESSED = 0x80000000
/** A byte of a match's length stands for at most so many bytes. */
const LZ4_MAX_RATIO = 255

/**
 * The first frame of the bytes. The decompressor knows no limit, so the sizes of the blocks are checked before:
 *
 *     magic 4 | flags 1 | largest block 1 | [content size 8] | [dictionary 4] | checksum 1 | block … | 0 4 | [checksum 4]
 *
 * A block is its size 4, its bytes and, if the flags say so, a checksum 4.
 */
function lz4Frame(bytes: Buffer): Buffer {
  if (uint32(bytes, 0, 'LE') !== LZ4_MAGIC) throw new Error('lz4: not a frame')
  const flags = bytes[LZ4_FLAGS_AT] ?? 0
  const blockBytes = 2 ** (8 + 2 * (((bytes[LZ4_FLAGS_AT + 1] ?? 0) >> 4) & 7))
  const checksumBytes = flags & BLOCK_CHECKSUMS ? 4 : 0
  let at = LZ4_HEADER_BYTES + (flags & CONTENT_SIZE ? 8 : 0) + (flags & DICTIONARY ? 4 : 0)
  let most = 0
  for (;;) {
    const size = uint32(bytes, at, 'LE')
    at += LENGTH_BYTES
    if (size === 0) break
    const length = size % UNCOMPRESSED
    most += size < UNCOMPRESSED ? Math.min(blockBytes, LZ4_MAX_RATIO * length) : length
    at += length + checksumBytes
  }
  assertBounded(most)
  return bytes.subarray(0, at + (flags & CONTENT_CHECKSUM ? 4 : 0))
}

function uint32(bytes: Buffer, at: number, order: 'BE' | 'LE'): number {
  if (at + LENGTH_BYTES > bytes.length) throw new Error('cut off')
  return order === 'BE' ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at)
}

function assertBounded(bytes: number): void {
  if (bytes > MAX_BYTES) throw new Error(`it decompresses to more than ${MAX_BYTES} bytes`)
}
