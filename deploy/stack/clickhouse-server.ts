import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { allotPorts } from './ports.ts'

const PROGRAM = 'clickhouse-server'
const START_MS = 30_000
const RETRY_MS = 50

/** Debian has a server of 2018 (18.16): what works there works on later ones. */
export const hasClickHouse = spawnSync(PROGRAM, ['--version']).error === undefined

export interface ClickHouse {
  readonly url: string
  stop(): Promise<void>
}

/** A server of its own, on a free port of the loopback, in a directory that goes with it. Rejects where it does not answer. */
export async function startClickHouse(program = PROGRAM): Promise<ClickHouse> {
  const home = mkdtempSync(join(tmpdir(), 'forewarm-clickhouse-'))
  for (const name of ['data', 'tmp']) mkdirSync(join(home, name))
  const [http = 0, tcp = 0] = await allotPorts(['any', 'any'])
  writeFileSync(join(home, 'users.xml'), USERS)
  writeFileSync(join(home, 'config.xml'), configOf(home, http, tcp))
  const server = spawn(program, [`--config-file=${join(home, 'config.xml')}`], { cwd: home, stdio: 'ignore' })
  const ended = once(server, 'exit')
  const stop = async () => {
    server.kill('SIGKILL')
    await ended
    rmSync(home, { recursive: true, force: true })
  }
  const url = `http://127.0.0.1:${http}`
  try {
    await answering(url, server)
  } catch (error) {
    await stop()
    throw error
  }
  return { url, stop }
}

/** Resolves when the server answers; it loads for a second or so. */
async function answering(url: string, server: ChildProcess): Promise<void> {
  const giveUpMs = performance.now() + START_MS
  while ((await fetch(`${url}/ping`).catch(() => undefined))?.status !== 200) {
    if (server.exitCode !== null) throw new Error(`ClickHouse ended with code ${server.exitCode}`)
    if (performance.now() > giveUpMs) throw new Error(`ClickHouse did not answer at ${url}`)
    await delay(RETRY_MS)
  }
}

const USERS = `<?xml version="1.0"?>
<yandex>
  <profiles><default/></profiles>
  <users><default><password/><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
  <quotas><default/></quotas>
</yandex>
`

function configOf(home: string, http: number, tcp: number): string {
  return `<?xml version="1.0"?>
<yandex>
  <logger><level>warning</level><console>1</console></logger>
  <http_port>${http}</http_port>
  <tcp_port>${tcp}</tcp_port>
  <listen_host>127.0.0.1</listen_host>
  <path>${home}/data/</path>
  <tmp_path>${home}/tmp/</tmp_path>
  <mark_cache_size>5368709</mark_cache_size>
  <users_config>${home}/users.xml</users_config>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
</yandex>
`
}
