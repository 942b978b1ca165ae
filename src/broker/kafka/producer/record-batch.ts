import type { Headers, OutgoingRecord } from '../../port.ts'
import { type ByteWriter, varintBytes } from './byte-writer.ts'
import { crc32c } from './crc32c.ts'

/**
 * Kafka's record batch, version 2:
 *
 *     0 first offset 8 │ 8 length 4 │ 12 leader epoch 4 │ 16 magic 1 │ 17 crc 4 │ 21 attributes 2 │ 23 last offset delta 4
 *    27 first time 8 │ 35 last time 8 │ 43 producer id 8 │ 51 producer epoch 2 │ 53 first sequence 4 │ 57 records 4 │ 61 …
 *
 * The length counts what follows it, the checksum covers what follows it.
 */
export const BATCH_HEADER_BYTES = 61

const LENGTH_AT = 8
const CRC_AT = 17
const CRC_FROM = 21
const MAGIC = 2
const NO_PRODUCER = -1n

/** At most: a record's length, attributes, time, offset, the lengths of key and value, the number of headers. */
const RECORD_OVERHEAD_BYTES = 40
const ABSENT = -1

export interface BatchOptions {
  /** The time of records that come without one, Unix time in milliseconds. */
  readonly nowMs: number
  /** The codec's number in Kafka. */
  readonly compression: number
  readonly compress?: (records: Buffer) => Promise<Buffer>
}

/** Room for the records if all of their text is ASCII; the writer grows if it is not. */
export function estimateBytes(records: readonly OutgoingRecord[]): number {
  let bytes = BATCH_HEADER_BYTES
  for (const { key, value } of records) bytes += RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0)
  return bytes
}

/** Records of one partition, as the producer sends them: the broker fills in offsets. */
export async function writeRecordBatch(
  writer: ByteWriter,
  records: readonly OutgoingRecord[],
  options: BatchOptions,
): Promise<void> {
  const { firstMs, lastMs } = timesOf(records, options.nowMs)
  const start = writer.position
  writer.reserve(BATCH_HEADER_BYTES)
  writer.int64(0n)
  writer.int32(0)
  writer.int32(0)
  writer.int8(MAGIC)
  writer.int32(0)
  writer.int16(options.compression)
  writer.int32(records.length - 1)
  writer.int64(BigInt(firstMs))
  writer.int64(BigInt(lastMs))
  writer.int64(NO_PRODUCER)
  writer.int16(0)
  writer.int32(0)
  writer.int32(records.length)
  records.forEach((record, index) => {
    writeRecord(writer, record, { index, delayMs: (record.timestampMs ?? options.nowMs) - firstMs })
  })
  if (options.compress !== undefined) await compressFrom(writer, start + BATCH_HEADER_BYTES, options.compress)
  writer.int32At(start + LENGTH_AT, writer.position - start - LENGTH_AT - 4)
  writer.uint32At(start + CRC_AT, crc32c(writer.written, start + CRC_FROM, writer.position))
}

function timesOf(records: readonly OutgoingRecord[], nowMs: number): { firstMs: number; lastMs: number } {
  let firstMs = Number.POSITIVE_INFINITY
  let lastMs = 0
  for (const { timestampMs = nowMs } of records) {
    if (timestampMs < firstMs) firstMs = timestampMs
    if (timestampMs > lastMs) lastMs = timestampMs
  }
  return { firstMs, lastMs }
}

function writeRecord(
  writer: ByteWriter,
  { key, value, headers }: OutgoingRecord,
  { index, delayMs }: { index: number; delayMs: number },
): void {
  const keyBytes = key === undefined ? ABSENT : bytesOf(key)
  const valueBytes = value === null ? ABSENT : bytesOf(value)
  const headersBytes = headers === undefined ? 1 : sizeOfHeaders(headers)
  const size =
    1 +
    varintBytes(delayMs) +
    varintBytes(index) +
    varintBytes(keyBytes) +
    Math.max(keyBytes, 0) +
    varintBytes(valueBytes) +
    Math.max(valueBytes, 0) +
    headersBytes
  writer.reserve(size + RECORD_OVERHEAD_BYTES)
  writer.varint(size)
  writer.int8(0)
  writer.varint(delayMs)
  writer.varint(index)
  writer.varint(keyBytes)
  if (key !== undefined) writeBytes(writer, key, keyBytes)
  writer.varint(valueBytes)
  if (value !== null) writeBytes(writer, value, valueBytes)
  writer.varint(headers?.length ?? 0)
  if (headers !== undefined) writeHeaders(writer, headers)
}

function writeBytes(writer: ByteWriter, bytes: Buffer | string, length: number): void {
  if (typeof bytes === 'string') writer.text(bytes, length)
  else writer.bytes(bytes)
}

function writeHeaders(writer: ByteWriter, headers: Headers): void {
  for (const [name, value] of headers) {
    const nameBytes = bytesOf(name)
    writer.varint(nameBytes)
    writer.text(name, nameBytes)
    writer.varint(value.length)
    writer.bytes(value)
  }
}

function sizeOfHeaders(headers: Headers): number {
  let size = varintBytes(headers.length)
  for (const [name, value] of headers) {
    const nameBytes = bytesOf(name)
    size += varintBytes(nameBytes) + nameBytes + varintBytes(value.length) + value.length
  }
  return size
}

function bytesOf(bytes: Buffer | string): number {
  return typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length
}

async function compressFrom(
  writer: ByteWriter,
  position: number,
  compress: (records: Buffer) => Promise<Buffer>,
): Promise<void> {
  const compressed = await compress(writer.written.subarray(position))
  writer.truncate(position)
  writer.reserve(compressed.length)
  writer.bytes(compressed)
}
