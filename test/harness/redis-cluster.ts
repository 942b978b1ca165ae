import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { type Child, startChild } from '../../deploy/stack/child.ts'
import { redisPart, stackDir } from '../../deploy/stack/parts.ts'
import { allotPorts } from '../../deploy/stack/ports.ts'
import { redisCommand, redisReady, redisUrl } from '../../deploy/stack/redis-server.ts'
import { uniqueName } from './kafka.ts'
import { until } from './until.ts'

const MASTERS = 3
const SLOTS = 16_384
const READY_MS = 60_000
/** After this silence a server counts as failed: longer than any silence on a busy machine. */
const NODE_TIMEOUT_MS = 60_000
/** The same for tests in which a server has to count as failed soon. */
const IMPATIENT_MS = 1_000

/** Servers are counted from 0, masters first. */
export interface TestCluster {
  readonly urls: readonly string[]
  /** A connection to one server, for a look inside; it is closed with the cluster. */
  raw(server: number): Redis
  /** An unused name of a chain whose values are at this master. The master must be running. */
  chainAt(master: number): Promise<string>
  /** SIGKILL; the server keeps its place in the cluster but loses its data. */
  kill(server: number): Promise<void>
  start(server: number): Promise<void>
  /** SIGSTOP. Once this resolves, connections stay open but nothing answers. */
  pause(server: number): Promise<void>
  resume(server: number): void
  /** While the body runs, a silent master soon counts as failed. */
  impatiently(body: () => Promise<void>): Promise<void>
  /** Resolves when every server reports that the cluster is whole. */
  settled(): Promise<void>
  stop(): Promise<void>
}

/**
 * A Redis Cluster that belongs to this process: three masters, each with a third of the slots, and a replica of the
 * first. If a master fails, the others still serve their slots.
 */
export async function startRedisCluster(): Promise<TestCluster> {
  const binary = await redisPart(stackDir(), () => undefined)
  const run = mkdtempSync(join(tmpdir(), `forewarm-stack-${process.pid}-`))
  const count = MASTERS + 1
  const ports = await allotPorts(Array.from({ length: 2 * count }, () => 'any' as const))
  const servers = Array.from({ length: count }, (_, at) => {
    const [port = 0, busPort = 0] = ports.slice(2 * at)
    return clusterServer({ port, busPort, dir: join(run, `${at}`), binary })
  })
  const at = (number: number): ClusterServer => servers[number] ?? fail(number, count)
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()))
    rmSync(run, { recursive: true, force: true })
  }
  const settled = async (): Promise<void> => {
    for (const { raw } of servers) await until('the cluster is whole', () => isWhole(raw))
  }
  try {
    await Promise.all(servers.map((server) => server.start()))
    await joinAll(servers)
    await settled()
  } catch (error) {
    await stop()
    throw error
  }
  const waitFor = async (ms: number): Promise<void> => {
    for (const { raw } of servers) await raw.config('SET', 'cluster-node-timeout', ms)
  }
  return {
    urls: servers.map(({ url }) => url),
    raw: (server) => at(server).raw,
    chainAt: (master) => chainAt(at(master).raw, master),
    kill: (server) => at(server).kill(),
    start: (server) => at(server).start(),
    pause: (server) => at(server).pause(),
    resume: (server) => at(server).resume(),
    impatiently: async (body) => {
      await waitFor(IMPATIENT_MS)
      try {
        await body()
        // A server that is back counts as failed for two more timeouts, so it must settle before the timeout grows again.
        await settled()
      } finally {
        await waitFor(NODE_TIMEOUT_MS)
      }
    },
    settled,
    stop,
  }
}

type ClusterServer = ReturnType<typeof clusterServer>

interface Place {
  readonly port: number
  readonly busPort: number
  readonly dir: string
  readonly binary: string
}

function clusterServer({ port, busPort, dir, binary }: Place) {
  const url = redisUrl({ port })
  // A killed server does not answer a disconnect, so none is waited for.
  const raw = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: null, disconnectTimeout: 0 })
  raw.on('error', () => undefined)
  let child: Child | undefined
  return {
    url,
    raw,
    port,
    busPort,
    start: async (): Promise<void> => {
      const command = redisCommand({ port, dir, keepData: false }, binary)
      const args = [...command.args, ...Object.entries(clusterSettings(busPort)).flat()]
      if (child === undefined || child.gone.aborted) child = await startChild({ ...command, args }, 'ours')
      await redisReady(url, { timeoutMs: READY_MS, signal: child.gone })
    },
    pause: async (): Promise<void> => child?.pause(),
    resume: (): void => child?.resume(),
    kill: async (): Promise<void> => child?.kill(),
    stop: async (): Promise<void> => {
      raw.disconnect()
      await child?.kill()
    },
  }
}

function clusterSettings(busPort: number): Readonly<Record<string, string>> {
  return {
    '--cluster-enabled': 'yes',
    '--cluster-port': `${busPort}`,
    '--cluster-node-timeout': `${NODE_TIMEOUT_MS}`,
    '--cluster-require-full-coverage': 'no',
    // It takes over only when told to; otherwise it would stay the master in all later tests.
    '--cluster-replica-no-failover': 'yes',
  }
}

async function joinAll(servers: readonly ClusterServer[]): Promise<void> {
  const [first, ...others] = servers
  if (first === undefined) return
  for (const [number, { raw }] of servers.entries()) {
    await raw.call('CLUSTER', 'SET-CONFIG-EPOCH', number + 1)
    if (number < MASTERS) await raw.call('CLUSTER', 'ADDSLOTSRANGE', firstSlot(number), firstSlot(number + 1) - 1)
  }
  for (const { raw } of others) await raw.call('CLUSTER', 'MEET', '127.0.0.1', first.port, first.busPort)
  const master = String(await first.raw.call('CLUSTER', 'MYID'))
  const replica = servers[MASTERS]
  await until('the replica knows its master', async () => {
    await replica?.raw.call('CLUSTER', 'REPLICATE', master)
    return true
  })
}

/** How many slots have a failed master, in the view of the server. */
function lostSlots(info: string): number {
  return Number(/cluster_slots_fail:(\d+)/.exec(info)?.[1])
}

const clusterInfo = async (raw: Redis) => String(await raw.call('CLUSTER', 'INFO'))

/** `cluster_state:ok` is not enough: it stays ok while other masters still serve their slots. */
async function isWhole(raw: Redis): Promise<boolean> {
  const info = await clusterInfo(raw)
  const slots = await raw.call('CLUSTER', 'SLOTS')
  const told = Array.isArray(slots) && slots.length >= MASTERS
  const isServed = info.includes('cluster_state:ok') && lostSlots(info) === 0
  return told && isServed && info.includes(`cluster_known_nodes:${MASTERS + 1}`)
}

function firstSlot(master: number): number {
  return Math.floor((SLOTS * master) / MASTERS)
}

async function chainAt(raw: Redis, master: number): Promise<string> {
  for (;;) {
    const chain = uniqueName('chain')
    const key = `fw:default:{${chain}}:`
    const slot = Number(await raw.call('CLUSTER', 'KEYSLOT', key))
    const isGiven = slot >= firstSlot(master) && slot < firstSlot(master + 1)
    // A test may have moved the slot to another master.
    if (isGiven && (await raw.exists(key).catch(() => undefined)) !== undefined) return chain
  }
}

function fail(number: number, count: number): never {
  throw new RangeError(`no server ${number}: there are ${count}, counted from 0`)
}
