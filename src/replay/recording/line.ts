import { isUtf8 } from 'node:buffer'
import { crc32 } from 'node:zlib'
import { isObject } from '../../../schemas/json-value.ts'
import type { Headers } from '../../broker/port.ts'
import type { ReplayRecord } from '../replay-record.ts'

/**
 * The lines of a recording, NDJSON that people can read too:
 *
 *   {"forewarm":"recording","v":1,"topics":{"prices":4},"clusterId":"…"}
 *   {"topic":"prices","partition":0,"offset":"12","timestampMs":1783715268000,"key":"polygon","value":"…","crc":"0f3a99c1"}
 *   {"end":true,"records":1,"sha256":"…","stateHash":"…"}
 *
 * A key, value or header is a string if its bytes are UTF-8, and `{"base64":"…"}` if they are not. A tombstone's value is
 * null. An absent key and empty headers are left out. `crc` is the CRC-32 of the line's text before `,"crc"`. The last
 * line's `sha256` covers all bytes before that line.
 */
export interface RecordingHeader {
  /** Partition counts of the recorded topics. */
  readonly topics: Readonly<Record<string, number>>
  readonly clusterId: string | undefined
}

export interface RecordingTrailer {
  readonly records: number
  readonly sha256: string
  /** The state hash (state-hash.ts) of the recorded price updates. */
  readonly stateHash: string
}

const VERSION = 1
const CRC_FIELD = ',"crc":"'
/** `,"crc":"` + 8 hexadecimal digits + `"}`. */
const CRC_LENGTH = CRC_FIELD.length + 10

export function headerLine(header: RecordingHeader): string {
  return JSON.stringify({ forewarm: 'recording', v: VERSION, topics: header.topics, clusterId: header.clusterId })
}

export function recordLine(record: ReplayRecord): string {
  const text = JSON.stringify({
    topic: record.topic,
    partition: record.partition,
    offset: String(record.offset),
    timestampMs: record.timestampMs,
    key: record.key === undefined ? undefined : textOf(record.key),
    value: record.value === undefined ? null : textOf(record.value),
    headers: record.headers.length === 0 ? undefined : record.headers.map(([name, value]) => [name, textOf(value)]),
  })
  const open = text.slice(0, -1)
  return `${open}${CRC_FIELD}${checksum(open)}"}`
}

export function trailerLine(trailer: RecordingTrailer): string {
  return JSON.stringify({ end: true, ...trailer })
}

export function isHeaderLine(line: string): boolean {
  return line.startsWith('{"forewarm":"recording"')
}

export function isTrailerLine(line: string): boolean {
  return line.startsWith('{"end":true')
}

/** The heading, or the reason why the line is none. */
export function parseHeaderLine(line: string): RecordingHeader | string {
  const parsed = objectOf(line)
  if (parsed === undefined) return 'the heading is not JSON'
  if (parsed.v !== VERSION)
    return `expected a recording of version ${VERSION}, got ${JSON.stringify(parsed.v)}: read it with a newer forewarm`
  const topics: Record<string, number> = {}
  for (const [topic, partitions] of Object.entries(isObject(parsed.topics) ? parsed.topics : {})) {
    if (typeof partitions !== 'number') return `the partition count of ${topic} is not a number`
    topics[topic] = partitions
  }
  return { topics, clusterId: typeof parsed.clusterId === 'string' ? parsed.clusterId : undefined }
}

/** The closing line, or the reason why the line is none. */
export function parseTrailerLine(line: string): RecordingTrailer | string {
  const parsed = objectOf(line)
  const { records, sha256, stateHash } = parsed ?? {}
  if (typeof records !== 'number' || typeof sha256 !== 'string' || typeof stateHash !== 'string')
    return 'the closing line is damaged'
  return { records, sha256, stateHash }
}

/** Whether the line is unchanged since it was written. */
export function hasItsChecksum(line: string): boolean {
  const open = line.slice(0, -CRC_LENGTH)
  return line.slice(-CRC_LENGTH) === `${CRC_FIELD}${checksum(open)}"}`
}

/** The record, or the reason why the line is none. */
export function parseRecordLine(line: string): ReplayRecord | string {
  const parsed = objectOf(line)
  if (parsed === undefined) return 'not JSON'
  const { topic, partition, offset, timestampMs } = parsed
  const key = parsed.key === undefined ? undefined : bytesOf(parsed.key)
  const value = parsed.value === null ? undefined : bytesOf(parsed.value)
  const headers = headersOf(parsed.headers)
  if (
    typeof topic !== 'string' ||
    typeof partition !== 'number' ||
    typeof offset !== 'string' ||
    !/^\d+$/.test(offset) ||
    typeof timestampMs !== 'number' ||
    key === NOT_BYTES ||
    value === NOT_BYTES ||
    headers === undefined
  )
    return 'not a record: expected topic, partition, offset, timestampMs, key, value, headers'
  return { topic, partition, offset: BigInt(offset), timestampMs, key, value, headers }
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}

type Text = string | { readonly base64: string }

function textOf(bytes: Buffer): Text {
  return isUtf8(bytes) ? bytes.toString('utf8') : { base64: bytes.toString('base64') }
}

const NOT_BYTES = Symbol('not bytes')

function bytesOf(text: unknown): Buffer | typeof NOT_BYTES {
  if (typeof text === 'string') return Buffer.from(text, 'utf8')
  if (isObject(text) && typeof text.base64 === 'string') return Buffer.from(text.base64, 'base64')
  return NOT_BYTES
}

const NO_HEADERS: Headers = []

function headersOf(list: unknown): Headers | undefined {
  if (list === undefined) return NO_HEADERS
  if (!Array.isArray(list)) return undefined
  const headers: [string, Buffer][] = []
  for (const item of list) {
    const value = Array.isArray(item) ? bytesOf(item[1]) : NOT_BYTES
    if (value === NOT_BYTES || typeof item[0] !== 'string') return undefined
    headers.push([item[0], value])
  }
  return headers
}

function objectOf(line: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(line)
    return isObject(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}
