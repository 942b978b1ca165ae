import { statSync } from 'node:fs'
import type { Command } from 'commander'
import type { NodeStats } from '../../../index.ts'
import type { Broker } from '../../../src/broker/port.ts'
import { ownTopicNames } from '../../../src/broker/price-topics.ts'
import type { FormatRule } from '../../../src/formats/formats.ts'
import type { ReplayFrom, ReplayOptions, ReplayRange, ReplayTo, ReplayTopics } from '../../../src/replay/options.ts'
import type { Speed } from '../../../src/replay/pace.ts'
import { isRecording } from '../../../src/replay/recording/source.ts'
import type { ReplayReport } from '../../../src/replay/report.ts'
import type { LostRecords } from '../../../src/replay/source/source.ts'
import { TIMESTAMPS, type Timestamps } from '../../../src/replay/timestamps.ts'
import { BadLines, SKIP_BAD } from '../../bad-lines.ts'
import { DONE, type ExitCode, FAILED, INTERRUPTED } from '../../exit-code.ts'
import type { InProcessNode } from '../../in-process-node.ts'
import { loadFormats } from '../../modules/formats-file.ts'
import * as opt from '../../options/options.ts'
import { rangeOf, withRange } from '../../options/range.ts'
import { refuseOwnTopic } from '../../price-topic.ts'
import { loadSettings, loadWithFormats } from '../../settings.ts'
import { withProgress } from '../../terminal/progress-line.ts'
import { hasFaults, nodeText, replayText, tellLost } from '../../terminal/replay-text.ts'
import { print, say, type Terminal } from '../../terminal/terminal.ts'
import { UsageError } from '../../usage-error.ts'

interface ReplayFlags extends opt.FormatFlags, ReplayRange {
  readonly toPrefix?: string
  readonly to?: string
  readonly inProcess?: boolean
  readonly detectors?: string
  readonly stdout?: boolean
  readonly toBrokers?: readonly string[]
  readonly targetPartitions?: number
  readonly speed: Speed
  readonly timestamps: Timestamps
  readonly pairs?: readonly string[]
  readonly chains?: readonly string[]
  readonly sample?: number
  readonly max?: number
  readonly loop?: number | true
  readonly verifyHash?: string | true
  readonly protectedCluster?: readonly string[]
  readonly force?: boolean
  readonly yesReally?: boolean
  readonly skipBad?: boolean
}

export const examples = [
  'replay prices.ethereum --to-prefix test. --since 2026-07-10T00:00Z --until 2026-07-11T00:00Z',
  'replay yesterday.ndjson.gz --to prices.test --speed 10 --timestamps shift',
  'replay yesterday.ndjson.gz --in-process --verify-hash',
  'replay prices.ethereum --stdout --pairs WETH/USDC --max 100',
]

export function define(command: Command): Command {
  command
    .description(
      'Reads the records that topics or a file hold now, and sends them again: to topics, to a node, or to standard output.',
    )
    .argument('<source...>', 'topics, or one file: a recording, or price updates as NDJSON; .gz or not')
    .optionsGroup('Where to (give one of --to-prefix, --to, --in-process and --stdout):')
    .option('--to-prefix <prefix>', 'to topics named as the source topics, with this prefix')
    .option('--to <topic>', 'to this topic')
    .option('--in-process', 'to a node in this process, with a broker and L2 in memory; its clock follows the records')
    .option('--detectors <file>', 'with --in-process: a module that exports detectors, or lists of them')
    .option('--stdout', 'to standard output: price updates as NDJSON, or whole records with --json')
    .option('--to-brokers <list>', 'host:port,… of the cluster to write to (default: KAFKA_BROKERS)', opt.list)
    .option('--target-partitions <n>', 'partitions of topics that it creates (default: as the source)', opt.count)
    .optionsGroup('Which records:')
  return withRange(command)
    .option('--pairs <list>', 'only these pairs, separated by commas', opt.list)
    .option('--chains <list>', 'only these chains, separated by commas', opt.list)
    .option('--sample <share>', 'only this share of the records, 0 to 1; the same ones in every run', opt.share)
    .option('--max <n>', 'replay at most this many records', opt.count)
    .option('--loop [n]', 'replay them n times, or until Ctrl-C without a number', opt.count)
    .optionsGroup('How:')
    .option('--speed <factor>', '0.1 to 1000 times the recorded speed, or max', speed, 'max')
    .option(
      '--timestamps <how>',
      'keep: unchanged; shift: all moved so that the first is now; now: the time of the replay',
      opt.oneOf(TIMESTAMPS),
      'keep',
    )
    .option('--verify-hash [hash]', 'fail unless this is the final state hash (default: the one in the recording)')
    .optionsGroup('Safety:')
    .option('--protected-cluster <id>', 'do not write to this cluster, nor to KAFKA_PROTECTED_CLUSTERS', opt.list)
    .option('--force', 'with --yes-really: write even to the topic that is read, or to a protected cluster')
    .option('--yes-really', 'confirm --force')
    .optionsGroup('Options:')
    .option(...SKIP_BAD)
    .addOption(opt.formatsOption())
    .addOption(opt.configOption())
}

