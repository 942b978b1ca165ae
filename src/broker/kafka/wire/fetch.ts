import type { TopicPartition } from '../../port.ts'
import { byTopic } from './by-topic.ts'
import type { WireRequest } from './connection.ts'
import type { ByteReader } from './reader.ts'
import type { RequestWriter } from './writer.ts'

export interface FetchFrom extends TopicPartition {
  /** The topic's id; needed from version 13 on. */
  readonly id: string | undefined
  readonly offset: bigint
}

export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: bigint
}

/** One partition's share of an answer. */
export interface FetchedPartition {
  /** The name, or from version 13 on the id: what the request asked for. */
  readonly topic: string
  readonly partition: number
  readonly error: number
  /** Next offset to be written. */
  readonly highWatermark: bigint
  /** First offset that is not yet decided: records before it are committed or aborted. */
  readonly stableEnd: bigint
  readonly aborted: readonly AbortedTransaction[]
  /** Record batches; a slice of the answer. */
  readonly records: Buffer
  /** Who leads now, where the broker says that it does not. */
  readonly leader: number | undefined
}

export interface Fetched {
  readonly error: number
  /** The memory that all records of the answer lie in. */
  readonly memory: ArrayBufferLike
  readonly partitions: readonly FetchedPartition[]
}

export interface FetchOptions {
  readonly version: number
  readonly from: readonly FetchFrom[]
  readonly maxWaitMs: number
  /** Bounds the whole answer; one record batch comes, however large. */
  readonly maxBytes: number
  readonly maxBytesPerPartition: number
}

export const FETCH = { apiKey: 1, lowest: 11, highest: 17 } as const
/** From here on lengths are compact; topics go by id one version later. */
const FLEXIBLE = 12
export const WITH_TOPIC_IDS = 13
/** From here on a request does not say that it comes from no replica. */
const WITHOUT_REPLICA = 15
const READ_COMMITTED = 1
const NO_SESSION_EPOCH = -1
const CURRENT_LEADER_TAG = 1
/** How much longer than it may wait for records an answer may take. */
const ANSWER_MS = 10_000

/** Committed records alone. */
export function fetchRequest(options: FetchOptions): WireRequest<Fetched> {
  const { version, from, maxWaitMs } = options
  const isFlexible = version >= FLEXIBLE
  const topics = byTopic(from)
  return {
    apiKey: FETCH.apiKey,
    apiName: 'Fetch',
    version,
    isFlexible,
    bytes: 64 + topics.reduce((sum, { topic, of }) => sum + 32 + 3 * topic.length + 40 * of.length, 0),
    timeoutMs: maxWaitMs + ANSWER_MS,
    encode: (writer) => {
      if (version < WITHOUT_REPLICA) writer.int32(-1)
      writer.int32(maxWaitMs)
      writer.int32(1)
      writer.int32(options.maxBytes)
      writer.int8(READ_COMMITTED)
      writer.int32(0)
      writer.int32(NO_SESSION_EPOCH)
      if (isFlexible) encodeTopics(writer, topics, options)
      else encodeTopicsByName(writer, topics, options)
    },
    decode: (reader) => {
      const throttleMs = reader.int32()
      const error = reader.int16()
      reader.int32()
      const partitions = isFlexible ? decodeTopics(reader, version) : decodeTopicsByName(reader)
      return { throttleMs, answer: { error, partitions, memory: reader.bytes.buffer } }
    },
  }
}

type Topics = readonly { readonly topic: string; readonly of: readonly FetchFrom[] }[]

function encodeTopics(writer: RequestWriter, topics: Topics, { version, maxBytesPerPartition }: FetchOptions): void {
  writer.unsignedVarint(topics.length + 1)
  for (const { topic, of } of topics) {
    if (version >= WITH_TOPIC_IDS) writer.uuid(of[0]?.id ?? '')
    else writer.compactString(topic)
    writer.unsignedVarint(of.length + 1)
    for (const { partition, offset } of of) {
      writer.int32(partition)
      writer.int32(-1)
      writer.int64(offset)
      writer.int32(-1)
      writer.int64(-1n)
      writer.int32(maxBytesPerPartition)
      writer.tags()
    }
    writer.tags()
  }
  writer.unsignedVarint(1)
  writer.compactString('')
  writer.tags()
}

function encodeTopicsByName(writer: RequestWriter, topics: Topics, { maxBytesPerPartition }: FetchOptions): void {
  writer.int32(topics.length)
  for (const { topic, of } of topics) {
    writer.string(topic)
    writer.int32(of.length)
    for (const { partition, offset } of of) {
      writer.int32(partition)
      writer.int32(-1)
      writer.int64(offset)
      writer.int64(-1n)
      writer.int32(maxBytesPerPartition)
    }
  }
  writer.int32(0)
  writer.string('')
}

function decodeTopics(reader: ByteReader, version: number): FetchedPartition[] {
  const topics = reader.compactArray(() => {
    const topic = version >= WITH_TOPIC_IDS ? reader.uuid() : reader.compactString()
    const partitions = reader.compactArray(() => {
      const head = decodeHead(reader)
      const aborted = reader.compactArray(() => {
        const transaction = decodeAborted(reader)
        reader.tags()
        return transaction
      })
      reader.int32()
      const records = reader.compactBytes()
      let leader: number | undefined
      reader.tags((tag) => {
        if (tag === CURRENT_LEADER_TAG) leader = reader.int32()
      })
      return { topic, ...head, aborted, records, leader }
    })
    reader.tags()
    return partitions
  })
  return topics.flat()
}

function decodeTopicsByName(reader: ByteReader): FetchedPartition[] {
  const topics = reader.array(() => {
    const topic = reader.string()
    return reader.array(() => {
      const head = decodeHead(reader)
      const aborted = reader.array(() => decodeAborted(reader))
      reader.int32()
      return { topic, ...head, aborted, records: reader.sizedBytes(), leader: undefined }
    })
  })
  return topics.flat()
}

function decodeHead(reader: ByteReader) {
  const partition = reader.int32()
  const error = reader.int16()
  const highWatermark = reader.int64()
  const stableEnd = reader.int64()
  reader.int64()
  return { partition, error, highWatermark, stableEnd }
}

function decodeAborted(reader: ByteReader): AbortedTransaction {
  return { producerId: reader.int64(), firstOffset: reader.int64() }
}
