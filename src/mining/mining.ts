import { Worker } from 'node:worker_threads'
import { Alarm } from '../alarm.ts'
import type { MinedEdges } from '../correlation/mined/mined-edges.ts'
import { Miner, type MinerOptions } from '../correlation/mined/miner.ts'
import type { Stretch } from '../correlation/mined/update-log.ts'
import type { Timer } from '../timer.ts'
import type { Mined, MiningWork } from './mining-thread.ts'

/**
 * Mines each stretch when it has ended: in a thread of its own, or without one, step by step between the updates. The
 * thread starts when there is something to mine.
 */
export interface MiningOptions {
  readonly edges: Pick<MinedEdges, 'takeStretch' | 'memory'>
  readonly timer: Timer
  readonly inThread: boolean
  /** The thread ended by itself; from now on stretches are mined in steps. */
  readonly onThreadLost: (error: Error) => void
  /** A step threw: nothing is mined from now on. Edges that were mined before stay. */
  readonly onFailed: (error: unknown) => void
}

const LOOK_EVERY_MS = 1_000
/** The time between two steps, in which updates are handled. */
const STEP_EVERY_MS = 10
/** A step looks at so many entries of the log, or does as much other work: about a millisecond. */
const STEP_ENTRIES = 250_000
/** The thread's file: TypeScript in the sources, JavaScript in the package. */
const THREAD = new URL(`./mining-thread${import.meta.url.slice(-3)}`, import.meta.url)

export class Mining {
  readonly #options: MiningOptions
  #inThread: boolean
  #worker: Worker | undefined
  #miner: Miner | undefined
  /** The stretch that is being mined. */
  #stretch: Stretch | undefined
  readonly #nextLook: Alarm
  #isClosed = false
  /** Stretches that were mined so far. */
  stretches = 0
  /** As the thread says. */
  #lostInThread = 0
  #inThreadWork: MiningWork = { ms: 0, mined: 0, skipped: 0 }
  #stepsMs = 0

  constructor(options: MiningOptions) {
    this.#options = options
    this.#inThread = options.inThread
    this.#nextLook = new Alarm(() => this.#look(), options.timer)
  }

  /** Entries of the log that were overwritten before they were mined. */
  get lost(): number {
    return this.#lostInThread + (this.#miner?.lost ?? 0)
  }

  /** The thread tells of a stretch when it has ended. */
  get work(): MiningWork {
    const { ms, mined, skipped } = this.#inThreadWork
    const inSteps = this.#miner ?? { mined: 0, skipped: 0 }
    return { ms: ms + this.#stepsMs, mined: mined + inSteps.mined, skipped: skipped + inSteps.skipped }
  }

  start(): void {
    this.#nextLook.set(LOOK_EVERY_MS)
  }

  /** The stretch that is being mined is dropped. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#nextLook.close()
    await this.#worker?.terminate()
  }

  #look(): void {
    if (!this.#goOn()) return
    this.#nextLook.set(this.#stretch !== undefined && !this.#inThread ? STEP_EVERY_MS : LOOK_EVERY_MS)
  }

  /** Returns whether mining goes on. A stretch that ended the thread may fail here, too, and must not end the node. */
  #goOn(): boolean {
    try {
      if (this.#stretch === undefined) this.#begin(this.#options.edges.takeStretch())
      // The thread was lost while it mined this stretch.
      else if (!this.#inThread && this.#miner === undefined) this.#begin(this.#stretch)
      if (this.#miner !== undefined) this.#step(this.#miner)
      return true
    } catch (error) {
      this.#options.onFailed(error)
      return false
    }
  }

  #step(miner: Miner): void {
    const beganMs = performance.now()
    const isDone = miner.step(STEP_ENTRIES)
    this.#stepsMs += performance.now() - beganMs
    if (isDone) this.#mined()
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
    // The thread must not keep the process alive.
    worker.unref()
    worker.on('message', ({ lost, work }: Mined) => {
      this.#lostInThread = lost
      this.#inThreadWork = work
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

  /** Acts once, as an error is followed by the exit. */
  #lost(worker: Worker, error: Error): void {
    if (this.#worker !== worker) return
    this.#inThread = false
    this.#worker = undefined
    if (!this.#isClosed) this.#options.onThreadLost(error)
  }
}
