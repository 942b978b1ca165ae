import type { Broker } from '../broker/port.ts'
import { configuredBroker } from './configured-broker.ts'
import type { ReplayFrom, ReplayOptions } from './options.ts'
import { type ReplayTime, wallTime } from './pace.ts'
import { planOf, type ReplayPlan } from './plan.ts'
import { isRecording, openRecording } from './recording/source.ts'
import { ReplayError } from './replay-error.ts'
import type { ReplayReport } from './report.ts'
import { ReplayRun } from './run.ts'
import { OutputSink } from './sink/output.ts'
import { ProcessSink } from './sink/process.ts'
import type { ReplaySink } from './sink/sink.ts'
import { TopicSink } from './sink/topic.ts'
import { openPriceFile } from './source/price-file.ts'
import type { ReplaySource } from './source/source.ts'
import { openTopics } from './source/topic.ts'
import { assertPartitions } from './source/topic-range.ts'
import { writtenTimes } from './timestamps.ts'

/**
 * Plays recorded or stored records again: in replay order (timestamp, topic, partition, offset), at their own pace or
 * another, into topics, a pipeline in this process or standard output. Rejects with a ReplayError, whose code says why,
 * or with a BrokerError. All that it opened is closed by then.
 */
export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  const plan = planOf(options)
  if (!needsBroker(options)) return replayWith(options, plan)
  const { broker, protectedClusters, close } = await configuredBroker(options.broker)
  try {
    return await replayWith({ protectedClusters, ...options, broker }, plan)
  } finally {
    await close()
  }
}

function needsBroker({ from, to }: ReplayOptions): boolean {
  return !('file' in from) || !('inProcess' in to || 'stdout' in to || to.broker !== undefined)
}

async function replayWith(options: ReplayOptions, plan: ReplayPlan): Promise<ReplayReport> {
  const time = options.time ?? wallTime
  const source = await openSource(options, plan)
  assertPartitions(plan.filter.partitions, source.origin.topics)
  const expectedHash = expectedHashOf(options, source)
  const sink = sinkOf(options, time, plan)
  const signal = options.signal ?? new AbortController().signal
  try {
    await sink.open?.(source.origin)
    // What is wrong with the times is said before a record is written.
    if (sink.check !== undefined && plan.timestamps !== 'now') {
      const written = await writtenTimes(source, { ...plan, nowMs: time.now(), signal })
      for (const warning of sink.check(written)) options.onWarning?.(warning)
    }
    const run = new ReplayRun({ plan, source, sink, time, signal })
    options.onStart?.(() => run.progress())
    await run.run()
    await sink.flush()
    return await run.report(expectedHash)
  } finally {
    await sink.close?.()
  }
}

async function openSource(options: ReplayOptions, plan: ReplayPlan): Promise<ReplaySource> {
  const { from, stallMs, onBadLine } = options
  if ('file' in from)
    return (await isRecording(from.file)) ? openRecording(from.file) : openPriceFile(from.file, onBadLine)
  return openTopics({ ...plan.filter, broker: brokerOf(options), topics: topicsOf(from), stallMs })
}

function topicsOf(from: Exclude<ReplayFrom, { file: string }>): readonly string[] {
  const topics = typeof from.topic === 'string' ? [from.topic] : [...new Set(from.topic)]
  if (topics.length === 0) throw new ReplayError('bad-option', 'from.topic: got none; allowed: at least one topic')
  return topics
}

function brokerOf(options: ReplayOptions): Broker {
  const { broker } = options
  if (broker === undefined) throw new ReplayError('bad-option', 'broker: got none; topics need one')
  return broker
}

function expectedHashOf(options: ReplayOptions, source: ReplaySource): string | undefined {
  const { verifyHash, filters, from, to, loop, timestamps = 'keep' } = options
  const hasState = 'inProcess' in to && to.inProcess.stateHash !== undefined
  if (verifyHash !== undefined && hasState && (timestamps !== 'keep' || loop !== undefined))
    throw new ReplayError(
      'bad-option',
      'verifyHash: moved times or several passes lead to another state; leave timestamps and loop out',
    )
  if (verifyHash === undefined || typeof verifyHash === 'string') return verifyHash
  const recorded = source.origin.stateHash
  if (recorded === undefined)
    throw new ReplayError('bad-option', 'verifyHash: the source has no recorded hash; give the expected one')
  const { file: _, topic: __, ...range } = { file: undefined, topic: undefined, ...from }
  if (Object.keys({ ...range, ...filters }).length > 0 || loop !== undefined)
    throw new ReplayError(
      'bad-option',
      'verifyHash: the hash of a recording covers all its records; leave the filters out, or give the expected hash',
    )
  return recorded
}

function sinkOf(options: ReplayOptions, time: ReplayTime, { formats }: ReplayPlan): ReplaySink {
  const { to } = options
  if ('inProcess' in to) return new ProcessSink(to.inProcess, to.clock)
  if ('stdout' in to)
    return new OutputSink(to.stdout === true ? process.stdout : to.stdout, to.format ?? 'updates', formats)
  return new TopicSink({
    broker: to.broker ?? brokerOf(options),
    targetOf: 'topic' in to ? () => to.topic : (source) => to.topicPrefix + source,
    partitions: to.partitions,
    protectedClusters: options.protectedClusters ?? [],
    force: options.force ?? false,
    reallyForce: options.reallyForce ?? false,
    time,
  })
}
