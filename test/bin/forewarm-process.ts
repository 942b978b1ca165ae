import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { uniqueName } from '../harness/kafka.ts'

export const BIN = fileURLToPath(new URL('../../bin/forewarm.ts', import.meta.url))

/**
 * The shared topics of a service, by a name of this test file: on the Kafka that all tests share, what one file makes
 * under a default name would be found by another.
 */
export const OWN_TOPICS = {
  WARM_REQUESTS_TOPIC: uniqueName('warm-requests'),
  WARM_RESULTS_TOPIC: uniqueName('warm-results'),
  CORRELATIONS_TOPIC: uniqueName('correlations'),
  CONTROL_TOPIC: uniqueName('forewarm-control'),
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
}

export interface CallOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
  /** Leaves standard input open, as if more could come. */
  readonly stdinStaysOpen?: boolean
  readonly cwd?: string
}

/** Starts the real command line in its own process, without the settings of the caller. */
export function startForewarm(args: readonly string[], options: CallOptions = {}): Running {
  const own = options.env?.KAFKA_BROKERS !== undefined && options.env.KAFKA_BROKERS === process.env.KAFKA_BROKERS
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', BIN, ...args], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...(own && OWN_TOPICS), ...options.env },
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    stdio: 'pipe',
  })
  child.stdin.on('error', () => {})
  child.stdin.write(options.stdin ?? '')
  if (options.stdinStaysOpen !== true) child.stdin.end()
  const exit = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  const read = (stream: Readable) => text(stream).catch((error) => (stream.destroyed ? '' : Promise.reject(error)))
  const ended = Promise.all([exit, read(child.stdout), read(child.stderr)]).then(([code, stdout, stderr]) => ({
    code,
    stdout,
    stderr,
  }))
  return { child, ended }
}

export function forewarm(args: readonly string[], options?: CallOptions): Promise<Ended> {
  return startForewarm(args, options).ended
}
