import { randomUUID } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isStillThere, markProcess, type ProcessMark } from './process-mark.ts'
import { StackError, systemCode } from './stack-error.ts'

const POLL_MS = 100

/**
 * Runs the work while holding a lock file, so that no other process runs work under the same file. Takes over from a
 * holder that was killed. Throws a StackError with code `busy` after waiting for `waitMs` milliseconds.
 */
export async function alone<T>(file: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + waitMs
  mkdirSync(dirname(file), { recursive: true })
  while (!take(file)) {
    if (performance.now() > deadline) {
      const message = `Another process has been starting or stopping the stack for more than ${waitMs / 1000} s.`
      throw new StackError('busy', message)
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
  // The file is linked into place when it is complete: a kill or a full disk could leave it empty, and held for ever.
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
    // ENOENT: released meanwhile. A file without a valid mark has no holder.
    return systemCode(error) !== 'ENOENT'
  }
}
