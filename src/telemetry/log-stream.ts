import { constants, fstatSync, openSync, writeSync } from 'node:fs'
import { systemTimer, type Timer } from '../timer.ts'

export interface LogStreamOptions {
  /** Takes bytes without waiting and returns how many; throws as `fs.writeSync` does. */
  readonly write: (bytes: Uint8Array) => number
  readonly timer?: Timer
}

/** Lines that wait for a reader take at most so much memory. */
const MOST_BYTES = 1024 * 1024
const RETRY_MS = 50
const STANDARD_ERROR = 2
const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants

/**
 * Writes the log and never waits for whoever reads it. A line is written at once if there is room, because the last line
 * before a crash is the one that is needed. Otherwise it waits here. Lines beyond the bound are dropped and counted, and
 * a line says so when the reader has caught up.
 */
export class LogStream {
  readonly #write: (bytes: Uint8Array) => number
  readonly #timer: Timer
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #isTimed = false
  #dropped = 0
  #told = 0

  constructor({ write, timer = systemTimer }: LogStreamOptions) {
    this.#write = write
    this.#timer = timer
  }

  /** Lines dropped so far. */
  get dropped(): number {
    return this.#dropped
  }

  write(line: string): void {
    this.#add(line)
    this.flush()
  }

  /** Writes what there is room for. */
  flush(): void {
    while (this.#waiting.length > 0) {
      const [first = new Uint8Array()] = this.#waiting
      const taken = this.#taken(first)
      if (taken === undefined) return
      this.#waitingBytes -= taken
      if (taken < first.length) this.#waiting[0] = first.subarray(taken)
      else this.#waiting.shift()
      if (taken === 0) break
      if (this.#waiting.length === 0) this.#tellDropped()
    }
    if (this.#waiting.length > 0) this.#retry()
  }

  #add(line: string): void {
    const bytes = Buffer.from(line)
    if (this.#waitingBytes + bytes.length > MOST_BYTES) {
      this.#dropped++
      return
    }
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
  }

  /** Gives up lines that can never be written: the reader is gone, and a node does not end for want of one. */
  #taken(bytes: Uint8Array): number | undefined {
    try {
      return this.#write(bytes)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0
      this.#dropped += this.#waiting.length
      this.#told = this.#dropped
      this.#waiting = []
      this.#waitingBytes = 0
      return undefined
    }
  }

  #tellDropped(): void {
    const dropped = this.#dropped - this.#told
    if (dropped === 0) return
    this.#told = this.#dropped
    const msg = 'lines of the log were dropped: nobody read them in time'
    const facts = { level: 'warn', time: new Date().toISOString(), pid: process.pid, dropped, msg }
    this.#add(`${JSON.stringify(facts)}\n`)
  }

  #retry(): void {
    if (this.#isTimed) return
    this.#isTimed = true
    this.#timer(RETRY_MS, () => {
      this.#isTimed = false
      this.flush()
    })
  }
}

let standardError: LogStream | undefined

/** The one stream to standard error: two would write into each other's lines. */
export function standardErrorLog(): LogStream {
  if (standardError !== undefined) return standardError
  const fd = withoutWaiting()
  const stream = new LogStream({ write: (bytes) => writeSync(fd, bytes), timer: withoutHolding })
  process.once('exit', () => stream.flush())
  standardError = stream
  return stream
}

/**
 * A descriptor of standard error whose writes do not wait. A pipe or a terminal is opened once more, because other
 * processes may share the descriptor and expect it to wait. A socket cannot be opened again: Node makes it not wait.
 */
function withoutWaiting(): number {
  try {
    if (fstatSync(STANDARD_ERROR).isFile()) return STANDARD_ERROR
    return openSync(`/proc/self/fd/${STANDARD_ERROR}`, O_WRONLY | O_NONBLOCK | O_NOCTTY)
  } catch {
    void process.stderr
    return STANDARD_ERROR
  }
}

/** The process may end while lines wait. */
const withoutHolding: Timer = (delayMs, run) => {
  const handle = setTimeout(run, delayMs).unref()
  return () => clearTimeout(handle)
}
