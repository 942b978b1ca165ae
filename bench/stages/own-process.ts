import { fork } from 'node:child_process'
import { once } from 'node:events'

/** A TypeScript file that runs in a process of its own, reads its task from its first argument, and gives one answer. */
export interface OwnProcess<T> {
  /** Rejects if the process ends without an answer. */
  readonly answer: Promise<T>
  /** Tells the process to go on, and with what. */
  goOn(message?: string | number): void
  /** May be called twice. */
  end(): Promise<void>
}

export function startProcess<T>(file: URL, task: unknown): OwnProcess<T> {
  // It takes over neither --expose-gc nor what `--against` loads into this process.
  const execArgv = ['--disable-warning=ExperimentalWarning', '--disable-warning=TimeoutNegativeWarning']
  const child = fork(file, [JSON.stringify(task)], { execArgv, serialization: 'advanced' })
  const kill = (): boolean => child.kill()
  process.once('exit', kill)
  const ended = once(child, 'exit').then(([code]) => {
    process.off('exit', kill)
    throw new Error(`${file.pathname} ended with code ${code} before it answered`)
  })
  const answered = once(child, 'message').then(([message]) => message as T)
  const answer = Promise.race([answered, ended])
  // Nobody may have come to await it yet.
  answer.catch(() => undefined)
  return {
    answer,
    goOn: (message = 'go on') => child.send(message),
    end: async () => {
      kill()
      await ended.catch(() => undefined)
    },
  }
}
