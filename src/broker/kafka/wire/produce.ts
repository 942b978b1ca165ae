import type { TopicPartition } from '../../port.ts'
import { byTopic } from './by-topic.ts'
import type { WireRequest } from './connection.ts'
import type { ByteReader } from './reader.ts'
import type { RequestWriter } from './writer.ts'

/** One record batch, which is all that a request may bring for a partition. */
export interface ProducedBatch extends TopicPartition {
  readonly bytes: Buffer
}

export interface RefusedRecord {
  /** Its place in the batch. */
  readonly index: number
  readonly message: string | undefined
}

/** One partition's share of an answer. */
export interface ProducedPartition extends TopicPartition {
  readonly error: number
  /** The offset of the first record; undefined if the broker does not know it. */
  readonly offset: bigint | undefined
  /** The records for which the batch was refused; empty where the broker does not say. */
  readonly refused: readonly RefusedRecord[]
  readonly message: string | undefined
  /** Who leads now, where the broker says that it does not. */
  readonly leader: number | undefined
}

export interface ProduceOptions {
  readonly version: number
  readonly batches: readonly ProducedBatch[]
  /** How long the leader waits for the other replicas, ms. */
  readonly replicasMs: number
  /** How long the answer may take, ms. */
  readonly answerMs: number
}

/** From version 13 on topics go by their ids. */
export const PRODUCE = { apiKey: 0, lowest: 7, highest: 12 } as const
/** From here on answers name the records that were refused. */
const WITH_REFUSED = 8
const FLEXIBLE = 9
const ALL_IN_SYNC_REPLICAS = -1
const NO_TRANSACTION = -1
const CURRENT_LEADER_TAG = 0

/** Answered when all replicas that are in sync have the records. */
export function produceRequest(options: ProduceOptions): WireRequest<readonly ProducedPartition[]> {
  const { version, batches, replicasMs, answerMs } = options
  const isFlexible = version >= FLEXIBLE
  const topics = byTopic(batches)
  return {
    apiKey: PRODUCE.apiKey,
    apiName: 'Produce',
    version,
    isFlexible,
    bytes:
      32 +
      topics.reduce((sum, { topic }) => sum + 16 + 3 * topic.length, 0) +
      batches.reduce((sum, { bytes }) => sum + 16 + bytes.length, 0),
    timeoutMs: answerMs,
    encode: (writer) => {
      if (isFlexible) writer.unsignedVarint(0)
      else writer.int16(NO_TRANSACTION)
      writer.int16(ALL_IN_SYNC_REPLICAS)
      writer.int32(replicasMs)
      if (isFlexible) encodeTopics(writer, topics)
      else encodeSizedTopics(writer, topics)
    },
    decode: (reader) => {
      const answer = isFlexible ? decodeTopics(reader) : decodeSizedTopics(reader, version)
      return { throttleMs: reader.int32(), answer }
    },
  }
}

type Topics = readonly { readonly topic: string; readonly of: readonly ProducedBatch[] }[]

function encodeTopics(writer: RequestWriter, topics: Topics): void {
  writer.unsignedVarint(topics.length + 1)
  for (const { topic, of } of topics) {
    writer.compactString(topic)
    writer.unsignedVarint(of.length + 1)
    for (const { partition, bytes } of of) {
      writer.int32(partition)
      writer.unsignedVarint(bytes.length + 1)
      writer.bytes(bytes)
      writer.tags()
    }
    writer.tags()
  }
  writer.tags()
}

function encodeSizedTopics(writer: RequestWriter, topics: Topics): void {
  writer.int32(topics.length)
  for (const { topic, of } of topics) {
    writer.string(topic)
    writer.int32(of.length)
    for (const { partition, bytes } of of) {
      writer.int32(partition)
      writer.int32(bytes.length)
      writer.bytes(bytes)
    }
  }
}

function decodeTopics(reader: ByteReader): ProducedPartition[] {
  const topics = reader.compactArray(() => {
    const topic = reader.compactString()
    const partitions = reader.compactArray(() => {
      const head = decodeHead(reader)
      const refused = reader.compactArray(() => {
        const record = { index: reader.int32(), message: reader.compactNullableString() }
        reader.tags()
        return record
      })
      const message = reader.compactNullableString()
      let leader: number | undefined
      reader.tags((tag) => {
        if (tag === CURRENT_LEADER_TAG) leader = reader.int32()
      })
      return { topic, ...head, refused, message, leader }
    })
    reader.tags()
    return partitions
  })
  return topics.flat()
}

function decodeSizedTopics(reader: ByteReader, version: number): ProducedPartition[] {
  const topics = reader.array(() => {
    const topic = reader.string()
    return reader.array(() => {
      const head = decodeHead(reader)
      const isTold = version >= WITH_REFUSED
      const refused = isTold ? reader.array(() => ({ index: reader.int32(), message: reader.nullableString() })) : []
      const message = isTold ? reader.nullableString() : undefined
      return { topic, ...head, refused, message, leader: undefined }
    })
  })
  return topics.flat()
}

function decodeHead(reader: ByteReader) {
  const partition = reader.int32()
  const error = reader.int16()
  const offset = reader.int64()
  // When the broker appended it, where it stamps records itself, and where its log begins.
  reader.int64()
  reader.int64()
  return { partition, error, offset: offset < 0n ? undefined : offset }
}
