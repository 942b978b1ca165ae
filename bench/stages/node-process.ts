import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { NodeProcessOptions, Report } from './node-child.ts'

const CHILD = fileURLToPath(new URL('./node-child.ts', import.meta.url))

export type OnHandled = (node: NodeProcess, sequence: number, atMs: number) => void

/** A node in a process of its own (node-child.ts), which can be killed. */
export class NodeProcess {
  handled = 0
  readonly #child: ChildProcess
  readonly #ready = Promise.withResolvers<void>()
  readonly #started = Promise.withResolvers<void>()
  readonly #ended: Promise<never>

  private constructor(child: ChildProcess, onHandled: OnHandled) {
    this.#child = child
    child.on('message', ({ handled, isReady, isStarted }: Report) => {
      this.handled += handled.length / 2
      for (let i = 0; i < handled.length; i += 2) onHandled(this, handled[i] as number, handled[i + 1] as number)
      if (isReady) this.#ready.resolve()
      if (isStarted) this.#started.resolve()
    })
    this.#ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`a node ended with ${code}`)))
    this.#ended.catch(() => undefined)
  }

  /** Resolves when the code is loaded and the node is made. It is not started. */
  static async make(options: NodeProcessOptions, onHandled: OnHandled): Promise<NodeProcess> {
    const child = fork(CHILD, [JSON.stringify(options)], { execArgv: ['--disable-warning=ExperimentalWarning'] })
    const node = new NodeProcess(child, onHandled)
    await Promise.race([node.#ready.promise, node.#ended])
    return node
  }

  /** Resolves when the node reads. */
  async start(): Promise<void> {
    this.#child.send('start')
    await Promise.race([this.#started.promise, this.#ended])
  }

  /** Resolves when the process is gone, and all it has told is noted. */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill(signal)
    await exited
  }
}