export async function start(terminal: Terminal, sources: readonly string[], flags: ReplayFlags): Promise<ExitCode> {
  const file = fileAmong(sources)
  const toTopics = targetOf(flags)
  await refuseIdle(flags, { isToTopics: toTopics !== undefined, file })
  const from: ReplayFrom = { ...(file === undefined ? { topic: sources } : { file }), ...rangeOf(flags) }
  if (toTopics === undefined) return replayedHere(terminal, flags, from)
  const { withKafka } = await import('../../kafka.ts')
  return withKafka(terminal, flags, async (broker, { kafka }, formats) => {
    if (flags.to !== undefined && flags.yesReally !== true) refuseOwnTopic('--to', flags.to, kafka)
    if (flags.toPrefix !== undefined && file === undefined && flags.yesReally !== true)
      for (const topic of sources) refuseOwnTopic('--to-prefix', `${flags.toPrefix}${topic}`, kafka)
    const protectedClusters = [...(kafka.protectedClusters ?? []), ...(flags.protectedCluster ?? [])]
    const into = (target: Broker) =>
      replayed(terminal, flags, { broker, from, formats, to: { ...toTopics, broker: target }, protectedClusters })
    if (flags.toBrokers === undefined) return into(broker)
    return withKafka(terminal, { ...flags, brokers: flags.toBrokers }, into)
  })
}

/** The ends of a replay: what it writes to, and the file that it reads, if it reads one. */
interface Ends {
  readonly isToTopics: boolean
  readonly file: string | undefined
}

/** Throws a UsageError for an option that has no effect on this source or this target. */
async function refuseIdle(flags: ReplayFlags, { isToTopics, file }: Ends): Promise<void> {
  const { inProcess, detectors, skipBad, config, formats, force, yesReally } = flags
  const ofTopics = opt.pick(flags, ['toBrokers', 'targetPartitions', 'protectedCluster', 'force', 'yesReally'])
  if (inProcess === undefined) opt.refuseGiven({ detectors }, '--in-process')
  if (!isToTopics) opt.refuseGiven(ofTopics, '--to or --to-prefix')
  if (force === undefined) opt.refuseGiven({ yesReally }, '--force')
  if (file === undefined) return opt.refuseGiven({ skipBad }, 'a file of price updates')
  // A file that is not there is told of when it is read.
  const ofRecords = (config ?? formats ?? skipBad) !== undefined && (await isRecording(file).catch(() => false))
  if (inProcess === undefined && !isToTopics && !ofRecords)
    opt.refuseGiven({ config, formats }, 'topics, a recording, or --in-process')
  if (ofRecords) opt.refuseGiven({ skipBad }, 'a file of price updates, not with a recording')
}

/** The file among the sources; undefined if they are topics. Throws a UsageError if it is not alone. */
function fileAmong(sources: readonly string[]): string | undefined {
  const file = sources.find((source) => /\.ndjson(\.gz)?$/.test(source) || source.includes('/') || isFile(source))
  if (file !== undefined && sources.length > 1)
    throw new UsageError(`${file} is a file: it is replayed alone, got ${sources.length} sources`)
  return file
}

/** A pipe, too: it is refused as what it is. A folder may have the name of a topic. */
function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === false
}

/** The target topics; undefined if the target is in this process. Throws a UsageError unless one target was given. */
function targetOf({ toPrefix, to, inProcess, stdout, targetPartitions }: ReplayFlags): ReplayTopics | undefined {
  const given = [toPrefix, to, inProcess, stdout].filter((flag) => flag !== undefined)
  if (given.length !== 1) throw new UsageError('where to? give one of --to-prefix, --to, --in-process and --stdout')
  const partitions = targetPartitions === undefined ? {} : { partitions: targetPartitions }
  if (toPrefix !== undefined) return { topicPrefix: toPrefix, ...partitions }
  return to === undefined ? undefined : { topic: to, ...partitions }
}

