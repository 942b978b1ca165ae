import type { Cluster } from '../../../../src/broker/kafka/wire/cluster.ts'
import type { WireConnection, WireRequest } from '../../../../src/broker/kafka/wire/connection.ts'
import type { Metadata } from '../../../../src/broker/kafka/wire/metadata.ts'
import { ByteReader } from '../../../../src/broker/kafka/wire/reader.ts'
import { RequestWriter } from '../../../../src/broker/kafka/wire/writer.ts'
import { type Appended, ModelPartition } from './model-partition.ts'

const PRODUCE = 0
const INIT_PRODUCER_ID = 22
const FLEXIBLE = 9
const NOT_LEADER = 6
const UNKNOWN_TOPIC = 3

/** One request that a broker got. */
export interface Arrived {
  readonly node: number
  readonly version: number
  readonly batches: readonly { readonly topic: string; readonly partition: number; readonly bytes: Buffer }[]
}

/**
 * What becomes of a request: it is handled and answered; lost before it is handled; handled, and its answer lost. Or it
 * is handled on `release`, and answered then, unless the producer gives up the connection before.
 */
export type Fate =
  | 'answered'
  | 'lost'
  | 'answer lost'
  | { readonly release: Promise<unknown>; readonly isGivenUp?: boolean }

/**
 * A cluster behind the producer's connections: it reads the bytes of requests and answers in bytes, in the version that
 * it says it has.
 */
export class ModelCluster implements Pick<Cluster, 'metadata' | 'connection' | 'anyone' | 'close'> {
  readonly topics = new Map<string, ModelPartition[]>()
  readonly arrived: Arrived[] = []
  /** Answers to the next requests for a producer id, instead of an id. */
  readonly idErrors: number[] = []
  /** What partitions answer next, instead of storing what comes, and after they stored it. */
  readonly errors: number[] = []
  readonly lateErrors: number[] = []
  /** Brokers that cannot be reached. */
  readonly away = new Set<number>()
  produceVersion = 12
  /** Whether a broker that does not lead says who does. */
  namesLeaders = true
  fateOf: (request: Arrived) => Fate = () => 'answered'
  onMetadata: () => void = () => undefined
  ids = 0
  isClosed = false
  #inFlight = 0
  mostInFlight = 0

  topic(name: string, leaders: readonly number[]): ModelPartition[] {
    const partitions = leaders.map((leader) => new ModelPartition(leader))
    this.topics.set(name, partitions)
    return partitions
  }

  async metadata(names: readonly string[] = []): Promise<Metadata> {
    this.onMetadata()
    if (this.away.has(0)) throw Object.assign(new Error('nobody is there'), { name: 'KafkaJSConnectionError' })
    const topics = names.map((topic) => {
      const partitions = this.topics.get(topic)?.map(({ leader }, partition) => ({ partition, leader }))
      return {
        error: partitions ? 0 : UNKNOWN_TOPIC,
        topic,
        id: undefined,
        isInternal: false,
        partitions: partitions ?? [],
      }
    })
    return { nodes: [], clusterId: 'model', controllerId: 1, topics }
  }

  connection(node: number): Promise<WireConnection> {
    if (this.isClosed || this.away.has(node)) return Promise.reject(new Error(`broker ${node} is away`))
    const versions = {
      [PRODUCE]: { minVersion: 3, maxVersion: this.produceVersion },
      [INIT_PRODUCER_ID]: { minVersion: 0, maxVersion: 5 },
    }
    const send = (request: WireRequest<unknown>) => this.#take(node, request)
    return Promise.resolve({ versions, isOpen: true, send } as unknown as WireConnection)
  }

  anyone(): Promise<WireConnection> {
    return this.connection(0)
  }

  close(): void {
    this.isClosed = true
  }

