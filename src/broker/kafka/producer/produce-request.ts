import { AsyncLocalStorage } from 'node:async_hooks'
import { createRequire } from 'node:module'
import kafkajs, { type Message } from 'kafkajs'
import type { OutgoingRecord } from '../../port.ts'
import { ByteWriter } from './byte-writer.ts'
import { estimateBytes, writeRecordBatch } from './record-batch.ts'

/**
 * KafkaJS 2.2.4 needs about 4 µs to encode a record: a zeroed buffer of 512 bytes for each, and another for every
 * variable-length integer in it. This writes the same bytes in about 0.5 µs, for our own producers only: another user
 * of KafkaJS in the process keeps KafkaJS's encoder, and so does another version of KafkaJS.
 */

const MENDED_VERSION = '2.2.4'
/** Record batches of version 2 came with it; up to 7, KafkaJS's highest, the request looks the same. */
const FIRST_VERSION = 3
const NOT_IDEMPOTENT = -1
const FRAME_BYTES = 64

export interface ProduceOptions {
  readonly acks: number
  readonly timeout: number
  readonly compression: number
  readonly transactionalId?: string | undefined
  readonly producerId: number
  readonly topicData: readonly {
    readonly topic: string
    readonly partitions: readonly { readonly partition: number; readonly messages: readonly OutgoingRecord[] }[]
  }[]
}

/** What KafkaJS's frame around a request takes of it. */
interface Encoded {
  readonly buf: Buffer
  readonly buffer: Buffer
  size(): number
}

type Protocol = (options: ProduceOptions) => {
  readonly request: { encode(): Promise<Encoded> }
  readonly response: unknown
}

interface ProduceDefinition {
  protocol: (options: { readonly version: number }) => Protocol
}

const ours = new AsyncLocalStorage<true>()
let isInstalled = false

/** Whether records can be given to KafkaJS as they are, inside `sendingRecords`. May be called twice. */
export function installProduceEncoder(installed?: string): boolean {
  const require = createRequire(import.meta.url)
  const version = installed ?? (require('kafkajs/package.json') as { version: string }).version
  if (version !== MENDED_VERSION) return false
  if (isInstalled) return true
  isInstalled = true
  const definition = require('kafkajs/src/protocol/requests/produce') as ProduceDefinition
  const { protocol: original } = definition
  definition.protocol = ({ version: requestVersion }) => {
    const build = original({ version: requestVersion })
    if (requestVersion < FIRST_VERSION) return build
    return (options) => {
      const protocol = build(options)
      if (ours.getStore() === undefined || options.producerId !== NOT_IDEMPOTENT) return protocol
      return { ...protocol, request: { ...protocol.request, encode: () => encodeProduceRequest(options) } }
    }
  }
  return true
}

/**
 * Calls `send` with the records as messages for a KafkaJS producer, whose partitioner takes the partition that is
 * given.
 */
export function sendingRecords<T>(records: readonly OutgoingRecord[], send: (messages: Message[]) => T): T {
  return ours.run(true, () => send(grouped(records)))
}

/**
 * KafkaJS sorts messages by partition with one `reduce`, in which it copies a partition's list for every message that
 * it adds. This array answers that call with the lists, after it has had the partition of each list looked at.
 */
function grouped(records: readonly OutgoingRecord[]): Message[] {
  const messages = records as unknown as Message[]
  const reduce = (look: (lists: object, message: Message) => object): object => {
    const lists: Record<number, Message[]> = {}
    for (const message of messages) {
      const { partition = -1 } = message
      const list = lists[partition]
      if (list === undefined) lists[partition] = [message]
      else list.push(message)
    }
    for (const [first] of Object.values(lists)) if (first !== undefined) look({}, first)
    return lists
  }
  return Object.assign(messages.slice(), { reduce })
}

export async function encodeProduceRequest(options: ProduceOptions): Promise<Encoded> {
  const { topicData, acks, timeout, compression } = options
  const batches = topicData.flatMap(({ partitions }) => partitions)
  const writer = new ByteWriter(
    batches.reduce((sum, { messages }) => sum + FRAME_BYTES + estimateBytes(messages), 1024),
  )
  const batch = { nowMs: Date.now(), compression, ...compressing(compression) }
  writer.int16(-1)
  writer.int16(acks)
  writer.int32(timeout)
  writer.int32(topicData.length)
  for (const { topic, partitions } of topicData) {
    const topicBytes = Buffer.byteLength(topic)
    writer.reserve(FRAME_BYTES + topicBytes)
    writer.int16(topicBytes)
    writer.text(topic, topicBytes)
    writer.int32(partitions.length)
    for (const { partition, messages } of partitions) {
      writer.reserve(FRAME_BYTES)
      writer.int32(partition)
      const sizeAt = writer.position
      writer.int32(0)
      await writeRecordBatch(writer, messages, batch)
      writer.int32At(sizeAt, writer.position - sizeAt - 4)
    }
  }
  const bytes = writer.written
  return { buf: bytes, buffer: bytes, size: () => bytes.length }
}

function compressing(compression: number): { compress?: (records: Buffer) => Promise<Buffer> } {
  if (compression === kafkajs.CompressionTypes.None) return {}
  const codecs = kafkajs.CompressionCodecs as Readonly<
    Record<number, () => { compress(encoder: { buffer: Buffer }): Promise<Buffer> }>
  >
  const codec = codecs[compression]?.()
  if (codec === undefined) return {}
  return { compress: (buffer) => codec.compress({ buffer }) }
}
