import { deadLetterTopic } from '../schemas/topics.ts'
import { LETTER_HEADERS } from '../src/broker/dead-letter.ts'
import { MicroBatcher } from '../src/broker/micro-batch.ts'
import type { Batch, Headers, OutgoingRecord, Producer } from '../src/broker/port.ts'
import type { Clock } from '../src/clock.ts'
import type { Metrics } from '../src/telemetry/slab.ts'

export interface DeadLettersOptions {
  readonly producer: Producer
  readonly groupId: string
  readonly clock: Clock
  readonly metrics: Metrics
  readonly version: string
  /** Called when a letter is acknowledged. */
  readonly onSent?: (letter: DeadLetterSource) => void
  /** Called when a letter could not be sent. Its record is then only in its own topic. */
  readonly onLost: (letter: DeadLetterSource, error: unknown) => void
  /** The waits before attempt 2, 3, … in milliseconds. Default 100, 400, 1,600. */
  readonly retryDelaysMs?: readonly number[]
  readonly sleep: (ms: number) => Promise<void>
}

export interface DeadLetterSource {
  readonly batch: Batch
  readonly index: number
  readonly reason: string
  readonly detail: string
}

const RETRY_DELAYS_MS = [100, 400, 1_600]
const MAX_MESSAGE_CHARS = 500

/** A faulty feed gives thousands of dead letters at a time, so letters share requests. */
const LINGER_MS = 1

/**
 * Returns a function that sends a record to `<topic>.dlq`, with its bytes and headers unchanged. The letter goes to the
 * partition with the record's partition number, modulo the number of partitions of `<topic>.dlq`. Headers tell the
 * cause (src/broker/dead-letter.ts), by the names of Spring's DeadLetterPublishingRecoverer. The function resolves when the letter is acknowledged, or given up and counted. It never rejects.
 */
export function createDeadLetters(options: DeadLettersOptions): (letter: DeadLetterSource) => Promise<void> {
  const delays = options.retryDelaysMs ?? RETRY_DELAYS_MS
  const topics = new Map<string, LetterTopic>()
  const topicOf = (origin: string): LetterTopic => {
    const known = topics.get(origin) ?? new LetterTopic(options.producer, deadLetterTopic(origin))
    topics.set(origin, known)
    return known
  }
  return async (letter) => {
    const firstFailureMs = options.clock.now()
    for (let attempt = 1; ; attempt++) {
      try {
        await topicOf(letter.batch.topic).add(deadLetter(letter, { ...options, attempt, firstFailureMs }))
        options.metrics.counter('dead_letters_total', { topic: letter.batch.topic, reason: letter.reason }).add(1)
        options.onSent?.(letter)
        return
      } catch (error) {
        const delayMs = delays[attempt - 1]
        if (delayMs === undefined || !isRetriable(error)) {
          options.metrics.counter('drops_total', { reason: 'dead-letter-failed' }).add(1)
          options.onLost(letter, error)
          return
        }
        await options.sleep(delayMs)
      }
    }
  }
}

/** A topic of letters. Its origin may have been given more partitions than it has. */
class LetterTopic {
  readonly #producer: Producer
  readonly #topic: string
  readonly #batcher: MicroBatcher
  #partitions = 0
  #asking: Promise<void> | undefined

  constructor(producer: Producer, topic: string) {
    this.#producer = producer
    this.#topic = topic
    this.#batcher = new MicroBatcher(producer, { topic, lingerMs: LINGER_MS })
  }

  async add(letter: OutgoingRecord): Promise<void> {
    if (letter.partition >= this.#partitions) await this.#count()
    // If the topic does not exist, the producer says so.
    const partition = this.#partitions > 0 ? letter.partition % this.#partitions : letter.partition
    await this.#batcher.add({ ...letter, partition })
  }

  /** Letters that come at once ask once. */
  #count(): Promise<void> {
    this.#asking ??= this.#producer
      .partitions(this.#topic)
      .then((partitions = 0) => {
        this.#partitions = partitions
      })
      .finally(() => {
        this.#asking = undefined
      })
    return this.#asking
  }
}

interface LetterFacts {
  readonly groupId: string
  readonly version: string
  readonly attempt: number
  readonly firstFailureMs: number
}

function deadLetter(letter: DeadLetterSource, facts: LetterFacts): OutgoingRecord {
  const { batch, index } = letter
  const partition = Buffer.alloc(4)
  partition.writeInt32BE(batch.partition)
  const offset = Buffer.alloc(8)
  offset.writeBigInt64BE(batch.offset(index))
  const timestamp = Buffer.alloc(8)
  timestamp.writeBigInt64BE(BigInt(Math.max(0, batch.timestampMs(index))))
  const headers: Headers = [
    ...batch.headers(index).map(([name, bytes]) => [name, Buffer.from(bytes)] as const),
    [LETTER_HEADERS.topic, Buffer.from(batch.topic)],
    [LETTER_HEADERS.partition, partition],
    [LETTER_HEADERS.offset, offset],
    [LETTER_HEADERS.timestamp, timestamp],
    [LETTER_HEADERS.group, Buffer.from(facts.groupId)],
    [LETTER_HEADERS.exception, Buffer.from(`forewarm.${letter.reason}`)],
    [LETTER_HEADERS.message, Buffer.from(letter.detail.slice(0, MAX_MESSAGE_CHARS))],
    [LETTER_HEADERS.reason, Buffer.from(letter.reason)],
    [LETTER_HEADERS.attempts, Buffer.from(String(facts.attempt))],
    [LETTER_HEADERS.firstFailureMs, Buffer.from(String(facts.firstFailureMs))],
    [LETTER_HEADERS.version, Buffer.from(facts.version)],
  ]
  const key = batch.key(index)
  const value = batch.value(index)
  return {
    partition: batch.partition,
    // Copies: a letter that is given up may still be in flight when the memory of its batch is used again.
    value: value === undefined ? null : Buffer.from(value),
    headers,
    ...(key !== undefined && { key: Buffer.from(key) }),
  }
}

function isRetriable(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'retriable' in error && error.retriable === true
}
