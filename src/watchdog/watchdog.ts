import { url as debuggerUrl } from 'node:inspector'
import { Worker } from 'node:worker_threads'
import type { Watched } from './watchdog-thread.ts'

export interface WatchdogOptions extends Omit<Watched, 'beats'> {
  /** The thread ended by itself: the event loop is no longer watched. */
  readonly onLost: (error: Error) => void
}

/** The time between two beats, in milliseconds. */
const BEAT_MS = 250
/** The thread's file: TypeScript in the sources, JavaScript in the package. */
const THREAD = new URL(`./watchdog-thread${import.meta.url.slice(-3)}`, import.meta.url)

/**
 * Ends the process if the event loop stands still. Such a process answers nobody, logs nothing and hears no signal, so
 * nothing inside the loop can end it. A thread of its own watches the loop and writes one line before the end.
 */
export class Watchdog {
  readonly #options: WatchdogOptions
  #beating: NodeJS.Timeout | undefined
  #thread: Worker | undefined

  constructor(options: WatchdogOptions) {
    this.#options = options
  }

  /** Does nothing under a debugger, which stops the loop at its breakpoints. */
  start(): void {
    const { limitMs, service, onLost } = this.#options
    if (limitMs === 0 || debuggerUrl() !== undefined) return
    const beats = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
    this.#beating = setInterval(() => Atomics.add(beats, 0, 1), BEAT_MS).unref()
    const workerData: Watched = { beats, limitMs, service }
    this.#thread = new Worker(THREAD, { workerData })
    // The thread must not keep the process alive.
    this.#thread.unref()
    this.#thread.once('error', onLost)
  }

  /** A second call changes nothing. */
  async close(): Promise<void> {
    await this.#thread?.terminate()
    clearInterval(this.#beating)
  }
}
