import { promisify } from 'node:util'
import { gzip, zstdCompressSync } from 'node:zlib'
import { compressFrameSync } from 'lz4-napi'
import { compressSync } from 'snappy'

/** A compression of Kafka. */
export type CodecName = 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** What a producer compresses with. */
export interface Compressor {
  /** Kafka's number of the codec. */
  readonly type: number
  compress(bytes: Buffer): Buffer | Promise<Buffer>
}

export const COMPRESSORS: Readonly<Record<CodecName, Compressor>> = {
  gzip: { type: 1, compress: promisify(gzip) },
  snappy: { type: 2, compress: compressSync },
  lz4: { type: 3, compress: compressFrameSync },
  zstd: { type: 4, compress: zstdCompressSync },
}
