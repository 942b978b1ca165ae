import { Worker } from 'node:worker_threads'
import type { MinedEdges } from '../correlation/mined/mined-edges.ts'
import { Miner, type MinerOptions } from '../correlation/mined/miner.ts'
import type { Stretch } from '../correlation/mined/update-log.ts'
import type { Timer } from '../timer.ts'
import type { Mined } from './mining-thread.ts'

/**
 * Stretches are mined as they end: in a thread of its own, or where there is none, a step at a time between the updates. The thread is
 * started when there is something to mine.
 */
export interface MiningOptions {
  readonly edges: Pick<MinedEdges, 'takeStretch' | 'memory'>
  readonly timer: Timer
  readonly inThread: boolean
  /** The thread ended by itself; from now on it goes by steps. */
  readonly onThreadLost: (error: Error) => void
  /** A step threw: nothing is mined from now on. What was mined before stays. */
  readonly onFailed: (error: unknown) => void
}

const LOOK_EVERY_MS = 1_000
/** Between two steps others get their turn. */
const STEP_EVERY_MS = 10
/** Entries of the log that a step looks at, or what else it does in that time: about a millisecond. */
const STEP_ENTRIES = 250_000
/** The thread's file as Node runs it here: the source, or what was built from it. */
const THREAD = new URL(`./mining-thread${import.meta.url.slice(-3)}`, import.meta.url)

export class Mining {
  readonly #options: MiningOptions
  #inThread: boolean
  #worker: Worker | undefined
  #miner: Miner | undefined
  /** Under way. */
  #stretch: Stretch | undefined
  #cancel: (() => void) | undefined
  #isClosed = false
  /** Stretches mined so far. */
  stretches = 0
  /** By the thread. */
  #lostInThread = 0

  constructor(options: MiningOptions) {
    this.#options = options
    this.#inThread = options.inThread
  }

  /** Entries of the log that were overwritten before they were mined. */
  get lost(): number {
    return this.#lostInThread + (this.#miner?.lost ?? 0)
  }

  start(): void {
    this.#wait(LOOK_EVERY_MS)
  }

  /** What is under way is left. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancel?.()
    await this.#worker?.terminate()
  }

  #wait(delayMs: number): void {
    if (this.#isClosed) return
    this.#cancel = this.#options.timer(delayMs, () => this.#look())
  }

  #look(): void {
    if (!this.#goOn()) return
    this.#wait(this.#stretch !== undefined && !this.#inThread ? STEP_EVERY_MS : LOOK_EVERY_MS)
  }

  /** False, and told, where that failed: what a thread did not survive may be no better here, and is no reason to end a node. */
  #goOn(): boolean {
    try {
      if (this.#stretch === undefined) this.#begin(this.#options.edges.takeStretch())
      // The stretch that a thread was at when it was lost.
      else if (!this.#inThread && this.#miner === undefined) this.#begin(this.#stretch)
      if (this.#miner?.step(STEP_ENTRIES)) this.#mined()
      return true
    } catch (error) {
      this.#options.onFailed(error)
      return false
    }
  }

  #begin(stretch: Stretch | undefined): void {
    const { memory } = this.#options.edges
    if (stretch === undefined || memory === undefined) return
    this.#stretch = stretch
    if (this.#inThread) {
      this.#thread(memory).postMessage(stretch)
      return
    }
    this.#miner ??= new Miner(memory)
    this.#miner.begin(stretch)
  }

  #thread(workerData: MinerOptions): Worker {
    if (this.#worker !== undefined) return this.#worker
    const worker = new Worker(THREAD, { workerData })
    // Mining keeps no process alive.
    worker.unref()
    worker.on('message', ({ lost }: Mined) => {
      this.#lostInThread = lost
      this.#mined()
    })
    worker.once('error', (error: Error) => this.#lost(worker, error))
    worker.once('exit', (code) => this.#lost(worker, new Error(`the mining thread ended with exit code ${code}`)))
    this.#worker = worker
    return worker
  }

  #mined(): void {
    if (this.#stretch === undefined) return
    this.#stretch = undefined
    this.stretches++
  }

  /** Once: an error is followed by the exit. */
  #lost(worker: Worker, error: Error): void {
    if (this.#worker !== worker) return
    this.#inThread = false
    this.#worker = undefined
    if (!this.#isClosed) this.#options.onThreadLost(error)
  }
}
