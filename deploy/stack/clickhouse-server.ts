import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, startChild } from './child.ts'
import { allotPorts } from './ports.ts'
import { untilReady } from './ready.ts'

const PROGRAM = 'clickhouse-server'
const START_MS = 30_000

/** Debian has the server of 2018 (18.16): what works there works on later ones. */
export const hasClickHouse = spawnSync(PROGRAM, ['--version']).error === undefined

export interface ClickHouse {
  readonly url: string
  stop(): Promise<void>
}

/** Starts a server on a free port of the loopback, in a folder that `stop` deletes. Rejects if it does not answer. */
export async function startClickHouse(program = PROGRAM): Promise<ClickHouse> {
  const home = mkdtempSync(join(tmpdir(), 'forewarm-clickhouse-'))
  for (const name of ['data', 'tmp']) mkdirSync(join(home, name))
  const [http = 0, tcp = 0] = await allotPorts(['any', 'any'])
  writeFileSync(join(home, 'users.xml'), USERS)
  writeFileSync(join(home, 'config.xml'), configOf(home, http, tcp))
  const args = [`--config-file=${join(home, 'config.xml')}`]
  const url = `http://127.0.0.1:${http}`
  let server: Child | undefined
  const stop = async () => {
    await server?.kill()
    rmSync(home, { recursive: true, force: true })
  }
  try {
    server = await startChild({ file: program, args, cwd: home, logFile: join(home, 'server.log') }, 'ours')
    const wait = { timeoutMs: START_MS, signal: server.gone }
    await untilReady(wait, `ClickHouse at ${url}`, async () => (await fetch(`${url}/ping`)).status === 200)
  } catch (error) {
    await stop()
    throw error
  }
  return { url, stop }
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
