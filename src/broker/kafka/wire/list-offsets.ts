import type { TopicPartition } from '../../port.ts'
import { byTopic } from './by-topic.ts'
import type { WireRequest } from './connection.ts'

/** In place of a time. */
export const EARLIEST = -2
export const LATEST = -1

export interface OffsetAsked extends TopicPartition {
  /** Milliseconds since the epoch, EARLIEST or LATEST. If only committed records count, LATEST is the stable end. */
  readonly timestampMs: number
}

export interface ListedOffset extends TopicPartition {
  readonly error: number
  /** The first offset at or after the time; undefined where nothing is. */
  readonly offset: bigint | undefined
}

const LIST_OFFSETS = { apiKey: 2, version: 5 } as const
const READ_UNCOMMITTED = 0
const READ_COMMITTED = 1

/** `end`: whether LATEST is the stable end, as a reader of committed records sees it, or the end of the log. */
export function listOffsetsRequest(
  asked: readonly OffsetAsked[],
  end: 'stable' | 'log',
): WireRequest<readonly ListedOffset[]> {
  const topics = byTopic(asked)
  return {
    apiKey: LIST_OFFSETS.apiKey,
    apiName: 'ListOffsets',
    version: LIST_OFFSETS.version,
    isFlexible: false,
    bytes: 16 + topics.reduce((sum, { topic, of }) => sum + 8 + 3 * topic.length + 16 * of.length, 0),
    encode: (writer) => {
      writer.int32(-1)
      writer.int8(end === 'stable' ? READ_COMMITTED : READ_UNCOMMITTED)
      writer.int32(topics.length)
      for (const { topic, of } of topics) {
        writer.string(topic)
        writer.int32(of.length)
        for (const { partition, timestampMs } of of) {
          writer.int32(partition)
          writer.int32(-1)
          writer.int64(BigInt(Math.trunc(timestampMs)))
        }
      }
    },
    decode: (reader) => {
      const throttleMs = reader.int32()
      const answer = reader.array(() => {
        const topic = reader.string()
        return reader.array(() => {
          const partition = reader.int32()
          const error = reader.int16()
          reader.int64()
          const offset = reader.int64()
          reader.int32()
          return { topic, partition, error, offset: offset < 0n ? undefined : offset }
        })
      })
      return { throttleMs, answer: answer.flat() }
    },
  }
}
