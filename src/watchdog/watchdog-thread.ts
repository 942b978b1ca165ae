import { write } from 'node:fs'
import { Session } from 'node:inspector'
import { promisify } from 'node:util'
import { Worker, workerData } from 'node:worker_threads'
import { inTime } from '../timer.ts'

/** The data that the thread starts with. */
export interface Watched {
  /** One number, which the watched thread alone writes: it counts up while the event loop turns. */
  readonly beats: Int32Array
  /** The event loop may stand still for so long, in milliseconds. With 0 it is not watched. */
  readonly limitMs: number
  /** Stands on the line that the watchdog writes. */
  readonly service: string
}

const EXIT_CODE = 70
const LOOK_MS = 250
/** The longest wait for the line to be written: if nobody reads standard error, the write may take for ever. */
const WRITE_MS = 250
/** The longest wait for the main thread. It does nothing while it waits in a system call. */
const MAIN_MS = 500
/** The longest wait for the exit of C, which waits for file operations that have begun. A disk may not answer. */
const EXIT_MS = 5_000
const STANDARD_ERROR = 2

/**
 * The main thread evaluates it between two steps of an endless loop: the process becomes another program, which exits. Its
 * own exit would wait for file operations. Standard error is closed, or Node would say there that it waits for a debugger.
 */
const REPLACE = `
  const fs = process.getBuiltinModule('fs')
  fs.closeSync(${STANDARD_ERROR})
  fs.openSync('/dev/null', 'w')
  process.execve(process.execPath, ['node', '-e', 'process.exit(${EXIT_CODE})'], {})`

/**
 * The program of a thread that ends the process while the main thread waits in a system call. In a thread `process.exit`
 * ends that thread alone, and a signal gives no exit code. WASI calls the exit of C. Under a main thread that runs, that
 * exit may crash.
 */
const EXIT = `
  const wasi = new (require('wasi').WASI)({ version: 'preview1', returnOnExit: false })
  const memory = new WebAssembly.Memory({ initial: 0 })
  wasi.start({ exports: { memory, _start: () => wasi.wasiImport.proc_exit(${EXIT_CODE}) } })`

const { beats, limitMs, service } = workerData as Watched
let beat = 0
/** For so long the loop has stood still while this thread ran. */
let stillMs = 0
let lookedAtMs = performance.now()

const looking = setInterval(() => {
  const nowMs = performance.now()
  const latest = Atomics.load(beats, 0)
  // If the whole process was stopped, or the machine slept, this thread was late as well. That time does not count.
  stillMs = latest === beat ? stillMs + Math.min(nowMs - lookedAtMs, 2 * LOOK_MS) : 0
  beat = latest
  lookedAtMs = nowMs
  if (stillMs < limitMs) return
  clearInterval(looking)
  void end()
}, LOOK_MS)

async function end(): Promise<void> {
  const written = promisify(write)(STANDARD_ERROR, line()).catch(() => undefined)
  await inTime(written, undefined, { delayMs: WRITE_MS })
  const session = new Session()
  session.connectToMainThread()
  session.post('Runtime.evaluate', { expression: REPLACE })
  session.disconnect()
  setTimeout(() => new Worker(EXIT, { eval: true }).once('error', kill), MAIN_MS)
  setTimeout(kill, EXIT_MS)
}

function kill(): void {
  process.kill(process.pid, 'SIGKILL')
}

/** In the form of the log. */
function line(): string {
  const msg = `the event loop stood still for ${Math.round(stillMs)} ms, at most ${limitMs} expected (WATCHDOG_MS): the process ends with exit code ${EXIT_CODE}`
  const time = new Date().toISOString()
  return `${JSON.stringify({ level: 'fatal', time, service, pid: process.pid, msg })}\n`
}
