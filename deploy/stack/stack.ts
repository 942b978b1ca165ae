import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, type Command, startChild } from './child.ts'
import { type KafkaNode, kafkaCommand, layOut, nodesIn, type Profile, type Properties } from './kafka-node.ts'
import { kafkaReady } from './kafka-ready.ts'
import { kafkaParts, type Report, redisPart, stackDir } from './parts.ts'
import { allotPorts } from './ports.ts'
import { type RedisServer, redisCommand, redisReady, redisUrl } from './redis-server.ts'
import { systemCode } from './stack-error.ts'

const READY_MS = 60_000
const GRACE_MS = 10_000
const RUN_FOLDER = /^forewarm-stack-(\d+)-/

export interface StackOptions {
  /** 0: no Kafka. Default 1. */
  readonly brokers?: 0 | 1 | 3
  /** Default true. */
  readonly redis?: boolean
  /** Default `test`. */
  readonly profile?: Profile
  /** More settings of the brokers, or of each. */
  readonly settings?: Properties | ((node: KafkaNode) => Properties)
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
  /** SIGTERM: it hands its partitions over first, which may take ten seconds. */
  stopBroker(index: number): Promise<void>
  /** Restarts a broker that ended on its port and its data; resolves when all running brokers are in sync. */
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
  /** Ends the processes and deletes their data. May be called twice. */
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
  const nodes = nodesIn(run, ports)
  const kafka = parts && kafkaGroup(nodes, (node) => kafkaCommand(node, parts, profile))
  const place = { port: redisPort, dir: join(run, 'redis'), keepData: false }
  const server = binary === undefined ? undefined : redisProcess(place, binary)
  const stop = async (): Promise<void> => {
    await Promise.all([kafka?.kill(), server?.kill()])
    rmSync(run, { recursive: true, force: true })
  }
  try {
    if (parts !== undefined) layOut(nodes, parts, ofEach(options.settings))
    await Promise.all([kafka?.start(), server?.start()])
  } catch (error) {
    await stop()
    throw error
  }
  return {
    brokers: kafka?.addresses ?? [],
    redisUrl: server?.url,
    killBroker: async (index) => need(kafka, 'broker').at(index).kill(),
    stopBroker: async (index) => need(kafka, 'broker').at(index).end(),
    startBroker: async (index) => need(kafka, 'broker').restart(index),
    pauseBroker: async (index) => need(kafka, 'broker').at(index).pause(),
    resumeBroker: (index) => need(kafka, 'broker').at(index).resume(),
    stopRedis: async () => need(server, 'Redis').kill(),
    startRedis: async () => need(server, 'Redis').start(),
    pauseRedis: async () => need(server, 'Redis').pause(),
    resumeRedis: () => need(server, 'Redis').resume(),
    stop,
  }
}

function ofEach(settings: StackOptions['settings'] = {}): (node: KafkaNode) => Properties {
  return typeof settings === 'function' ? settings : () => settings
}

function need<T>(part: T | undefined, name: string): T {
  if (part === undefined) throw new Error(`this stack was started without a ${name}`)
  return part
}

function kafkaGroup(nodes: readonly KafkaNode[], command: (node: KafkaNode) => Command) {
  const brokers = nodes.map((node) => ({ address: `127.0.0.1:${node.port}`, ...restartable(() => command(node)) }))
  const ready = async (): Promise<void> => {
    const running = brokers.filter((broker) => broker.gone()?.aborted === false)
    // Without a majority of brokers there is no controller to elect leaders.
    if (running.length * 2 <= brokers.length) return
    const signal = AbortSignal.any(running.flatMap((broker) => broker.gone() ?? []))
    const addresses = running.map(({ address }) => address)
    await kafkaReady(addresses, { timeoutMs: READY_MS, signal })
  }
  const at = (index: number) => {
    const broker = brokers[index]
    if (broker === undefined) throw new RangeError(`no broker ${index}: there are ${nodes.length}, counted from 0`)
    return broker
  }
  return {
    addresses: brokers.map(({ address }) => address),
    at,
    start: async (): Promise<void> => {
      await Promise.all(brokers.map((broker) => broker.start()))
      await ready()
    },
    restart: async (index: number): Promise<void> => {
      await at(index).start()
      await ready()
    },
    kill: async (): Promise<void> => {
      await Promise.all(brokers.map((broker) => broker.kill()))
    },
  }
}

function redisProcess(server: RedisServer, binary: string) {
  const url = redisUrl(server)
  const redis = restartable(() => redisCommand(server, binary))
  const start = async (): Promise<void> => redisReady(url, { timeoutMs: READY_MS, signal: await redis.start() })
  return { ...redis, url, start }
}

/** A process that may end and be started again. `start` does nothing while it runs. */
function restartable(command: () => Command) {
  let child: Child | undefined
  return {
    gone: () => child?.gone,
    start: async (): Promise<AbortSignal> => {
      if (child === undefined || child.gone.aborted) child = await startChild(command(), 'ours')
      return child.gone
    },
    pause: async (): Promise<void> => child?.pause(),
    resume: (): void => child?.resume(),
    kill: async (): Promise<void> => child?.kill(),
    end: async (): Promise<void> => child?.end(GRACE_MS),
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
