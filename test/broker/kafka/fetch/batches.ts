import { crc32c } from '../../../../src/broker/kafka/crc32c.ts'
import { type DecodedRecords, decodeRecords } from '../../../../src/broker/kafka/fetch/record-batches.ts'
import { ColumnBatch } from '../../../../src/broker/kafka/fetch/record-columns.ts'
import { ByteWriter } from '../../../../src/broker/kafka/wire/byte-writer.ts'
import type { AbortedTransaction } from '../../../../src/broker/kafka/wire/fetch.ts'

/** One record. A field that is not given is absent; its time is the batch's. */
export interface RecordSpec {
  /** The offset less that of the batch. */
  readonly delta: number
  readonly key?: string
  readonly value?: string
  readonly timeDelta?: number
  readonly headers?: readonly (readonly [name: string, value: string | undefined])[]
}

export interface BatchSpec {
  readonly base: number | bigint
  readonly records: readonly RecordSpec[]
  /** Default: that of the last record. */
  readonly lastDelta?: number
  readonly firstTimeMs?: number
  /** The time that the broker stamped on all records. */
  readonly appendTimeMs?: number
  /** The batch belongs to a transaction of this producer. */
  readonly producer?: bigint
  readonly isControl?: boolean
  readonly codec?: number
  readonly compress?: (plain: Buffer) => Buffer
}

export const FIRST_TIME_MS = 1_700_000_000_000
export const HEADER_BYTES = 61
/** The places of a batch's fields. */
export const AT = { base: 0, length: 8, leaderEpoch: 12, version: 16, crc: 17, attributes: 21, lastDelta: 23 } as const
export const COUNT_AT = 57

export function encodeBatch(spec: BatchSpec): Buffer {
  const { base, records, producer, appendTimeMs, firstTimeMs = FIRST_TIME_MS, codec = 0 } = spec
  const plain = Buffer.concat(records.map(encodeRecord))
  const body = spec.compress?.(plain) ?? plain
  const writer = new ByteWriter(HEADER_BYTES + body.length)
  writer.int64(BigInt(base))
  writer.int32(HEADER_BYTES - 12 + body.length)
  writer.int32(-1)
  writer.int8(2)
  writer.int32(0)
  const flags = (appendTimeMs === undefined ? 0 : 8) | (producer === undefined ? 0 : 16) | (spec.isControl ? 32 : 0)
  writer.int16(codec | flags)
  writer.int32(spec.lastDelta ?? records.at(-1)?.delta ?? 0)
  writer.int64(BigInt(firstTimeMs))
  writer.int64(BigInt(appendTimeMs ?? firstTimeMs))
  writer.int64(producer ?? -1n)
  writer.int16(0)
  writer.int32(-1)
  writer.int32(records.length)
  writer.bytes(body)
  return sealed(writer.written)
}

/** Writes the checksum that belongs to the batch as it is. */
export function sealed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch, AT.attributes), AT.crc)
  return batch
}

/** A batch with other bytes for its records. */
export function withRecords(spec: BatchSpec, bytes: Buffer, count = 1): Buffer {
  const batch = Buffer.concat([encodeBatch({ ...spec, records: [] }), bytes])
  batch.writeInt32BE(batch.length - 12, AT.length)
  batch.writeInt32BE(count, COUNT_AT)
  return sealed(batch)
}

/** Ends a producer's transaction. The key is a version and a type, 0 to abort and 1 to commit. */
export function marker(base: number, producer: bigint, type: 'abort' | 'commit'): Buffer {
  const key = `\0\0\0${type === 'abort' ? '\0' : '\x01'}`
  return encodeBatch({ base, producer, isControl: true, records: [{ delta: 0, key, value: '\0'.repeat(6) }] })
}

export function encodeRecord({ delta, key, value, timeDelta = 0, headers = [] }: RecordSpec): Buffer {
  const writer = new ByteWriter(1024)
  writer.int8(0)
  writer.varint(timeDelta)
  writer.varint(delta)
  writeText(writer, key)
  writeText(writer, value)
  writer.varint(headers.length)
  for (const [name, text] of headers) {
    writeText(writer, name)
    writeText(writer, text)
  }
  return Buffer.concat([varint(writer.position), writer.written])
}

export function varint(value: number): Buffer {
  const writer = new ByteWriter(10)
  writer.varint(value)
  return writer.written
}

function writeText(writer: ByteWriter, text: string | undefined): void {
  const bytes = text === undefined ? -1 : Buffer.byteLength(text)
  writer.reserve(bytes + 10)
  writer.varint(bytes)
  if (text !== undefined) writer.text(text, bytes)
}

/** A record as a reader sees it. */
export interface Row {
  readonly offset: bigint
  readonly timeMs: number
  readonly key: string | undefined
  readonly value: string | undefined
  readonly headers: readonly (readonly [string, string])[]
}

export function rowsOf({ columns }: Pick<DecodedRecords, 'columns'>): Row[] {
  const batch = new ColumnBatch(columns, { topic: 'prices', partition: 0, highWatermark: 0n, stableEnd: 0n })
  return Array.from({ length: batch.count }, (_, index) => ({
    offset: batch.offset(index),
    timeMs: batch.timestampMs(index),
    key: batch.key(index)?.toString(),
    value: batch.value(index)?.toString(),
    headers: batch.headers(index).map(([name, value]) => [name, value.toString()] as const),
  }))
}

/** The rows of a batch. A header without a value is read as an empty one. */
export function rowsOfSpec({ base, records, appendTimeMs, firstTimeMs = FIRST_TIME_MS }: BatchSpec): Row[] {
  return records.map(({ delta, key, value, timeDelta = 0, headers = [] }) => ({
    offset: BigInt(base) + BigInt(delta),
    timeMs: appendTimeMs ?? firstTimeMs + timeDelta,
    key,
    value,
    headers: headers.map(([name, text = '']) => [name, text] as const),
  }))
}

export function decode(batches: readonly Buffer[], position = 0n, aborted: readonly AbortedTransaction[] = []) {
  const decoded = decodeRecords({ records: Buffer.concat(batches), position, aborted })
  return { ...decoded, rows: rowsOf(decoded), offsets: rowsOf(decoded).map(({ offset }) => Number(offset)) }
}

/** Records of consecutive offsets, from `base` on. */
export function numbered(base: number, count: number): BatchSpec {
  return { base, records: Array.from({ length: count }, (_, delta) => ({ delta, value: `v${base + delta}` })) }
}
