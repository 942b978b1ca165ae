import type { IHeaders, Batch as KafkaJsBatch, KafkaMessage } from 'kafkajs'
import type { Batch, Headers } from '../../port.ts'

const NO_HEADERS: Headers = []
const EMPTY = Buffer.alloc(0)

/** Columns over the messages that KafkaJS decoded; nothing is converted before it is asked for. */
export class KafkaBatch implements Batch {
  readonly topic: string
  readonly partition: number
  readonly count: number
  readonly highWatermark: bigint
  readonly #messages: readonly KafkaMessage[]

  constructor({ topic, partition, messages, highWatermark }: KafkaJsBatch) {
    this.topic = topic
    this.partition = partition
    this.count = messages.length
    this.highWatermark = BigInt(highWatermark)
    this.#messages = messages
  }

  offset(index: number): bigint {
    return BigInt(this.#at(index).offset)
  }

  timestampMs(index: number): number {
    return Number(this.#at(index).timestamp)
  }

  key(index: number): Buffer | undefined {
    return this.#at(index).key ?? undefined
  }

  value(index: number): Buffer | undefined {
    return this.#at(index).value ?? undefined
  }

  headers(index: number): Headers {
    return flattenHeaders(this.#at(index).headers)
  }

  #at(index: number): KafkaMessage {
    const message = this.#messages[index]
    if (message === undefined) throw new RangeError(`record ${index} of a batch of ${this.count}`)
    return message
  }
}

/**
 * KafkaJS gathers headers in an object and turns repeated names into arrays: repeated ones come right after each other.
 * It also takes a header called `constructor` or `__proto__` for a repeated one, the first being what every object
 * inherits.
 */
export function flattenHeaders(headers: IHeaders | undefined): Headers {
  if (headers === undefined) return NO_HEADERS
  const names = Object.keys(headers)
  if (names.length === 0) return NO_HEADERS
  const pairs: [string, Buffer][] = []
  for (const name of names) {
    const values = headers[name]
    for (const value of Array.isArray(values) ? values : [values]) {
      if (Buffer.isBuffer(value)) pairs.push([name, value])
      // A header without a value; what is neither came with the inherited name.
      else if (value === null || value === undefined) pairs.push([name, EMPTY])
    }
  }
  return pairs
}

/** The other way round. */
export function gatherHeaders(headers: Headers): IHeaders {
  const gathered: Record<string, Buffer | Buffer[]> = Object.create(null)
  for (const [name, value] of headers) {
    const known = gathered[name]
    if (known === undefined) gathered[name] = value
    else if (Array.isArray(known)) known.push(value)
    else gathered[name] = [known, value]
  }
  return gathered
}
