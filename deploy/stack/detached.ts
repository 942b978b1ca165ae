import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, type Command, startChild } from './child.ts'
import { type KafkaParts, kafkaCommand, layOut, nodesIn } from './kafka-node.ts'
import { kafkaReady } from './kafka-ready.ts'
import { alone } from './lock.ts'
import { kafkaParts, type Report, redisPart, stackDir } from './parts.ts'
import { allotPorts } from './ports.ts'
import { endMarked, isStillThere, markProcess, type ProcessMark } from './process-mark.ts'
import { redisCommand, redisReady, redisUrl } from './redis-server.ts'
import { StackError } from './stack-error.ts'

const READY_MS = 60_000
const LOCK_MS = 180_000
/** Before a broker ends, it hands over its leaderships and flushes its logs. */
const GRACE_MS = 15_000
const KAFKA_PORTS = [9092, 9093, 9094]
const REDIS_PORT = 6379

/** A stack that outlives the process that started it. */
export interface LocalStack {
  /** `host:port` of each. */
  readonly brokers: string[]
  readonly redisUrl: string
}

interface Running extends LocalStack {
  readonly processes: ProcessMark[]
}

export type LocalStackStatus =
  | { readonly status: 'running'; readonly stack: LocalStack }
  | { readonly status: 'stopped' }
  /** `missing` names the processes that have ended. */
  | { readonly status: 'broken'; readonly missing: readonly string[] }

export interface LocalStackOptions {
  /** Default: as many as run already, otherwise 1. Each number of brokers has its own data. */
  readonly brokers?: 1 | 3
  /** Holds the state and the data. Default: FOREWARM_STACK_DIR, otherwise `.stack` in the repository. */
  readonly stateDir?: string
  readonly report?: Report
}

/**
 * Starts the stack unless it runs already, and resolves when it answers. Throws a StackError, with code `busy` if it
 * runs with another number of brokers.
 */
export async function ensureLocalStack(options: LocalStackOptions = {}): Promise<LocalStack> {
  const { brokers, stateDir = stackDir(), report = () => undefined } = options
  return alone(lockFile(stateDir), LOCK_MS, async () => {
    const running = read(stateDir)
    if (!running?.processes.every(isStillThere)) return launch({ brokers: brokers ?? 1, stateDir, report })
    const count = running.brokers.length
    if (brokers !== undefined && brokers !== count) {
      throw new StackError('busy', `The stack runs with ${count} broker(s), not ${brokers}: stop it first.`)
    }
    await ready(running, [])
    return shown(running)
  })
}

export function localStackStatus(stateDir = stackDir()): LocalStackStatus {
  const recorded = read(stateDir)
  if (recorded === undefined) return { status: 'stopped' }
  const missing = recorded.processes.filter((mark) => !isStillThere(mark)).map((mark) => mark.name)
  if (missing.length > 0) return { status: 'broken', missing }
  return { status: 'running', stack: shown(recorded) }
}

/** Ends its processes and keeps its data. Resolves to whether any of them ran. */
export async function stopLocalStack(stateDir = stackDir()): Promise<boolean> {
  return alone(lockFile(stateDir), LOCK_MS, () => endRecorded(stateDir))
}

/** Ends its processes and deletes its data, but keeps the fetched programs. */
export async function wipeLocalStack(stateDir = stackDir()): Promise<void> {
  await alone(lockFile(stateDir), LOCK_MS, async () => {
    await endRecorded(stateDir)
    rmSync(join(stateDir, 'data'), { recursive: true, force: true })
  })
}

async function launch(options: Required<LocalStackOptions>): Promise<LocalStack> {
  // If some of its processes ended, the others must end as well: they hold the ports.
  await endRecorded(options.stateDir)
  const kafka = await kafkaParts(stackDir(), options.report)
  const redisBinary = await redisPart(stackDir(), options.report)
  // All stacks want the same ports, and a port that was found free stays free for others until a broker listens on it,
  // seconds later. The lock has the user's number, as `userInfo` throws for a user without a name (in a container).
  const lock = join(tmpdir(), `forewarm-ports-${process.getuid?.() ?? 0}.lock`)
  return alone(lock, LOCK_MS, () => raiseOnFreePorts(options, kafka, redisBinary))
}

async function raiseOnFreePorts(
  { brokers, stateDir, report }: Required<LocalStackOptions>,
  kafka: KafkaParts,
  redisBinary: string,
): Promise<LocalStack> {
  const data = join(stateDir, 'data', brokers === 1 ? '1-broker' : `${brokers}-brokers`)
  const wishes = KAFKA_PORTS.slice(0, brokers)
  const ports = await allotPorts([REDIS_PORT, ...wishes, ...wishes.map(() => 'any' as const)])
  const [redisPort = 0, ...kafkaPorts] = ports
  const nodes = nodesIn(data, kafkaPorts)
  layOut(nodes, kafka)
  const redis = { port: redisPort, dir: join(data, 'redis'), keepData: true }
  const commands: [string, Command][] = [
    ...nodes.map((node): [string, Command] => [`broker ${node.id}`, kafkaCommand(node, kafka, 'bench')]),
    ['Redis', redisCommand(redis, redisBinary)],
  ]
  report(`starting ${commands.map(([name]) => name).join(', ')}`)
  const stack = { brokers: nodes.map((node) => `127.0.0.1:${node.port}`), redisUrl: redisUrl(redis) }
  return raise(stack, commands, stateDir)
}

async function raise(stack: LocalStack, commands: [string, Command][], stateDir: string): Promise<LocalStack> {
  const processes: ProcessMark[] = []
  const children: Child[] = []
  try {
    for (const [name, command] of commands) {
      const child = await startChild(command, 'detached')
      children.push(child)
      const mark = markProcess(name, child.pid)
      if (mark !== undefined) processes.push(mark)
      // Written at once, so that `stop` knows every process of an interrupted start.
      write(stateDir, { ...stack, processes })
    }
    await ready(stack, children)
    return stack
  } catch (error) {
    await endRecorded(stateDir)
    throw error
  }
}

async function ready(stack: LocalStack, children: readonly Child[]): Promise<void> {
  const wait = { timeoutMs: READY_MS, signal: AbortSignal.any(children.map((child) => child.gone)) }
  await Promise.all([kafkaReady(stack.brokers, wait), redisReady(stack.redisUrl, wait)])
}

async function endRecorded(stateDir: string): Promise<boolean> {
  const recorded = read(stateDir)
  if (recorded === undefined) return false
  const ran = recorded.processes.some(isStillThere)
  await Promise.all(recorded.processes.map((mark) => endMarked(mark, GRACE_MS)))
  rmSync(stateFile(stateDir), { force: true })
  return ran
}

function shown({ brokers, redisUrl }: Running): LocalStack {
  return { brokers, redisUrl }
}

function stateFile(stateDir: string): string {
  return join(stateDir, 'running.json')
}

function lockFile(stateDir: string): string {
  return join(stateDir, 'running.lock')
}

function read(stateDir: string): Running | undefined {
  return existsSync(stateFile(stateDir)) ? JSON.parse(readFileSync(stateFile(stateDir), 'utf8')) : undefined
}

/** Replaces the file in one step, as `status` may read it at any moment. */
function write(stateDir: string, running: Running): void {
  const draft = `${stateFile(stateDir)}.draft`
  writeFileSync(draft, `${JSON.stringify(running, undefined, 2)}\n`)
  renameSync(draft, stateFile(stateDir))
}
