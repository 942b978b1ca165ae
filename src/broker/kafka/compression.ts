import { AsyncLocalStorage } from 'node:async_hooks'
import { promisify } from 'node:util'
import { gunzip, gzip, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import kafkajs, { type CompressionTypes } from 'kafkajs'
import { compressSync, uncompressSync } from 'snappy'
import { BrokerError } from '../port.ts'
import { messageOf } from './errors.ts'

/** A compression of Kafka. */
export type CodecName = 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** Compresses and decompresses the records of a batch. */
export interface Codec {
  compress(bytes: Buffer): Buffer | Promise<Buffer>
  decompress(bytes: Buffer): Buffer | Promise<Buffer>
}

/** A stored batch that no codec can read. */
export interface UndecodableBatch {
  /** Offset of its first record. */
  readonly from: bigint
  /** Offset of its last record. */
  readonly to: bigint
  readonly reason: string
}

const TYPES: Readonly<Record<CodecName, CompressionTypes>> = {
  gzip: kafkajs.CompressionTypes.GZIP,
  snappy: kafkajs.CompressionTypes.Snappy,
  lz4: kafkajs.CompressionTypes.LZ4,
  zstd: kafkajs.CompressionTypes.ZSTD,
}

const BUILT_IN: Readonly<Record<Exclude<CodecName, 'lz4'>, Codec>> = {
  gzip: { compress: promisify(gzip), decompress: promisify(gunzip) },
  snappy: { compress: compressSync, decompress: decompressSnappy },
  zstd: { compress: zstdCompressSync, decompress: zstdDecompressSync },
}

const codecs: Record<number, () => unknown> = kafkajs.CompressionCodecs
const registered = new Map<CodecName, Codec>()

/**
 * The listener of the current fetch. A codec gets nothing but bytes, but it runs in the async context of the fetch that
 * it decodes for, so this tells whose fetch met a batch that it cannot read.
 */
const fetching = new AsyncLocalStorage<(batch: UndecodableBatch) => void>()

/** A fetch within `run`, now or later, reports batches that no codec reads to `onUndecodable` and does not fail. */
export function whileFetching<T>(onUndecodable: (batch: UndecodableBatch) => void, run: () => T): T {
  return fetching.run(onUndecodable, run)
}

/** Registers codecs with KafkaJS, for the whole process. A hook (lz4, or a replacement) stays until it is replaced. */
export function registerCodecs(hooks: Partial<Record<CodecName, Codec>> = {}): void {
  for (const name of Object.keys(TYPES) as CodecName[]) {
    const codec = hooks[name] ?? registered.get(name) ?? (name === 'lz4' ? undefined : BUILT_IN[name])
    if (codec !== undefined) registered.set(name, codec)
    const adapted = adapt(name)
    codecs[TYPES[name]] = () => adapted
  }
}

export function canRead(name: string): boolean {
  return name === 'none' || name === 'uncompressed' || registered.has(name as CodecName)
}

/** KafkaJS's number for a codec. Throws `refused` for a codec that is not registered. */
export function compressionType(name: CodecName): CompressionTypes {
  if (!registered.has(name)) throw noCodec(name, 'to write with')
  return TYPES[name]
}

export function noCodec(name: string, what: string): BrokerError {
  const known = [...registered.keys()].join(', ')
  const message = `no codec ${name} is registered ${what} (there are ${known}): pass one as codecs.${name}`
  return new BrokerError('refused', message, { retriable: false })
}

function adapt(name: CodecName): {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>
  decompress(bytes: Buffer): Promise<Buffer>
} {
  return {
    compress: async ({ buffer }) => {
      const codec = registered.get(name)
      if (codec === undefined) throw noCodec(name, 'to write with')
      return codec.compress(buffer)
    },
    decompress: async (bytes) => {
      try {
        const codec = registered.get(name)
        if (codec === undefined) throw noCodec(name, 'to read with')
        return await codec.decompress(bytes)
      } catch (error) {
        throw setAside(bytes, error)
      }
    },
  }
}

/**
 * When a codec throws, KafkaJS fails the whole fetch, with all its partitions. But it takes an error of this name for a
 * batch that the fetch cut off: it hands out the records before that batch and goes on.
 */
function setAside(bytes: Buffer, error: unknown): unknown {
  const report = fetching.getStore()
  const range = report === undefined ? undefined : rangeOf(bytes)
  if (report === undefined || range === undefined) return error
  report({ ...range, reason: messageOf(error) })
  return Object.assign(new Error('set aside'), { name: 'KafkaJSPartialMessageError' })
}

const HEADER_BYTES = 61
const LENGTH_AT = 8
const MAGIC_AT = 16
const LAST_OFFSET_DELTA_AT = 23
/** The header bytes that its length field counts: all but the first offset and the length itself. */
const COUNTED_HEADER_BYTES = HEADER_BYTES - LENGTH_AT - 4

/**
 * The first and last offset of the batch that has these compressed records. The bytes are a slice of the fetch
 * response, where the batch's header (record batch v2: offset, length, …, 61 bytes) stands right before them.
 */
function rangeOf(bytes: Buffer): { from: bigint; to: bigint } | undefined {
  if (bytes.byteOffset < HEADER_BYTES) return undefined
  const header = Buffer.from(bytes.buffer, bytes.byteOffset - HEADER_BYTES, HEADER_BYTES)
  const isHeader =
    header.readInt8(MAGIC_AT) === 2 && header.readInt32BE(LENGTH_AT) === bytes.length + COUNTED_HEADER_BYTES
  if (!isHeader) return undefined
  const from = header.readBigInt64BE(0)
  return { from, to: from + BigInt(header.readInt32BE(LAST_OFFSET_DELTA_AT)) }
}

/** Java's producers write snappy in blocks (the stream format of snappy-java). Others write it bare. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER_BYTES = 16

function decompressSnappy(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return uncompressSync(bytes) as Buffer
  const blocks: Buffer[] = []
  let at = XERIAL_HEADER_BYTES
  while (at < bytes.length) {
    const length = bytes.readInt32BE(at)
    blocks.push(uncompressSync(bytes.subarray(at + 4, at + 4 + length)) as Buffer)
    at += 4 + length
  }
  return Buffer.concat(blocks)
}
