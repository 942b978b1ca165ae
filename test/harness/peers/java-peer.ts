import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { kafkaParts, stackDir } from '../../../deploy/stack/parts.ts'
import { kafkaBrokers, uniqueName } from '../kafka.ts'

const SOURCE = join(import.meta.dirname, 'JavaPeer.java')
const JVM = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']

/** In the order of Kafka's own numbers. */
export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Codec = (typeof CODECS)[number]

/** The key, the value and the headers' values are in base64. */
export interface PeerRecord {
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [name: string, value: string | null])[]
  readonly timestampMs?: number
}

/** PLAIN writes without transactions. HOLDER keeps its transaction open until it is released. */
export const PLAIN = -1
export const HOLDER = -2

/**
 * `by` is a writer's number, PLAIN or HOLDER. A numbered writer begins a transaction when it has none open, and its number
 * modulo five is its codec. The records of a step go out in one batch if they fit.
 */
export type PeerStep =
  | { readonly by: number; readonly records: readonly PeerRecord[] }
  | { readonly by: number; readonly end: 'commit' | 'abort' }

export interface PeerSchedule {
  readonly partition: number
  readonly steps: readonly PeerStep[]
}

export interface ReadStart {
  readonly topic: string
  readonly partition: number
  readonly from: bigint
  /** Exclusive. Only our consumer heeds it: the peer reads to the stable end. */
  readonly to?: bigint
}

/** The committed records that were read from one partition, one line each. */
export interface ReadPartition {
  readonly position: string
  readonly stableEnd: string
  readonly records: readonly string[]
}

/** The names are `topic/partition`. */
export type ReadPartitions = Readonly<Record<string, ReadPartition>>

/** What the peer is as a member of a group. */
export interface PeerMember {
  /** `topic/partition` of each. */
  readonly assigned: readonly string[]
  /** The values, in the order in which they came. */
  readonly seen: readonly string[]
  /** The exception that has ended it. */
  readonly failure?: string
}

/** Kafka's Java client, in a process of its own. Commands run one after the other. */
export class JavaPeer {
  readonly #process: ChildProcessWithoutNullStreams
  readonly #answers: AsyncIterator<string>
  #printed = ''
  #last: Promise<unknown> = Promise.resolve()

  private constructor(process: ChildProcessWithoutNullStreams) {
    this.#process = process
    this.#answers = createInterface({ input: process.stdout })[Symbol.asyncIterator]()
    process.stderr.on('data', (bytes) => {
      this.#printed = `${this.#printed}${bytes}`.slice(-4_000)
    })
    // The answer that is missing then reports the failure.
    process.stdin.on('error', () => undefined)
  }

  /** Uses the jars of the local stack, and fetches them if they are missing. */
  static async start(brokers = kafkaBrokers()): Promise<JavaPeer> {
    const { java, classPath } = await kafkaParts(stackDir(), () => undefined)
    const args = [...JVM, '-cp', classPath, SOURCE, brokers.join(','), uniqueName('peer')]
    const process = spawn(java, args)
    await once(process, 'spawn')
    return new JavaPeer(process)
  }

  /** Resolves when all steps are done and the markers of all ended transactions are in the log. */
  async write(topic: string, schedules: readonly PeerSchedule[]): Promise<void> {
    await this.#ask({ do: 'write', topic, schedules })
  }

  /** Ends the HOLDER's transaction in all partitions. */
  async release(end: 'commit' | 'abort'): Promise<void> {
    await this.#ask({ do: 'release', end })
  }

  /** Reads committed records from the given offsets to the stable ends. */
  read(starts: readonly ReadStart[]): Promise<ReadPartitions> {
    return this.#ask<ReadPartitions>({
      do: 'read',
      starts: starts.map(({ topic, partition, from }) => ({ topic, partition, from: `${from}` })),
    })
  }

  /** Joins a group with the given settings of Kafka's consumer, or begins to: `member` tells what becomes of it. */
  async join(groupId: string, topics: readonly string[], config: Readonly<Record<string, string>>): Promise<void> {
    await this.#ask({ do: 'join', groupId, topics, config })
  }

  /** Nothing before `join`. */
  member(): Promise<PeerMember> {
    return this.#ask<PeerMember>({ do: 'member' })
  }

  async leave(): Promise<void> {
    await this.#ask({ do: 'leave' })
  }

  async close(): Promise<void> {
    this.#process.stdin.end()
    if (this.#process.exitCode === null) await once(this.#process, 'exit')
  }

  #ask<T>(command: Readonly<Record<string, unknown>>): Promise<T> {
    const answer = this.#last.then(() => this.#send(command))
    this.#last = answer.catch(() => undefined)
    return answer as Promise<T>
  }

  async #send(command: Readonly<Record<string, unknown>>): Promise<unknown> {
    this.#process.stdin.write(`${JSON.stringify(command)}\n`)
    const { value, done } = await this.#answers.next()
    if (done) throw new Error(`the Java peer has ended; it printed: ${this.#printed}`)
    const answer = JSON.parse(value)
    if (answer.error !== undefined) throw new Error(`the Java peer: ${answer.error}`)
    return answer
  }
}
