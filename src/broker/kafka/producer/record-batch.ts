import type { Headers, OutgoingRecord } from '../../port.ts'
import type { Compressor } from '../compression.ts'
import { crc32c } from '../crc32c.ts'
import { ByteWriter, varintBytes } from '../wire/byte-writer.ts'
import type { ProducerId } from './producer-id.ts'

/**
 * Kafka's record batch, version 2:
 *
 *     0 first offset 8 │ 8 length 4 │ 12 leader epoch 4 │ 16 magic 1 │ 17 crc 4 │ 21 attributes 2 │ 23 last offset delta 4
 *    27 first time 8 │ 35 last time 8 │ 43 producer id 8 │ 51 producer epoch 2 │ 53 first sequence 4 │ 57 records 4 │ 61 …
 *
 * The length counts what follows it, the checksum covers what follows it.
 */
export const BATCH_HEADER_BYTES = 61

export const LENGTH_AT = 8
export const CRC_AT = 17
export const CRC_FROM = 21
export const MAGIC = 2

/** At most: a record's length, attributes, time, offset, the lengths of key and value, the number of headers. */
const RECORD_OVERHEAD_BYTES = 40
const ABSENT = -1

export interface BatchOptions {
  /** The time of records that come without one, Unix time in milliseconds. */
  readonly nowMs: number
  readonly producer: ProducerId
  /** The number of the first record among those of the producer in this partition; -1 if they have none. */
  readonly sequence: number
  readonly compressor: Compressor | undefined
}

/** Room for the records if all of their text is ASCII; the writer grows if it is not. */
export function estimateBytes(records: readonly OutgoingRecord[]): number {
  let bytes = BATCH_HEADER_BYTES
  for (const { key, value } of records) bytes += RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0)
  return bytes
}

/** Records of one partition, as a producer sends them: the broker fills in offsets. Rejects for one that cannot be written. */
export async function recordBatch(records: readonly OutgoingRecord[], options: BatchOptions): Promise<Buffer> {
  const { nowMs, producer, sequence, compressor } = options
  const { firstMs, lastMs } = timesOf(records, nowMs)
  const writer = new ByteWriter(estimateBytes(records))
  writer.int64(0n)
  writer.int32(0)
  writer.int32(0)
  writer.int8(MAGIC)
  writer.int32(0)
  writer.int16(compressor?.type ?? 0)
  writer.int32(records.length - 1)
  writer.int64(BigInt(firstMs))
  writer.int64(BigInt(lastMs))
  writer.int64(producer.id)
  writer.int16(producer.epoch)
  writer.int32(sequence)
  writer.int32(records.length)
  records.forEach((record, index) => {
    writeRecord(writer, record, { index, delayMs: (record.timestampMs ?? nowMs) - firstMs })
  })
  if (compressor !== undefined) await compressFrom(writer, BATCH_HEADER_BYTES, compressor)
  writer.int32At(LENGTH_AT, writer.position - LENGTH_AT - 4)
  writer.uint32At(CRC_AT, crc32c(writer.written, CRC_FROM, writer.position))
  return writer.written
}

function timesOf(records: readonly OutgoingRecord[], nowMs: number): { firstMs: number; lastMs: number } {
  let firstMs = Number.POSITIVE_INFINITY
  let lastMs = Number.NEGATIVE_INFINITY
  for (const { timestampMs = nowMs } of records) {
    if (!Number.isSafeInteger(timestampMs))
      throw new RangeError(`a time in whole milliseconds expected, got ${timestampMs}`)
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

async function compressFrom(writer: ByteWriter, position: number, { compress }: Compressor): Promise<void> {
  const compressed = await compress(writer.written.subarray(position))
  writer.truncate(position)
  writer.reserve(compressed.length)
  writer.bytes(compressed)
}
