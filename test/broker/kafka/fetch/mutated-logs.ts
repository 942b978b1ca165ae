import { gzipSync, zstdCompressSync } from 'node:zlib'
import { compressFrameSync } from 'lz4-napi'
import { compressSync } from 'snappy'
import type { AbortedTransaction } from '../../../../src/broker/kafka/wire/fetch.ts'
import { AT, type BatchSpec, encodeBatch, marker, numbered, type Row, rowsOfSpec } from './batches.ts'

/** Batches of one partition. */
export interface Log {
  readonly bytes: Buffer
  readonly aborted: readonly AbortedTransaction[]
  readonly end: number
}

interface Part {
  readonly base: number
  readonly rows: readonly Row[]
  readonly isAborted: boolean
}

const A = 7n
const B = 8n
const CODECS: readonly (readonly [codec: number, compress: (plain: Buffer) => Buffer])[] = [
  [1, (plain) => gzipSync(plain)],
  [2, (plain) => Buffer.from(compressSync(plain))],
  [3, (plain) => compressFrameSync(plain)],
  [4, (plain) => zstdCompressSync(plain)],
]

/** Each batch that was made here, by its bytes from the version on: the checksum and all that it covers. */
const parts = new Map<string, Part>()

function batch(spec: BatchSpec, isAborted = false): Buffer {
  const bytes = encodeBatch(spec)
  parts.set(contentOf(bytes, 0, bytes.length), { base: Number(spec.base), rows: rowsOfSpec(spec), isAborted })
  return bytes
}

function contentOf(bytes: Buffer, at: number, end: number): string {
  return bytes.toString('latin1', at + AT.version, end)
}

const rich: BatchSpec['records'] = [
  {
    delta: 0,
    key: 'WETH/USDC',
    value: 'a price, a price',
    timeDelta: 0,
    headers: [
      ['trace', '1'],
      ['trace', undefined],
    ],
  },
  { delta: 1, key: 'WETH/USDC', timeDelta: 90 },
  { delta: 2, value: 'x'.repeat(70), timeDelta: -3 },
  { delta: 3, headers: [['', '']] },
]

const plain = [
  batch(numbered(0, 3)),
  batch({ base: 3, records: rich }),
  batch({ base: 7, records: rich.slice(1), lastDelta: 9 }),
  batch({ base: 17, records: [], lastDelta: 2 }),
  batch({ ...numbered(20, 4), appendTimeMs: 1_800_000_000_000 }),
  batch(numbered(30, 1)),
]
const transactions = [
  batch({ ...numbered(0, 2), producer: A }, true),
  batch({ ...numbered(2, 2), producer: B }, true),
  batch(numbered(4, 1)),
  batch({ base: 5, records: rich, producer: A }, true),
  marker(9, B, 'abort'),
  marker(10, A, 'abort'),
  batch({ ...numbered(11, 2), producer: A }),
  marker(13, A, 'commit'),
]
const compressed = CODECS.map(([codec, compress]) => {
  const specs = [numbered(0, 9), { base: 9, records: rich }, numbered(13, 5)]
  return specs.map((spec) => batch({ ...spec, codec, compress }))
})

export const LOGS: readonly Log[] = [
  { bytes: Buffer.concat(plain), aborted: [], end: 31 },
  {
    bytes: Buffer.concat(transactions),
    aborted: [
      { producerId: B, firstOffset: 2n },
      { producerId: A, firstOffset: 0n },
    ],
    end: 14,
  },
  ...compressed.map((batches) => ({ bytes: Buffer.concat(batches), aborted: [], end: 18 })),
]

/** The batches of a log that are as they were made here. */
export interface Found {
  /** Their offsets begin with what the batch says, as no checksum covers that. */
  readonly rows: readonly Row[]
  readonly aborted: ReadonlySet<Row>
  /** Whether all of them have the first offset with which they were made. */
  readonly isInPlace: boolean
}

export function found(bytes: Buffer): Found {
  const rows: Row[] = []
  const aborted = new Set<Row>()
  let isInPlace = true
  for (let at = 0; bytes.length - at > AT.version; ) {
    const end = at + AT.leaderEpoch + bytes.readInt32BE(at + AT.length)
    if (end <= at + AT.version || end > bytes.length) break
    const part = parts.get(contentOf(bytes, at, end))
    const shift = part === undefined ? 0n : bytes.readBigInt64BE(at) - BigInt(part.base)
    isInPlace &&= shift === 0n
    for (const row of part?.rows ?? []) {
      const shifted = shift === 0n ? row : { ...row, offset: row.offset + shift }
      rows.push(shifted)
      if (part?.isAborted) aborted.add(shifted)
    }
    at = end
  }
  return { rows, aborted, isInPlace }
}
