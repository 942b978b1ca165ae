import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { until } from './until.ts'

/** A series of an answer: its labels and its newest value. */
export interface Result {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Prometheus {
  /** The results of a query now. Rejects with what Prometheus says of a wrong one. */
  query(expression: string): Promise<readonly Result[]>
  close(): Promise<void>
}

/** The version of the program, if it is installed. */
export function prometheusVersion(program = 'prometheus'): string | undefined {
  const { status, stdout, stderr } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  return status === 0 ? /version (\S+)/.exec(stdout + stderr)?.[1] : undefined
}

/** Starts a Prometheus on a port of this machine that scrapes the target every second. */
export async function startPrometheus(target: string, program = 'prometheus'): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'forewarm-prometheus-'))
  const file = join(folder, 'prometheus.yml')
  const scrapes = [{ job_name: 'forewarm', static_configs: [{ targets: [target] }] }]
  await writeFile(file, stringify({ global: { scrape_interval: '1s' }, scrape_configs: scrapes }))
  const url = `http://127.0.0.1:${await freePort()}`
  const args = [`--config.file=${file}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=${url.slice(7)}`]
  const child = spawn(program, args, { stdio: 'ignore' })
  const close = async () => {
    await ended(child)
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await until('Prometheus is ready', async () => (await fetch(`${url}/-/ready`)).ok)
  } catch (error) {
    await close()
    throw error
  }
  return { query: (expression) => queried(url, expression), close }
}

async function queried(url: string, expression: string): Promise<readonly Result[]> {
  const response = await fetch(`${url}/api/v1/query`, {
    method: 'POST',
    body: new URLSearchParams({ query: expression }),
  })
  const answer = (await response.json()) as Answer
  if (answer.status !== 'success') throw new Error(`${answer.error}: ${expression}`)
  return answer.data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
}

type Answer =
  | { readonly status: 'error'; readonly error: string }
  | {
      readonly status: 'success'
      readonly data: {
        readonly result: readonly {
          readonly metric: Record<string, string>
          readonly value: readonly [number, string]
        }[]
      }
    }

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('a port was expected')
  return address.port
}
