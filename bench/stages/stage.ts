import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { startStack } from '../../deploy/stack/stack.ts'
import { type Broker, createKafkaBroker } from '../../index.ts'
import { withAdmin } from '../../src/broker/with-admin.ts'

/** Rounds that count. */
const RUNS = 5

/** A Kafka and a Redis for the benches of one command; they are empty when a bench begins. */
export interface Backends {
  readonly brokers: readonly string[]
  readonly redisUrl: string
  /** For administration and for filling topics. */
  readonly broker: Broker
  /** Deletes every value, so that writes of the next measurement are not refused as older than those of the last. */
  emptyRedis(): Promise<unknown>
  /** Redis stands still, as in a stopped process, until it is resumed. */
  pauseRedis(): Promise<void>
  resumeRedis(): void
}

/** Records to catch up with. */
export interface Backlog {
  readonly topic: string
  /** A multiple of `updatesPerRecord`. */
  readonly updates: number
  readonly updatesPerRecord: number
}

/** What a reader needs of a stage. */
export interface ReaderStage {
  unique(prefix: string): string
  backends(): Promise<Pick<Backends, 'brokers' | 'redisUrl'>>
}

/** The backends that all benches of one command share. The stack is started for the first that asks for it. */
export class Stage {
  readonly quick: boolean
  readonly runs = RUNS
  #opened: Promise<Opened> | undefined
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

  /** Throws a StackError if the stack cannot be started. */
  async backends(): Promise<Backends> {
    if (this.#closed !== undefined) throw new Error('the stage is closed')
    this.#opened ??= open()
    return this.#opened
  }

  /** A new topic with so many partitions. */
  async topic(partitions: number): Promise<string> {
    const { broker } = await this.backends()
    const topic = this.unique('prices')
    await withAdmin(broker, (admin) => admin.createTopics([{ topic, partitions }]))
    return topic
  }

  /** Empties the backends; the bench that ended wrote all they hold. */
  async clear(): Promise<void> {
    if (this.#opened === undefined || this.#closed !== undefined) return
    const { broker, emptyRedis } = await this.backends()
    await withAdmin(broker, async (admin) => {
      await admin.deleteTopics((await admin.topics()).filter((topic) => !topic.startsWith('__')))
    })
    await emptyRedis()
  }

  /** May be called twice. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined)
    await opened?.close()
  }
}

interface Opened extends Backends {
  close(): Promise<void>
}

async function open(): Promise<Opened> {
  const report = (line: string) => console.error(`stack: ${line}`)
  const stack = await startStack({ brokers: 1, redis: true, profile: 'bench', report })
  const { brokers, redisUrl = '', pauseRedis, resumeRedis } = stack
  const broker = createKafkaBroker({ brokers, clientId: 'bench' })
  const redis = new Redis(redisUrl)
  const close = async (): Promise<void> => {
    redis.disconnect()
    await broker.close()
    await stack.stop()
  }
  return { brokers, redisUrl, broker, emptyRedis: () => redis.flushall(), pauseRedis, resumeRedis, close }
}
