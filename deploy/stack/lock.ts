import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isStillThere, markProcess, type ProcessMark } from './process-mark.ts'
import { StackError, systemCode } from './stack-error.ts'

const POLL_MS = 100

/**
 * Runs the work while no other process runs work under the same file. Waits for whoever holds it, up to `waitMs`
 * milliseconds, and takes over from a holder that was killed. Throws a StackError with code `busy` after that.
 */
export async function alone<T>(file: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + waitMs
  mkdirSync(dirname(file), { recursive: true })
  while (!take(file)) {
    if (performance.now() > deadline) {
      throw new StackError(
        'busy',
        `Another process is starting or stopping the stack for more than ${waitMs / 1000} s.`,
      )
    }
    await delay(POLL_MS)
  }
  try {
    return await work()
  } finally {
    rmSync(file, { force: true })
  }
}

function take(file: string): boolean {
  try {
    writeFileSync(file, JSON.stringify(markProcess('holder', process.pid)), { flag: 'wx' })
    return true
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
  }
  const holder = read(file)
  if (holder !== undefined && !isStillThere(holder)) rmSync(file, { force: true })
  return false
}

/** Undefined where it was given back in between, or is being written. */
function read(file: string): ProcessMark | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}
