import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { type Stack, startStack } from '../../deploy/stack/stack.ts'
import { type Broker, createKafkaBroker } from '../../index.ts'

/** Rounds that count. */
const RUNS = 5

/** A Kafka and a Redis for the benches of one command; they are empty when a bench begins. */
export interface Backends {
  readonly brokers: readonly string[]
  readonly redisUrl: string
  /** For administration and for filling topics. */
  readonly broker: Broker
  /** Deletes every value, so that writes of the next measurement are not refused as older than those of the last. */
  emptyRedis(): Promise<void>
}

/** What all benches of one command share. The stack is started for the first that asks for it. */
export class Stage {
  readonly quick: boolean
  readonly runs = RUNS
  #stack: Promise<Stack> | undefined
  #redis: Redis | undefined
  #broker: Broker | undefined
  #closed: Promise<void> | undefined

  constructor({ quick }: { readonly quick: boolean }) {
    this.quick = quick
  }

  /** How much to measure: `quick` shortens. */
  amount(full: number, quick: number): number {
    return this.quick ? quick : full
  }

  /** A name for a topic or service that nothing else has. */
  unique(prefix: string): string {
    return `${prefix}-${randomBytes(4).toString('hex')}`
  }

  /** Throws a StackError where the stack can't be had. */
  async backends(): Promise<Backends> {
    if (this.#closed !== undefined) throw new Error('the stage is closed')
    this.#stack ??= startStack({
      brokers: 1,
      redis: true,
      profile: 'bench',
      report: (line) => console.error(`stack: ${line}`),
    })
    const { brokers, redisUrl = '' } = await this.#stack
    this.#broker ??= createKafkaBroker({ brokers, clientId: 'bench' })
    this.#redis ??= new Redis(redisUrl)
    const redis = this.#redis
    return {
      brokers,
      redisUrl,
      broker: this.#broker,
      emptyRedis: async () => {
        await redis.flushall()
      },
    }
  }

  /** A new topic with so many partitions. */
  async topic(partitions: number): Promise<string> {
    const { broker } = await this.backends()
    const admin = broker.admin()
    await admin.connect()
    const topic = this.unique('prices')
    await admin.createTopics([{ topic, partitions }])
    await admin.close()
    return topic
  }

  /** Leaves the backends as they were: all that is in them is of the bench that ended. */
  async clear(): Promise<void> {
    if (this.#stack === undefined || this.#closed !== undefined) return
    const { broker, emptyRedis } = await this.backends()
    const admin = broker.admin()
    await admin.connect()
    await admin.deleteTopics((await admin.topics()).filter((topic) => !topic.startsWith('__')))
    await admin.close()
    await emptyRedis()
  }

  /** Twice is once. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const stack = await this.#stack?.catch(() => undefined)
    this.#redis?.disconnect()
    await this.#broker?.close()
    await stack?.stop()
  }
}
