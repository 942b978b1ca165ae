import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { KafkaBrokerOptions } from '../../../src/broker/kafka/broker.ts'
import { until } from '../../harness/until.ts'

const SCRIPT = join(import.meta.dirname, 'member.ts')

export interface MemberOptions {
  readonly timing: Pick<
    KafkaBrokerOptions,
    'brokers' | 'clientId' | 'groupInstanceId' | 'sessionTimeoutMs' | 'commitIntervalMs'
  >
  readonly topics: readonly string[]
  readonly groupId: string
  /** The handler takes so many of a batch at a time; undefined: all. */
  readonly batchRecords?: number
}

export interface Begun {
  readonly partition: number
  readonly offset: number
  readonly value: string
}

export interface MemberEvent {
  readonly type: string
  readonly [name: string]: unknown
}

/** A member of a group in a process of its own (member.ts), which can be killed or frozen. */
export class MemberProcess {
  /** The records that began to be handled there, in that order. */
  readonly begun: Begun[] = []
  readonly events: MemberEvent[] = []
  readonly #process: ChildProcess
  #isStarted = false

  private constructor(process: ChildProcess) {
    this.#process = process
  }

  /** Resolves when it is in the group. */
  static async start(options: MemberOptions): Promise<MemberProcess> {
    const args = ['--disable-warning=ExperimentalWarning', SCRIPT, JSON.stringify(options)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const member = new MemberProcess(child)
    createInterface({ input: child.stdout }).on('line', (line) => member.#hear(JSON.parse(line)))
    await until('the member is in the group', () => member.#isStarted || child.exitCode !== null)
    return member
  }

  /** It stands still until it is thawed, as on a machine that stalls. */
  freeze(): void {
    this.#process.kill('SIGSTOP')
  }

  thaw(): void {
    this.#process.kill('SIGCONT')
  }

  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const exited = once(this.#process, 'exit')
    this.#process.kill(signal)
    this.thaw()
    await exited
  }

  #hear(line: { readonly event?: MemberEvent; readonly started?: true } & Begun): void {
    if (line.event !== undefined) this.events.push(line.event)
    else if (line.started) this.#isStarted = true
    else this.begun.push(line)
  }
}
