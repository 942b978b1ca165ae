import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Overrides } from '../../../src/config/settings.ts'
import type { NoReading, Reading } from '../../../src/detect/reading.ts'
import type { ReaderState } from '../nodes/market.ts'
import type { Calls, FromMember, PairName } from './child-member.ts'

const PROGRAM = fileURLToPath(new URL('./child-member.ts', import.meta.url))
/** A node of some build, in a process of its own. */
export class Member {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  /** The numbers of the updates that it has handled. */
  readonly handled = new Set<number>()
  readonly state: ReaderState
  id = ''
  isClosing = false
  #calls = 0

  constructor(tree: string, config: Overrides, state: ReaderState) {
    this.state = state
    // As JSON a bound of Infinity would arrive as null.
    this.#child = fork(PROGRAM, [tree, JSON.stringify(config)], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      serialization: 'advanced',
    })
    this.#child.on('message', (message: FromMember) => {
      if ('handled' in message) for (const number of message.handled) this.handled.add(number)
      else {
        const waiting = this.#waiting.get(message.id)
        this.#waiting.delete(message.id)
        if ('error' in message) waiting?.reject(new Error(message.error))
        else waiting?.resolve(message.result)
      }
    })
    this.#child.once('exit', (code, signal) => {
      for (const waiting of this.#waiting.values()) waiting.reject(new Error(`the node ended with ${code ?? signal}`))
    })
  }

  async call<N extends keyof Calls>(name: N, ...args: Parameters<Calls[N]>): Promise<Awaited<ReturnType<Calls[N]>>> {
    const waiting = Promise.withResolvers<unknown>()
    const id = this.#calls++
    this.#waiting.set(id, waiting)
    this.#child.send({ id, name, args })
    return (await waiting.promise) as Awaited<ReturnType<Calls[N]>>
  }

  /** What a read of the pair gives. */
  async read(pair: PairName): Promise<Reading | NoReading> {
    const [read] = await this.call('read', [{ chain: pair.chain, pair: pair.pair }])
    return read?.reading ?? 'unknown'
  }

  /** The value of a counter in its `/metrics`, summed over the series that have these labels. */
  async counted(name: string, labels = ''): Promise<number> {
    const lines = (await this.call('metrics')).split('\n')
    return lines
      .filter((line) => line.startsWith(`arbitrage_${name}{`) && line.includes(labels))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }

  async close(): Promise<void> {
    this.isClosing = true
    await this.call('close')
    await this.kill()
  }

  /** Does nothing to a node that has ended. */
  async kill(): Promise<void> {
    this.isClosing = true
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}
