import type { WireRequest } from './connection.ts'
import type { ByteReader } from './reader.ts'
import type { RequestWriter } from './writer.ts'

export interface NodeAddress {
  readonly id: number
  readonly host: string
  readonly port: number
}

export interface PartitionMetadata {
  readonly partition: number
  /** Negative while there is none. */
  readonly leader: number
}

export interface TopicMetadata {
  /** 0, or the protocol's code: that the topic is unknown, or not to be seen. */
  readonly error: number
  readonly topic: string
  /** 32 hexadecimal digits; undefined where the broker has none to give (before Kafka 2.8). */
  readonly id: string | undefined
  readonly isInternal: boolean
  readonly partitions: readonly PartitionMetadata[]
}

export interface Metadata {
  readonly nodes: readonly NodeAddress[]
  readonly clusterId: string | undefined
  readonly controllerId: number
  readonly topics: readonly TopicMetadata[]
}

export const METADATA = { apiKey: 3, lowest: 9, highest: 12 } as const
const NO_ID = '0'.repeat(32)
const WITH_IDS = 10

/** `topics` undefined: all of them. A topic that cannot be told of has an error of its own. */
export function metadataRequest(version: number, topics: readonly string[] | undefined): WireRequest<Metadata> {
  const names = topics ?? []
  return {
    apiKey: METADATA.apiKey,
    apiName: 'Metadata',
    version,
    isFlexible: true,
    bytes: 16 + names.reduce((sum, topic) => sum + 24 + 3 * topic.length, 0),
    encode: (writer) => {
      writer.unsignedVarint(topics === undefined ? 0 : names.length + 1)
      for (const topic of names) encodeTopic(writer, version, topic)
      const allowsCreation = 0
      writer.int8(allowsCreation)
      // Whether to tell what this client may do with the cluster (up to version 10), and with the topics.
      if (version <= WITH_IDS) writer.int8(0)
      writer.int8(0)
      writer.tags()
    },
    decode: (reader) => {
      const throttleMs = reader.int32()
      return { throttleMs, answer: decodeMetadata(reader, version) }
    },
  }
}

function encodeTopic(writer: RequestWriter, version: number, topic: string): void {
  if (version >= WITH_IDS) writer.uuid(NO_ID)
  writer.compactString(topic)
  writer.tags()
}

function decodeMetadata(reader: ByteReader, version: number): Metadata {
  const nodes = reader.compactArray(() => {
    const node = { id: reader.int32(), host: reader.compactString(), port: reader.int32() }
    reader.compactNullableString()
    reader.tags()
    return node
  })
  const clusterId = reader.compactNullableString()
  const controllerId = reader.int32()
  const topics = reader.compactArray(() => decodeTopic(reader, version))
  return { nodes, clusterId, controllerId, topics }
}

function decodeTopic(reader: ByteReader, version: number): TopicMetadata {
  const error = reader.int16()
  const topic = reader.compactNullableString() ?? ''
  const id = version >= WITH_IDS ? reader.uuid() : NO_ID
  const isInternal = reader.boolean()
  const partitions = reader.compactArray(() => {
    reader.int16()
    const partition = { partition: reader.int32(), leader: reader.int32() }
    reader.int32()
    for (let list = 0; list < 3; list++) reader.compactArray(() => reader.int32())
    reader.tags()
    return partition
  })
  reader.int32()
  reader.tags()
  return { error, topic, id: id === NO_ID ? undefined : id, isInternal, partitions }
}
