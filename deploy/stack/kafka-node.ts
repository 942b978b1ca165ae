import { randomBytes } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from './child.ts'

/** `test` starts fast and stays small; `bench` runs as in production, with 1 GB of memory. */
export type Profile = 'test' | 'bench'

/** One process that is broker and controller at once. */
export interface KafkaNode {
  readonly id: number
  readonly port: number
  readonly controllerPort: number
  /** Holds its settings, its log file and its data. */
  readonly dir: string
}

/** The files that a node runs from; parts.ts finds them. */
export interface KafkaParts {
  readonly java: string
  readonly classPath: string
  /** Holds the feature levels of a new cluster; written by Kafka's own format tool. */
  readonly bootstrapCheckpoint: string
  /** Parsed classes to map instead of load, which halves the time of a start. Java ignores an archive that does not fit. */
  readonly classArchive: string
}

/** Tests send records of 5 MB; the rest is for keys and headers. */
const LARGEST_RECORD_BYTES = 6 * 1024 * 1024

const JVM: Record<Profile, readonly string[]> = {
  test: ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
  bench: ['-Xms1g', '-Xmx1g', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'],
}

/** Nodes 1 to n in folders below `dir`. The first half of the ports is for clients, the second for controllers. */
export function nodesIn(dir: string, ports: readonly number[]): KafkaNode[] {
  const count = ports.length / 2
  return Array.from({ length: count }, (_, at) => ({
    ...{ id: at + 1, dir: join(dir, `node-${at + 1}`) },
    ...{ port: ports[at] ?? 0, controllerPort: ports[count + at] ?? 0 },
  }))
}

/** Writes the settings of every node, and formats the data folders that are new. */
export function layOut(
  nodes: readonly KafkaNode[],
  parts: Pick<KafkaParts, 'bootstrapCheckpoint'>,
  settings: (node: KafkaNode) => Properties = () => ({}),
): void {
  const clusterId = uuid()
  for (const node of nodes) {
    const data = dataDir(node)
    if (!existsSync(join(data, 'meta.properties'))) format(node, clusterId, parts.bootstrapCheckpoint)
    writeFileSync(settingsFile(node), lines({ ...brokerSettings(node, nodes), ...settings(node) }))
  }
}

/** Writes what the format tool would write; the tool takes a second for each folder. */
function format(node: KafkaNode, clusterId: string, bootstrapCheckpoint: string): void {
  const data = dataDir(node)
  mkdirSync(data, { recursive: true })
  cpSync(bootstrapCheckpoint, join(data, 'bootstrap.checkpoint'))
  const properties = { version: 1, 'cluster.id': clusterId, 'node.id': node.id, 'directory.id': uuid() }
  writeFileSync(join(data, 'meta.properties'), lines(properties))
}

export function kafkaCommand(node: KafkaNode, parts: KafkaParts, profile: Profile): Command {
  const archive = [`-XX:SharedArchiveFile=${parts.classArchive}`, '-Xshare:auto', '-Xlog:disable']
  return javaCommand(node, parts, [...JVM[profile], ...archive, ...mainClass(node, parts)])
}

/** A node that writes the class archive when it ends. */
export function archivingCommand(node: KafkaNode, parts: KafkaParts): Command {
  const archive = [`-XX:ArchiveClassesAtExit=${parts.classArchive}`, '-Xlog:disable']
  return javaCommand(node, parts, [...JVM.test, ...archive, ...mainClass(node, parts)])
}

export function formatCommand(node: KafkaNode, parts: Pick<KafkaParts, 'java' | 'classPath'>): Command {
  const tool = ['kafka.tools.StorageTool', 'format', '-t', uuid(), '-c', settingsFile(node)]
  return javaCommand(node, parts, [...JVM.test, '-cp', parts.classPath, ...tool])
}

function javaCommand({ dir }: KafkaNode, { java }: Pick<KafkaParts, 'java'>, args: readonly string[]): Command {
  return { file: java, args, logFile: join(dir, 'kafka.log') }
}

export function writeSettings(node: KafkaNode): void {
  mkdirSync(node.dir, { recursive: true })
  writeFileSync(settingsFile(node), lines(brokerSettings(node, [node])))
}

function mainClass(node: KafkaNode, parts: KafkaParts): string[] {
  return ['-cp', parts.classPath, 'kafka.Kafka', settingsFile(node)]
}

export function dataDir(node: KafkaNode): string {
  return join(node.dir, 'data')
}

function settingsFile(node: KafkaNode): string {
  return join(node.dir, 'server.properties')
}

export type Properties = Readonly<Record<string, string | number | boolean>>

/** The server.properties of one node of a cluster. */
export function brokerSettings(node: KafkaNode, nodes: readonly KafkaNode[]): Properties {
  const replicas = nodes.length
  const inSync = Math.min(replicas, 2)
  return {
    'process.roles': 'broker,controller',
    'node.id': node.id,
    'controller.quorum.voters': nodes.map((each) => `${each.id}@127.0.0.1:${each.controllerPort}`).join(','),
    listeners: `PLAINTEXT://127.0.0.1:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${node.port}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': dataDir(node),
    'auto.create.topics.enable': false,
    'message.max.bytes': LARGEST_RECORD_BYTES,
    'replica.fetch.max.bytes': LARGEST_RECORD_BYTES,
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.num.partitions': 1,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.num.partitions': 1,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSync,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1000,
    'log.cleaner.dedupe.buffer.size': 2_097_152,
    // A log that can be compacted is compacted at once, not after 15 s.
    'log.cleaner.backoff.ms': 100,
    'num.network.threads': 2,
    'num.io.threads': 4,
    // The cluster misses a killed broker after two seconds instead of nine, and only then may it register again. A
    // single broker gets three seconds: nobody could take over while a busy machine delays its heartbeats.
    'broker.session.timeout.ms': replicas > 1 ? 2000 : 3000,
    'broker.heartbeat.interval.ms': 500,
  }
}

function lines(properties: Properties): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

/** 128 random bits as Kafka writes them. The first bits are fixed, as a leading dash would be read as an option. */
function uuid(): string {
  const bits = randomBytes(16)
  bits[0] = 0x40
  return bits.toString('base64url')
}
