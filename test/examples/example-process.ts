import { type ChildProcess, spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Ended } from '../bin/forewarm-process.ts'

const EXAMPLES = new URL('../../examples/', import.meta.url)

export interface RunningExample {
  readonly child: ChildProcess
  /** What it has written to standard output so far. */
  said(): string
  readonly ended: Promise<Ended>
}

export interface ExampleOptions {
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
}

/** An example as a user runs it: a process that takes its settings from the environment. */
export function startExample(name: string, { env, cwd }: ExampleOptions): RunningExample {
  const args = ['--disable-warning=ExperimentalWarning', fileURLToPath(new URL(name, EXAMPLES))]
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk
  })
  const exit = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  const ended = Promise.all([exit, text(child.stderr)]).then(([code, stderr]) => ({ code, stdout: said, stderr }))
  return { child, said: () => said, ended }
}
