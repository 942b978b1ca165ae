import type { TopicPartition, TopicPartitionOffset } from '../../port.ts'
import { byTopic } from './by-topic.ts'
import type { WireRequest } from './connection.ts'
import { identity, type MemberIdentity, namesOf, request } from './group.ts'

export interface OffsetToCommit extends TopicPartitionOffset {
  /** Kept beside the offset; at most 43 characters. */
  readonly note: string
}

export interface CommittedPartition extends TopicPartition {
  readonly error: number
}

export function offsetCommitRequest(
  member: MemberIdentity,
  offsets: readonly OffsetToCommit[],
): WireRequest<readonly CommittedPartition[]> {
  const topics = byTopic(offsets)
  return request(
    {
      apiKey: 8,
      apiName: 'OffsetCommit',
      version: 7,
      encode: (writer) => {
        identity(writer, member)
        writer.int32(topics.length)
        for (const { topic, of } of topics) {
          writer.string(topic)
          writer.int32(of.length)
          for (const { partition, offset, note } of of) {
            writer.int32(partition)
            writer.int64(offset)
            writer.int32(-1)
            writer.string(note)
          }
        }
      },
      decode: (reader) => {
        const throttleMs = reader.int32()
        const answer = reader.array(() => {
          const topic = reader.string()
          return reader.array(() => ({ topic, partition: reader.int32(), error: reader.int16() }))
        })
        return { throttleMs, answer: answer.flat() }
      },
    },
    [...namesOf(member), ...topics.map(({ topic }) => topic)],
    64 * offsets.length,
  )
}

export interface FetchedOffset extends TopicPartition {
  readonly error: number
  readonly offset: bigint | undefined
  readonly note: string
}

export interface FetchedOffsets {
  readonly error: number
  /** An offset that is undefined was never committed. */
  readonly partitions: readonly FetchedOffset[]
}

export function offsetFetchRequest(
  groupId: string,
  partitions: readonly TopicPartition[],
): WireRequest<FetchedOffsets> {
  const topics = byTopic(partitions)
  return request(
    {
      apiKey: 9,
      apiName: 'OffsetFetch',
      version: 5,
      encode: (writer) => {
        writer.string(groupId)
        writer.int32(topics.length)
        for (const { topic, of } of topics) {
          writer.string(topic)
          writer.int32(of.length)
          for (const { partition } of of) writer.int32(partition)
        }
      },
      decode: (reader) => {
        const throttleMs = reader.int32()
        const answers = reader.array(() => {
          const topic = reader.string()
          return reader.array(() => {
            const partition = reader.int32()
            const offset = reader.int64()
            reader.int32()
            const note = reader.nullableString() ?? ''
            return { topic, partition, note, error: reader.int16(), offset: offset < 0n ? undefined : offset }
          })
        })
        return { throttleMs, answer: { error: reader.int16(), partitions: answers.flat() } }
      },
    },
    [groupId, ...topics.map(({ topic }) => topic)],
    8 * partitions.length,
  )
}
