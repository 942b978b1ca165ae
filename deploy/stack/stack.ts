import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, startChild } from './child.ts'
import { type KafkaNode, type KafkaParts, kafkaCommand, layOut, type Profile } from './kafka-node.ts'
import { kafkaReady } from './kafka-ready.ts'
import { kafkaParts, type Report, redisPart, stackDir } from './parts.ts'
import { allotPorts } from './ports.ts'
import { type RedisServer, redisCommand, redisReady, redisUrl } from './redis-server.ts'
import { systemCode } from './stack-error.ts'

const READY_MS = 60_000
const RUN_FOLDER = /^forewarm-stack-(\d+)-/

export interface StackOptions {
  /** 0: no Kafka. Default 1. */
  readonly brokers?: 0 | 1 | 3
  /** Default true. */
  readonly redis?: boolean
  /** Default `test`. */
  readonly profile?: Profile
  /** Holds fetched and prepared files. Default: FOREWARM_STACK_DIR, otherwise `.stack` in the repository. */
  readonly dir?: string
  readonly report?: Report
}

/**
 * A Kafka and a Redis that belong to this process and start empty. They end with `stop()`, or when this process ends.
 * Brokers are numbered from 0, in the order of `brokers`.
 */
export interface Stack {
  /** `host:port` of each. */
  readonly brokers: readonly string[]
  readonly redisUrl: string | undefined
  /** SIGKILL; its data stays. */
  killBroker(index: number): Promise<void>
  /** Restarts a killed broker on its port and its data; resolves when all running brokers are in sync. */
  startBroker(index: number): Promise<void>
  /** SIGSTOP. Once this resolves, connections stay open but nothing answers. */
  pauseBroker(index: number): Promise<void>
  resumeBroker(index: number): void
  /** SIGKILL; its data is lost. */
  stopRedis(): Promise<void>
  /** Restarts it, empty, on its port; resolves when it answers. */
  startRedis(): Promise<void>
  pauseRedis(): Promise<void>
  resumeRedis(): void
  /** Ends the processes and deletes their data. Twice is once. */
  stop(): Promise<void>
}

/** Resolves when Kafka and Redis answer. Throws a StackError, and then leaves nothing running. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { brokers = 1, redis = true, profile = 'test', dir = stackDir(), report = () => undefined } = options
  const parts = brokers > 0 ? await kafkaParts(dir, report) : undefined
  const binary = redis ? await redisPart(dir, report) : undefined
  sweep()
  const run = mkdtempSync(join(tmpdir(), `forewarm-stack-${process.pid}-`))
  const [redisPort = 0, ...ports] = await allotPorts(Array.from({ length: 1 + 2 * brokers }, () => 'any' as const))
  const kafka = parts && kafkaGroup({ nodes: nodesIn(run, ports), parts, profile })
  const server = binary === undefined ? undefined : redisProcess({ port: redisPort, dir: join(run, 'redis') }, binary)
  const stop = async (): Promise<void> => {
    await Promise.all([kafka?.stop(), server?.stop()])
    rmSync(run, { recursive: true, force: true })
  }
  try {
    await Promise.all([kafka?.start(), server?.start()])
  } catch (error) {
    await stop()
    throw error
  }
  return {
    brokers: kafka?.brokers ?? [],
    redisUrl: server?.url,
    killBroker: async (index) => need(kafka, 'broker').kill(index),
    startBroker: async (index) => need(kafka, 'broker').restart(index),
    pauseBroker: async (index) => need(kafka, 'broker').pause(index),
    resumeBroker: (index) => need(kafka, 'broker').resume(index),
    stopRedis: async () => need(server, 'Redis').stop(),
    startRedis: async () => need(server, 'Redis').start(),
    pauseRedis: async () => need(server, 'Redis').pause(),
    resumeRedis: () => need(server, 'Redis').resume(),
    stop,
  }
}

function need<T>(part: T | undefined, name: string): T {
  if (part === undefined) throw new Error(`this stack was started without a ${name}`)
  return part
}

function nodesIn(run: string, ports: readonly number[]): KafkaNode[] {
  const nodes: KafkaNode[] = []
  for (let i = 0; i + 1 < ports.length; i += 2) {
    const id = nodes.length + 1
    nodes.push({ id, port: ports[i] ?? 0, controllerPort: ports[i + 1] ?? 0, dir: join(run, `node-${id}`) })
  }
  return nodes
}

interface KafkaGroupOptions {
  readonly nodes: readonly KafkaNode[]
  readonly parts: KafkaParts
  readonly profile: Profile
}

function kafkaGroup({ nodes, parts, profile }: KafkaGroupOptions) {
  const children = new Map<number, Child>()
  const address = (node: KafkaNode) => `127.0.0.1:${node.port}`
  const launch = async (node: KafkaNode): Promise<void> => {
    if (children.get(node.id)?.gone.aborted === false) return
    children.set(node.id, await startChild(kafkaCommand(node, parts, profile), 'ours'))
  }
  const ready = async (): Promise<void> => {
    const running = nodes.filter((node) => children.get(node.id)?.gone.aborted === false)
    // Without a majority of brokers there is no controller to elect leaders.
    if (running.length * 2 <= nodes.length) return
    const signal = AbortSignal.any(running.flatMap((node) => children.get(node.id)?.gone ?? []))
    await kafkaReady(running.map(address), { timeoutMs: READY_MS, signal })
  }
  const at = (index: number): KafkaNode => {
    const node = nodes[index]
    if (node === undefined) throw new RangeError(`no broker ${index}: there are ${nodes.length}, counted from 0`)
    return node
  }
  return {
    brokers: nodes.map(address),
    start: async (): Promise<void> => {
      for (const node of nodes) mkdirSync(node.dir, { recursive: true })
      layOut(nodes, parts)
      await Promise.all(nodes.map(launch))
      await ready()
    },
    restart: async (index: number): Promise<void> => {
      await launch(at(index))
      await ready()
    },
    kill: async (index: number): Promise<void> => children.get(at(index).id)?.kill(),
    pause: async (index: number): Promise<void> => children.get(at(index).id)?.pause(),
    resume: (index: number): void => children.get(at(index).id)?.resume(),
    stop: async (): Promise<void> => {
      await Promise.all(Array.from(children.values(), (child) => child.kill()))
    },
  }
}

function redisProcess(place: Pick<RedisServer, 'port' | 'dir'>, binary: string) {
  const server: RedisServer = { ...place, keepData: false }
  const url = redisUrl(server)
  let child: Child | undefined
  return {
    url,
    start: async (): Promise<void> => {
      if (child === undefined || child.gone.aborted) child = await startChild(redisCommand(server, binary), 'ours')
      await redisReady(url, { timeoutMs: READY_MS, signal: child.gone })
    },
    pause: async (): Promise<void> => child?.pause(),
    resume: (): void => child?.resume(),
    stop: async (): Promise<void> => child?.kill(),
  }
}

/** Deletes the folders of processes that were killed before they could delete them. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(RUN_FOLDER.exec(name)?.[1])
    if (pid > 0 && !isAlive(pid)) rmSync(join(tmpdir(), name), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: the process exists but belongs to another user.
    return systemCode(error) === 'EPERM'
  }
}
