import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { systemCode } from './stack-error.ts'

const POLL_MS = 20

/**
 * A process as it can be found again after we have ended. The number alone is not enough: numbers are given out
 * again, and nothing that we did not start may be signalled.
 */
export interface ProcessMark {
  readonly name: string
  readonly pid: number
  /** When the system says that it was started, in the system's own words. */
  readonly startedAt: string
}

/** Undefined where there is no such process (any more). */
export function markProcess(name: string, pid: number): ProcessMark | undefined {
  const startedAt = startTime(pid)
  return startedAt === undefined ? undefined : { name, pid, startedAt }
}

export function isStillThere(mark: ProcessMark): boolean {
  return startTime(mark.pid) === mark.startedAt
}

/** SIGTERM, and SIGKILL after `graceMs` milliseconds; resolves when it is gone, at once where it already is. */
export async function endMarked(mark: ProcessMark, graceMs: number): Promise<void> {
  signalMarked(mark, 'SIGTERM')
  const deadline = performance.now() + graceMs
  while (isStillThere(mark)) {
    await delay(POLL_MS)
    if (performance.now() > deadline) signalMarked(mark, 'SIGKILL')
  }
}

function signalMarked(mark: ProcessMark, signal: NodeJS.Signals): void {
  if (!isStillThere(mark)) return
  try {
    process.kill(mark.pid, signal)
  } catch (error) {
    // It ended in between.
    if (systemCode(error) !== 'ESRCH') throw error
  }
}

function startTime(pid: number): string | undefined {
  return existsSync('/proc/self/stat') ? startTimeFromProc(pid) : startTimeFromPs(pid)
}

/** Field 22 of proc(5)'s stat, in ticks since boot. The second field, the name, may hold blanks and brackets. */
function startTimeFromProc(pid: number): string | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state] = fields
  // A zombie has ended; only its parent has not asked yet.
  return state === 'Z' ? undefined : fields[19]
}

function startTimeFromPs(pid: number): string | undefined {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined
  } catch {
    return undefined
  }
}