/** Needs Kafka only if the source is topics. */
async function replayedHere(terminal: Terminal, flags: ReplayFlags, from: ReplayFrom): Promise<ExitCode> {
  const to: ReplayTo = { stdout: true, format: flags.json === true ? 'records' : 'updates' }
  const replayFrom = async (broker: Broker | undefined, formats: readonly FormatRule[]) => {
    const given = { from, formats, ...(broker !== undefined && { broker }) }
    if (flags.stdout === true) return replayed(terminal, flags, { ...given, to })
    const node = await inProcessNode(terminal, flags)
    try {
      return await replayed(terminal, flags, { ...given, to: { inProcess: node } }, async () => {
        const stats = node.stats()
        await node.close()
        return { stats: stats && { ...stats, strayErrors: node.strayErrors }, refused: node.refused }
      })
    } finally {
      await node.close()
    }
  }
  // The lines of a file of price updates are in our own format.
  if ('file' in from)
    return replayFrom(undefined, (await isRecording(from.file)) ? (await loadWithFormats(terminal, flags)).formats : [])
  const { withKafka } = await import('../../kafka.ts')
  return withKafka(terminal, flags, (broker, _, formats) => replayFrom(broker, formats))
}

async function inProcessNode(terminal: Terminal, flags: ReplayFlags): Promise<InProcessNode> {
  const { loadDetectors } = await import('../../modules/detectors-file.ts')
  const detectors = await loadDetectors(flags.detectors)
  const { InProcessNode } = await import('../../in-process-node.ts')
  const ownTopics = new Set(ownTopicNames(loadSettings(terminal, flags).config.kafka))
  const formats = await loadFormats(flags.formats)
  return new InProcessNode({ detectors, formats, configFile: flags.config, ownTopics })
}

async function replayed(
  terminal: Terminal,
  flags: ReplayFlags,
  options: Pick<ReplayOptions, 'broker' | 'from' | 'to' | 'formats' | 'protectedClusters'>,
  atEnd: () => Promise<NodeEnd | undefined> = async () => undefined,
): Promise<ExitCode> {
  const { replay } = await import('../../../src/replay/replay.ts')
  const badLines = new BadLines(terminal, flags)
  const report = await withProgress(terminal, 'replay', (onStart) =>
    replay({
      ...options,
      ...opt.pick(flags, ['speed', 'timestamps', 'loop', 'verifyHash']),
      filters: opt.pick(flags, ['pairs', 'chains', 'sample', 'max']),
      force: flags.force ?? false,
      reallyForce: flags.yesReally ?? false,
      signal: terminal.signal,
      onWarning: (warning) => say(terminal, `warning: ${warning}`),
      onBadLine: badLines.onBadLine,
      onStart,
    }),
  )
  const { stats: node, refused = [] } = (await atEnd()) ?? {}
  const failed = [...report.failed, ...refused]
  const isWhole = report.replayed > 0 && report.skipped.length === 0 && failed.length === 0
  const isFaulty = node !== undefined && hasFaults(node)
  const ended = isWhole && !isFaulty && report.hashMatches !== false ? DONE : FAILED
  // The reader of the report may have gone. The exit code is known before it is printed.
  process.exitCode = report.status === 'interrupted' ? INTERRUPTED : ended
  showReport(terminal, flags, { report, node })
  tellLost(terminal, 'skipped', report.skipped)
  tellLost(terminal, 'refused', failed)
  if (report.status === 'interrupted') return INTERRUPTED
  if (report.replayed === 0)
    say(terminal, 'nothing was replayed: the source has no record that can be read and is wanted')
  return ended
}

/** What a node that a replay ran through says at its end. */
interface NodeEnd {
  readonly stats: NodeStats | undefined
  readonly refused: readonly LostRecords[]
}

interface Outcome {
  readonly report: ReplayReport
  /** Undefined if it did not run through a node. */
  readonly node: NodeStats | undefined
}

/** Prints the report to standard error if standard output holds the records. */
function showReport(terminal: Terminal, { json, stdout }: ReplayFlags, { report, node }: Outcome): void {
  const words = [replayText(report), ...(node === undefined ? [] : [nodeText(node)])].join('\n')
  const text = json === true ? JSON.stringify({ ...report, node }) : words
  if (stdout === true) say(terminal, text)
  else print(terminal, text)
}

function speed(value: string): Speed {
  return value === 'max' ? 'max' : opt.positiveNumber(value)
}
