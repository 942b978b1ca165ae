import type { TopicMetadata } from '../../../../src/broker/kafka/wire/metadata.ts'
import { RequestWriter } from '../../../../src/broker/kafka/wire/writer.ts'

export const METADATA_VERSION = 9

/** A cluster whose one broker, the first, listens at the port. Behind the correlation id, from Kafka's MetadataResponse.json. */
export function metadataAnswer(port: number, topics: readonly Pick<TopicMetadata, 'topic' | 'partitions'>[]): Buffer {
  const writer = new RequestWriter(4_000)
  writer.tags()
  writer.int32(0)
  writer.unsignedVarint(2)
  writer.int32(1)
  writer.compactString('127.0.0.1')
  writer.int32(port)
  writer.unsignedVarint(0)
  writer.tags()
  writer.unsignedVarint(0)
  writer.int32(1)
  writer.unsignedVarint(topics.length + 1)
  for (const { topic, partitions } of topics) {
    writer.int16(0)
    writer.compactString(topic)
    writer.int8(0)
    writer.unsignedVarint(partitions.length + 1)
    for (const { partition, leader } of partitions) {
      writer.int16(leader < 0 ? 5 : 0)
      for (const value of [partition, leader, 0]) writer.int32(value)
      for (let list = 0; list < 3; list++) writer.unsignedVarint(1)
      writer.tags()
    }
    writer.int32(0)
    writer.tags()
  }
  writer.int32(0)
  writer.tags()
  return writer.written
}
