import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { systemCode } from './stack-error.ts'

const POLL_MS = 20

/**
 * Identifies a process after we have ended. Its number alone is not enough: the system reuses numbers, and we must not
 * signal a process that we did not start.
 */
export interface ProcessMark {
  readonly name: string
  readonly pid: number
  /** Its start time, as the system prints it. */
  readonly startedAt: string
}

/** Undefined if there is no such process. */
export function markProcess(name: string, pid: number): ProcessMark | undefined {
  const startedAt = startTime(pid)
  return startedAt === undefined ? undefined : { name, pid, startedAt }
}

export function isStillThere(mark: ProcessMark): boolean {
  return startTime(mark.pid) === mark.startedAt
}

/** SIGTERM, and SIGKILL after `graceMs` milliseconds. Resolves when the process has ended. */
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
    // It ended meanwhile.
    if (systemCode(error) !== 'ESRCH') throw error
  }
}

function startTime(pid: number): string | undefined {
  return existsSync('/proc/self/stat') ? startTimeFromProc(pid) : startTimeFromPs(pid)
}

/** Field 22 of stat in proc(5), in ticks since boot. The second field, the name, may contain blanks and brackets. */
function startTimeFromProc(pid: number): string | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state] = fields
  // A zombie has ended; its parent just has not collected its exit code yet.
  return state === 'Z' ? undefined : fields[19]
}

function startTimeFromPs(pid: number): string | undefined {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined
  } catch {
    return undefined
  }
}
