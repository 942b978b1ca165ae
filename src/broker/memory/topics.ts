import { TOPIC_NAME } from '../../../schemas/topics.ts'
import { BrokerError, type TopicSpec } from '../port.ts'
import { PartitionLog } from './log.ts'

/** The in-memory cluster's topics, with the checks and defaults of a Kafka broker. */

export interface MemoryTopic {
  readonly name: string
  readonly partitions: PartitionLog[]
  readonly config: ReadonlyMap<string, string>
  /** The limit for a batch of records, so that a larger record is refused. */
  readonly maxBatchBytes: number
  /** How far ahead of the clock a record's time may be. Kafka has an hour where nothing is said. */
  readonly maxAheadMs: number
}

const CONFIG_DEFAULTS: Readonly<Record<string, string>> = {
  'cleanup.policy': 'delete',
  'max.message.bytes': '1048588',
  'retention.bytes': '-1',
  'retention.ms': '604800000',
}

export class MemoryTopics {
  readonly #topics = new Map<string, MemoryTopic>()
  readonly #maxRecordsPerPartition: number

  constructor(maxRecordsPerPartition: number) {
    this.#maxRecordsPerPartition = maxRecordsPerPartition
  }

  names(): string[] {
    return [...this.#topics.keys()]
  }

  find(name: string): MemoryTopic | undefined {
    return this.#topics.get(name)
  }

  /** Throws `unknown-topic`. */
  get(name: string): MemoryTopic {
    const topic = this.#topics.get(name)
    if (topic === undefined)
      throw new BrokerError('unknown-topic', `no topic ${name} (create it with \`forewarm topics create\`)`, {
        retriable: true,
      })
    return topic
  }

  /** Returns false if the topic exists. Throws `refused` for a name or a setting that Kafka would not accept. */
  create({ topic: name, partitions, config }: TopicSpec): boolean {
    if (this.#topics.has(name)) return false
    if (!TOPIC_NAME.test(name)) {
      throw invalidTopic(`topic name ${JSON.stringify(name)}: letters, digits, '.', '_' and '-' are allowed, up to 249`)
    }
    if (!Number.isInteger(partitions) || partitions < 1)
      throw invalidTopic(`topic ${name}: ${partitions} partitions, at least 1 expected`)
    const settings = new Map(Object.entries({ ...CONFIG_DEFAULTS, ...config }))
    const maxBatchBytes = Number(settings.get('max.message.bytes'))
    if (!(maxBatchBytes > 0))
      throw invalidTopic(`topic ${name}: max.message.bytes is ${settings.get('max.message.bytes')}`)
    this.#topics.set(name, {
      name,
      partitions: Array.from({ length: partitions }, () => new PartitionLog(this.#maxRecordsPerPartition)),
      config: settings,
      maxBatchBytes,
      maxAheadMs: Number(settings.get('message.timestamp.after.max.ms') ?? Number.POSITIVE_INFINITY),
    })
    return true
  }

  /** Returns false if it has as many already. Throws `unknown-topic`. */
  grow(name: string, count: number): boolean {
    const { partitions } = this.get(name)
    if (partitions.length >= count) return false
    while (partitions.length < count) partitions.push(new PartitionLog(this.#maxRecordsPerPartition))
    return true
  }

  delete(name: string): void {
    this.#topics.delete(name)
  }
}

function invalidTopic(message: string): BrokerError {
  return new BrokerError('refused', message, { retriable: false })
}
