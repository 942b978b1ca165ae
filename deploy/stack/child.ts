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

/** A process that we started, and therefore may signal. */
export interface Child {
  readonly pid: number
  readonly logFile: string
  /** Aborted when the process has ended; the reason is a StackError that says how it ended. */
  readonly gone: AbortSignal
  /** SIGSTOP; resolves when all its threads have stopped, on systems that tell. */
  pause(): Promise<void>
  /** SIGCONT. */
  resume(): void
  ended(): Promise<void>
  /** SIGKILL; resolves when the process has ended. May be called twice. */
  kill(): Promise<void>
  /** SIGTERM, and SIGKILL after `graceMs` milliseconds. May be called twice. */
  end(graceMs: number): Promise<void>
}

export type Lifetime =
  /** It ends when this process ends, however that happens. */
  | 'ours'
  /** It outlives this process. */
  | 'detached'

export async function startChild(command: Command, lifetime: Lifetime): Promise<Child> {
  const log = openSync(command.logFile, 'a')
  // In a session of its own: Ctrl-C at the terminal reaches only us, and we end the children in order.
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
 * Threads stop one by one: on a busy machine a broker still answers for some 10 ms after SIGSTOP. Only Linux shows the
 * threads of a process; elsewhere it counts as stopped.
 */
function isRunning(pid: number | undefined): boolean {
  const threads = `/proc/${pid}/task`
  try {
    return readdirSync(threads).some((id) => !hasStopped(readFileSync(`${threads}/${id}/stat`, 'utf8')))
  } catch (error) {
    // A thread ended meanwhile, so look again; without the folder there is nothing to look at.
    return ['ENOENT', 'ESRCH'].includes(systemCode(error) ?? '') && existsSync(threads)
  }
}

/** See proc(5): the state follows the name in parentheses, which may contain any character. */
function hasStopped(stat: string): boolean {
  return /^ [tTXZ] /.test(stat.slice(stat.lastIndexOf(')') + 1))
}

/**
 * Starts a small process that reads from a pipe whose other end only we hold. If we end, even by SIGKILL, the pipe ends
 * and it kills the child. If the child ends first, we send it a line and it exits.
 */
function holdOn(pid: number): () => void {
  const script = 'read -r _ || kill -KILL "$0"'
  const holder = spawn('sh', ['-c', script, String(pid)], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  // The holder may have exited already; then there is nobody left to tell.
  holder.stdin.on('error', () => undefined)
  holder.unref()
  if ('unref' in holder.stdin && typeof holder.stdin.unref === 'function') holder.stdin.unref()
  return () => {
    holder.stdin.end('\n')
  }
}

function lastLines(logFile: string): string {
  // Whoever ended a detached process may have deleted its folder already.
  if (!existsSync(logFile)) return 'its log is deleted'
  const lines = readFileSync(logFile, 'utf8').trim().split('\n').slice(-5).join(' | ')
  return lines === '' ? 'it printed nothing' : `it printed: ${lines}`
}
