import { randomUUID } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
  // It comes to its place whole: one that a full disk or a kill had left empty would be held for ever.
  const draft = `${file}.${randomUUID()}`
  try {
    writeFileSync(draft, JSON.stringify(markProcess('holder', process.pid)), { flag: 'wx' })
    linkSync(draft, file)
    return true
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
  if (isAbandoned(file)) rmSync(file, { force: true })
  return false
}

function isAbandoned(file: string): boolean {
  try {
    const holder: ProcessMark = JSON.parse(readFileSync(file, 'utf8'))
    return !isStillThere(holder)
  } catch (error) {
    // Given back in between; what is no mark was written by nobody who works under it.
    return systemCode(error) !== 'ENOENT'
  }
}
