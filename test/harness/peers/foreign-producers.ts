import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { stackDir } from '../../../deploy/stack/parts.ts'
import type { Codec, PeerRecord } from './java-peer.ts'

const run = promisify(execFile)
const HERE = import.meta.dirname
const LIBRDKAFKA = 'confluent-kafka==2.16.1'

/** Records that go out together. `end` puts them in a transaction and says how it ends. */
export interface ForeignWrite {
  readonly partition: number
  readonly codec: Codec
  readonly end?: 'commit' | 'abort'
  readonly records: readonly PeerRecord[]
}

export interface ForeignTask {
  readonly brokers: string
  readonly topic: string
  /** The prefix of the transactional ids. */
  readonly transactional: string
  readonly writes: readonly ForeignWrite[]
}

/** Another client's producer: a program that reads a task from its standard input, carries it out and ends. */
export interface ForeignProducer {
  write(task: ForeignTask): Promise<void>
}

/** librdkafka, from its Python package, which is installed on first use. If that fails, warns and resolves to undefined. */
export function librdkafka(): Promise<ForeignProducer | undefined> {
  return unlessMissing('librdkafka needs Python 3 with venv, and the package from PyPI', async () => {
    const home = join(stackDir(), `python-${LIBRDKAFKA}`)
    if (!existsSync(home)) {
      const making = `${home}-${process.pid}`
      mkdirSync(stackDir(), { recursive: true })
      await run('python3', ['-m', 'venv', making])
      await run(join(making, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', LIBRDKAFKA])
      if (existsSync(home)) rmSync(making, { recursive: true })
      else renameSync(making, home)
    }
    return program(join(home, 'bin', 'python'), [join(HERE, 'librdkafka.py')])
  })
}

/** franz-go, built with Go on first use. If that fails, warns and resolves to undefined. */
export function franzGo(): Promise<ForeignProducer | undefined> {
  return unlessMissing('franz-go needs Go, and the modules from its proxy', async () => {
    const file = join(stackDir(), 'franz-go')
    await run('go', ['build', '-o', file, '.'], { cwd: join(HERE, 'franz-go') })
    return program(file, [])
  })
}

async function unlessMissing(needs: string, get: () => Promise<ForeignProducer>): Promise<ForeignProducer | undefined> {
  try {
    return await get()
  } catch (error) {
    console.warn(`skipped: ${needs}: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

function program(file: string, args: readonly string[]): ForeignProducer {
  return {
    write: async (task) => {
      const child = spawn(file, args)
      let printed = ''
      child.stderr.on('data', (bytes) => {
        printed += bytes
      })
      child.stdin.end(JSON.stringify(task))
      const [code] = await once(child, 'exit')
      if (code !== 0) throw new Error(`${file} ended with code ${code}: ${printed}`)
    },
  }
}