  async #take(node: number, request: WireRequest<unknown>): Promise<unknown> {
    const writer = new RequestWriter(request.bytes)
    request.encode(writer)
    const bytes = Buffer.from(writer.written)
    if (request.apiKey === INIT_PRODUCER_ID) return request.decode(new ByteReader(this.#newId())).answer
    const arrived: Arrived = {
      node,
      version: request.version,
      batches: batchesOf(new ByteReader(bytes), request.version),
    }
    this.arrived.push(arrived)
    this.#inFlight += 1
    this.mostInFlight = Math.max(this.mostInFlight, this.#inFlight)
    const fate = this.fateOf(arrived)
    await new Promise(setImmediate)
    try {
      const handle = () => arrived.batches.map((batch) => ({ ...batch, ...this.#append(node, batch) }))
      if (typeof fate === 'object' && fate.isGivenUp === true) void fate.release.then(handle)
      else if (typeof fate === 'object') await fate.release
      if (fate === 'lost' || (typeof fate === 'object' && fate.isGivenUp === true))
        throw new Error('the connection broke')
      const answers = handle()
      if (fate === 'answer lost') throw new Error('the connection broke')
      return request.decode(new ByteReader(this.#answer(answers, request.version))).answer
    } finally {
      this.#inFlight -= 1
    }
  }

  #newId(): Buffer {
    const answer = new RequestWriter(16)
    const error = this.idErrors.shift() ?? 0
    if (error === 0) this.ids += 1
    answer.int32(0)
    answer.int16(error)
    answer.int64(error === 0 ? BigInt(1000 + this.ids) : -1n)
    answer.int16(error === 0 ? 0 : -1)
    return answer.written
  }

  #append(node: number, { topic, partition, bytes }: Arrived['batches'][number]): Appended {
    const error = this.errors.shift() ?? 0
    if (error !== 0) return { error }
    const found = this.topics.get(topic)?.[partition]
    if (found === undefined) return { error: UNKNOWN_TOPIC }
    if (found.leader !== node) return { error: NOT_LEADER }
    const appended = found.append(bytes)
    const lateError = appended.error === 0 ? this.lateErrors.shift() : undefined
    return lateError === undefined ? appended : { error: lateError }
  }

  #answer(
    answers: readonly (Appended & { readonly topic: string; readonly partition: number })[],
    version: number,
  ): Buffer {
    const writer = new RequestWriter(1024 + 1024 * answers.length)
    const isFlexible = version >= FLEXIBLE
    const count = (length: number) => (isFlexible ? writer.unsignedVarint(length + 1) : writer.int32(length))
    const text = (value: string) => (isFlexible ? writer.compactString(value) : writer.string(value))
    count(answers.length)
    for (const { topic, partition, error, offset = -1n, refused = [] } of answers) {
      text(topic)
      count(1)
      writer.int32(partition)
      writer.int16(error)
      writer.int64(offset)
      writer.int64(-1n)
      writer.int64(0n)
      if (version >= 8) {
        count(refused.length)
        for (const { index, message } of refused) {
          writer.int32(index)
          text(message)
          if (isFlexible) writer.tags()
        }
        if (isFlexible) writer.unsignedVarint(0)
        else writer.int16(-1)
      }
      if (!isFlexible) continue
      if (version >= 10 && error === NOT_LEADER && this.namesLeaders) this.#nameLeader(writer, topic, partition)
      else writer.tags()
      writer.tags()
    }
    writer.int32(0)
    if (isFlexible) writer.tags()
    return writer.written
  }

  /** One tagged field, number 0, of 9 bytes: the leader, its epoch, no tagged fields. */
  #nameLeader(writer: RequestWriter, topic: string, partition: number): void {
    writer.unsignedVarint(1)
    writer.unsignedVarint(0)
    writer.unsignedVarint(9)
    writer.int32(this.topics.get(topic)?.[partition]?.leader ?? -1)
    writer.int32(0)
    writer.tags()
  }
}

function batchesOf(reader: ByteReader, version: number): Arrived['batches'] {
  const isFlexible = version >= FLEXIBLE
  const list = <T>(element: () => T): T[] => (isFlexible ? reader.compactArray(element) : reader.array(element))
  if (isFlexible) reader.compactNullableString()
  else reader.nullableString()
  reader.int16()
  reader.int32()
  const topics = list(() => {
    const topic = isFlexible ? reader.compactString() : reader.string()
    const partitions = list(() => {
      const partition = reader.int32()
      const bytes = Buffer.from(isFlexible ? reader.compactBytes() : reader.sizedBytes())
      if (isFlexible) reader.tags()
      return { topic, partition, bytes }
    })
    if (isFlexible) reader.tags()
    return partitions
  })
  return topics.flat()
}
