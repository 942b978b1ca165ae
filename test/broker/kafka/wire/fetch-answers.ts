import { byTopic } from '../../../../src/broker/kafka/wire/by-topic.ts'
import { type Fetched, type FetchedPartition, fetchRequest } from '../../../../src/broker/kafka/wire/fetch.ts'
import { ByteReader } from '../../../../src/broker/kafka/wire/reader.ts'
import { RequestWriter } from '../../../../src/broker/kafka/wire/writer.ts'

export const VERSIONS = [11, 12, 13, 14, 15, 16, 17] as const
const FLEXIBLE = 12
const WITH_TOPIC_IDS = 13
/** Beside the records, of a partition with its topic. */
const OVERHEAD_BYTES = 300

export interface AnswerSpec extends Omit<Fetched, 'memory'> {
  readonly throttleMs?: number
}

/** A fetch's answer as a broker writes it, from Kafka's FetchResponse.json. A topic is a name, or from version 13 on an id. */
export function encodeAnswer(version: number, { throttleMs = 0, error, partitions }: AnswerSpec): Buffer {
  const room = partitions.reduce((sum, { records, aborted }) => sum + records.length + 20 * aborted.length, 0)
  const writer = new RequestWriter(OVERHEAD_BYTES * (1 + partitions.length) + room)
  const isFlexible = version >= FLEXIBLE
  const topics = byTopic(partitions)
  writer.int32(throttleMs)
  writer.int16(error)
  writer.int32(0)
  writeLength(writer, topics.length, isFlexible)
  for (const { topic, of } of topics) {
    if (version >= WITH_TOPIC_IDS) writer.uuid(topic)
    else if (isFlexible) writer.compactString(topic)
    else writer.string(topic)
    writeLength(writer, of.length, isFlexible)
    for (const partition of of) encodePartition(writer, partition, isFlexible)
    if (isFlexible) writer.tags()
  }
  if (isFlexible) writer.tags()
  return writer.written
}

export function decodeAnswer(version: number, bytes: Buffer): Required<AnswerSpec> {
  const request = fetchRequest({ version, from: [], maxWaitMs: 100, maxBytes: 1_000, maxBytesPerPartition: 1_000 })
  const { throttleMs, answer } = request.decode(new ByteReader(bytes))
  const { memory, ...decoded } = answer
  if (memory !== bytes.buffer) throw new Error('the answer lies in other memory than its bytes')
  return { throttleMs, ...decoded }
}

function encodePartition(writer: RequestWriter, answer: FetchedPartition, isFlexible: boolean): void {
  writer.int32(answer.partition)
  writer.int16(answer.error)
  writer.int64(answer.highWatermark)
  writer.int64(answer.stableEnd)
  writer.int64(0n)
  writeLength(writer, answer.aborted.length, isFlexible)
  for (const { producerId, firstOffset } of answer.aborted) {
    writer.int64(producerId)
    writer.int64(firstOffset)
    if (isFlexible) writer.tags()
  }
  writer.int32(-1)
  writeLength(writer, answer.records.length, isFlexible)
  writer.bytes(answer.records)
  if (isFlexible) encodeLeader(writer, answer.leader)
}

/** Tagged fields: an epoch at which the logs diverge, which is for followers, and who leads now. */
function encodeLeader(writer: RequestWriter, leader: number | undefined): void {
  writer.unsignedVarint(leader === undefined ? 0 : 2)
  if (leader === undefined) return
  writer.unsignedVarint(0)
  writer.unsignedVarint(1 + 4 + 8)
  for (const byte of Array(12).fill(255)) writer.int8(byte)
  writer.tags()
  writer.unsignedVarint(1)
  writer.unsignedVarint(4 + 4 + 1)
  writer.int32(leader)
  writer.int32(7)
  writer.tags()
}

function writeLength(writer: RequestWriter, length: number, isCompact: boolean): void {
  if (isCompact) writer.unsignedVarint(length + 1)
  else writer.int32(length)
}
