import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { StackError, systemCode } from './stack-error.ts'

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  /** Default: the folder of this process. */
  readonly cwd?: string
  /** Takes what the process prints, after what it holds already. */
  readonly logFile: string
}

/** A process that we have started and may therefore signal. */
export interface Child {
  readonly pid: number
  readonly logFile: string
  /** Aborted when the process is gone; the reason is a StackError that says how it went. */
  readonly gone: AbortSignal
  /** SIGSTOP; resolves when every thread of it stands still, where the system tells. */
  pause(): Promise<void>
  /** SIGCONT. */
  resume(): void
  ended(): Promise<void>
  /** SIGKILL, awaited. Twice is once. */
  kill(): Promise<void>
  /** SIGTERM, and SIGKILL after `graceMs` milliseconds. Twice is once. */
  end(graceMs: number): Promise<void>
}

export type Lifetime =
  /** Ends with this process, however this process ends. */
  | 'ours'
  /** Outlives this process. */
  | 'detached'

export async function startChild(command: Command, lifetime: Lifetime): Promise<Child> {
  const log = openSync(command.logFile, 'a')
  // A session of its own: Ctrl-C at the terminal reaches us alone, and we end the children in order.
  const child = spawn(command.file, command.args, { cwd: command.cwd, detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  try {
    await once(child, 'spawn')
  } catch (cause) {
    throw new StackError('exited', `${command.file} could not be started: ${String(cause)}.`, { cause })
  }
  const pid = child.pid
  if (pid === undefined) throw new StackError('exited', `${command.file} has no process id.`)
  const gone = new AbortController()
  const letGo = lifetime === 'ours' ? holdOn(pid) : undefined
  child.once('exit', (code, signal) => {
    letGo?.()
    const how = `${command.file} ended with ${signal ?? `code ${code}`}; ${lastLines(command.logFile)}`
    gone.abort(new StackError('exited', how))
  })
  child.unref()
  return { pid, logFile: command.logFile, gone: gone.signal, ...ending(child, gone.signal) }
}

function ending(child: ChildProcess, gone: AbortSignal): Pick<Child, 'pause' | 'resume' | 'ended' | 'kill' | 'end'> {
  const ended = async (): Promise<void> => {
    if (gone.aborted) return
    child.ref()
    await once(gone, 'abort')
  }
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended()
  }
  return {
    pause: async () => {
      child.kill('SIGSTOP')
      while (!gone.aborted && isRunning(child.pid)) await delay(1)
    },
    resume: () => {
      child.kill('SIGCONT')
    },
    ended,
    kill,
    end: async (graceMs) => {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      await ended()
      clearTimeout(timer)
    },
  }
}

/**
 * Each thread stops at its own next turn: on a busy machine a broker answers for some 10 ms after its SIGSTOP. Only
 * Linux tells of threads; elsewhere nothing is known to run.
 */
function isRunning(pid: number | undefined): boolean {
  const threads = `/proc/${pid}/task`
  try {
    return readdirSync(threads).some((id) => !hasStopped(readFileSync(`${threads}/${id}/stat`, 'utf8')))
  } catch (error) {
    // A thread has ended meanwhile: look again. Without the folder there is nothing to look at.
    return ['ENOENT', 'ESRCH'].includes(systemCode(error) ?? '') && existsSync(threads)
  }
}

/** proc(5): the state follows the name in parentheses, which may hold any character. */
function hasStopped(stat: string): boolean {
  return /^ [tTXZ] /.test(stat.slice(stat.lastIndexOf(')') + 1))
}

/**
 * A process of a few kilobytes that reads a pipe which only we hold. When we are gone, even by SIGKILL, it reads the
 * end of the pipe and kills the child; when the child ended first, it reads a line and leaves.
 */
function holdOn(pid: number): () => void {
  const script = 'read -r _ || kill -KILL "$0"'
  const holder = spawn('sh', ['-c', script, String(pid)], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  // The holder may be gone before it is told; there is nobody left to tell then.
  holder.stdin.on('error', () => undefined)
  holder.unref()
  if ('unref' in holder.stdin && typeof holder.stdin.unref === 'function') holder.stdin.unref()
  return () => {
    holder.stdin.end('\n')
  }
}

function lastLines(logFile: string): string {
  // Whoever ended a detached process may have deleted its folder by the time we hear of it.
  if (!existsSync(logFile)) return 'its log is deleted'
  const lines = readFileSync(logFile, 'utf8').trim().split('\n').slice(-5).join(' | ')
  return lines === '' ? 'it printed nothing' : `it printed: ${lines}`
}
