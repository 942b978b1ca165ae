import { setImmediate as nextTurn } from 'node:timers/promises'
import { correlationsReader } from '../../consumers/correlations.ts'
import { rewind } from '../../consumers/rewind.ts'
import type { WholeTopic } from '../../consumers/whole-topic.ts'
import { CorrelationsWriter } from '../../producers/correlations.ts'
import { settlesWithin } from '../../src/broker/deadline.ts'
import { partitionName } from '../../src/broker/partition-name.ts'
import type { Broker, BrokerEvent, Consumer, Producer, TopicPartition } from '../../src/broker/port.ts'
import { type Clock, isVirtual } from '../../src/clock.ts'
import type { Config } from '../../src/config/settings.ts'
import type { IsLeaving } from '../../src/correlation/kept/unwritten-leaders.ts'
import type { Formats } from '../../src/formats/formats.ts'
import type { Check } from '../../src/http/operations.ts'
import type { Log } from '../../src/telemetry/log.ts'
import type { Counter, Metrics } from '../../src/telemetry/slab.ts'
import { aborted } from '../../src/timer.ts'
import type { Faults } from '../faults.ts'
import type { Caches, Kept } from '../options.ts'
import type { CorrelationsTopic } from '../topics.ts'

export interface KeptCorrelationsOptions {
  readonly config: Config
  readonly broker: Broker
  readonly producer: Pick<Producer, 'sendBatch' | 'partitions'>
  readonly topic: CorrelationsTopic
  readonly caches: Pick<Caches, 'table' | 'tracker'>
  readonly kept: Kept
  readonly nodeId: string
  readonly clock: Clock
  readonly metrics: Metrics
  readonly log: Log
  readonly faults: Pick<Faults, 'notSent'>
  readonly onEvent: (event: BrokerEvent) => void
  readonly formats?: Pick<Formats, 'of'> | undefined
  readonly restoreMs?: number
}

type Restoring =
  | { readonly state: 'restoring' }
  | { readonly state: 'restored'; readonly ms: number }
  | { readonly state: 'cold'; readonly reason: string }

/** After so long without the end of the topic, the node goes on cold, and tries again as often; unless `restoreMs` is given. */
const RESTORE_MS = 5_000
/** Two milliseconds' work. */
const LEADERS_A_TURN = 100
/** A rewind that takes longer is left unfinished. */
const REWIND_MS = 2_000
/** A revocation waits so long for what was learned to be stored. */
const LEAVE_MS = 2_000

/**
 * Brings what other nodes and earlier runs have learned to this node before it handles the first update of new partitions,
 * and writes what this one learns.
 */
export class KeptCorrelations {
  readonly #options: KeptCorrelationsOptions
  readonly #reader: WholeTopic
  readonly #writer: CorrelationsWriter
  readonly #closing = new AbortController()
  readonly #notWritten: Counter
  #restoring: Restoring = { state: 'restoring' }
  #starting: Promise<void> | undefined
  /** Tries to restore after an assignment that went on cold. */
  #late: Promise<void> | undefined
  /** Nothing is written before the topic was read to its end: it would hide what others have learned. */
  #hasRead = false

  constructor(options: KeptCorrelationsOptions) {
    const { config, broker, producer, kept, nodeId, metrics, faults, onEvent } = options
    const { correlationsTopic } = config.kafka
    this.#options = options
    this.#notWritten = metrics.counter('drops_total', { reason: 'correlations-not-written' })
    this.#reader = correlationsReader({
      ...{ broker, onEvent, topic: correlationsTopic, waiting: kept.waiting },
      groupId: `forewarm.${config.node.service}.correlations.${nodeId}`,
      partitionsOf: (topic) => producer.partitions(topic),
      onMoved: () => kept.unwritten.beginAnew(),
      onRefused: (reason) => metrics.counter('correlations_refused_total', { reason }).add(1),
    })
    const written = metrics.counter('correlations_written_total')
    this.#writer = new CorrelationsWriter({
      ...{ producer, topic: correlationsTopic, unwritten: kept.unwritten },
      partitions: () => this.#reader.partitions,
      onWritten: (records) => written.add(records),
      onFailed: (lost, error) => faults.notSent(correlationsTopic, error, this.#notWritten, lost),
    })
  }

  /** Resolves when what is known of the partitions' leaders can be asked for, or will not come. Never rejects. */
  async assigned(consumer: Pick<Consumer, 'positions'>, partitions: readonly TopicPartition[]): Promise<void> {
    // The node keeps what it has: nobody else has had it meanwhile.
    if (partitions.length === 0 && this.#restoring.state !== 'restoring') return
    const startedMs = performance.now()
    const [cold, show] = await Promise.all([this.#restore(), this.#rewind(consumer, partitions)])
    this.#show(show)
    const ms = performance.now() - startedMs
    this.#options.metrics.gauge('correlations_restore_seconds').set(ms / 1000)
    this.#restoring = cold === undefined ? { state: 'restored', ms } : { state: 'cold', reason: cold }
    if (cold !== undefined) this.#late ??= this.#restoreLate(startedMs)
  }

  /** What is handled until now is about to be committed. */
  committing(): void {
    if (this.#hasRead) void this.#writer.writeSome()
  }

  /**
   * Partitions are given up, those of the leaders that `isLeaving` tells: whoever gets them is to know what was learned
   * here. If they are lost, whoever has got them may have written since, and nothing is written over that. Never rejects.
   */
  async leaving(isLeaving: IsLeaving, areLost = false): Promise<void> {
    const { log, kept } = this.#options
    const untilMs = performance.now() + LEAVE_MS
    if (this.#hasRead && !areLost) await settlesWithin(this.#writer.writeAll(untilMs, isLeaving), LEAVE_MS)
    const leaders = kept.unwritten.leave(isLeaving)
    if (leaders === 0 || !this.#hasRead) return
    this.#notWritten.add(leaders)
    log.warn({ leaders }, 'partitions were given up before all that was learned of these leaders was written')
  }

  check(): Check {
    const restoring = this.#restoring
    const { tracker } = this.#options.caches
    const name = 'restored'
    if (restoring.state === 'restoring') return { name, status: 'failed', reason: 'restoring what was learned before' }
    if (restoring.state === 'cold') return { name, status: 'degraded', reason: `started cold: ${restoring.reason}` }
    const waiting = this.#options.kept.waiting.size
    const edges = `edges restored: ${tracker.restored}, in ${Math.round(restoring.ms)} ms`
    return { name, status: 'ok', reason: `${edges}; leaders not met here yet: ${waiting}` }
  }

  /** An assignment that waits for what was learned goes on without it. What is learned here is still written. */
  endRestoring(): void {
    this.#closing.abort()
  }

  async close(): Promise<void> {
    this.endRestoring()
    await this.#reader.stop()
  }

  /** Resolves to why the node goes on cold, or to undefined. */
  async #restore(): Promise<string | undefined> {
    const { topic, log, config, restoreMs = RESTORE_MS } = this.#options
    const late = AbortSignal.timeout(restoreMs)
    // The topic is being waited for: another assignment does not wait as long again.
    if (this.#late !== undefined && this.#restoring.state === 'cold') return this.#restoring.reason
    this.#restoring = { state: 'restoring' }
    try {
      if (topic.reason !== undefined && !this.#hasRead) throw new Error(topic.reason)
      await this.#readToEnd(AbortSignal.any([late, this.#closing.signal]))
      await this.#restoreMet(false)
      return undefined
    } catch (error) {
      if (this.#closing.signal.aborted) return 'the node closes'
      const reason = late.aborted ? `the topic was not read to its end in ${restoreMs} ms` : messageOf(error)
      log.warn({ topic: config.kafka.correlationsTopic, reason }, 'what was learned before is not known')
      return reason
    }
  }

  async #readToEnd(signal: AbortSignal): Promise<void> {
    this.#starting ??= this.#reader.start()
    try {
      await Promise.race([this.#starting, aborted(signal)])
    } catch (error) {
      // The next assignment tries again.
      if (!signal.aborted) this.#starting = undefined
      throw error
    }
    await this.#reader.readToEnd(signal)
    this.#hasRead = true
    this.#options.kept.waiting.isRead = true
  }

  /** Tries until the topic was read to its end, or the node closes. What comes late does not replace what was learned meanwhile. */
  async #restoreLate(startedMs: number): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      const attempt = AbortSignal.timeout(this.#options.restoreMs ?? RESTORE_MS)
      try {
        await this.#readToEnd(AbortSignal.any([attempt, signal]))
        await this.#restoreMet(true)
        this.#late = undefined
        if (this.#restoring.state === 'cold') this.#restoring = { state: 'restored', ms: performance.now() - startedMs }
        return
      } catch {
        // It is away, or long.
        await Promise.race([aborted(attempt), aborted(signal)]).catch(() => undefined)
      }
    }
  }

  /** Leaders that were met here before have been another node's meanwhile. */
  async #restoreMet(isLate: boolean): Promise<void> {
    const { caches, kept } = this.#options
    const { table, tracker } = caches
    const isMet = ({ chain, pair }: { readonly chain: string; readonly pair: string }) =>
      (tracker.updatesOf(table.find(chain, pair)) ?? 0) > 0
    let leaders = 0
    for (const { name, edges } of kept.waiting.met(isMet)) {
      tracker.restore(table.find(name.chain, name.pair), edges(), isLate)
      // A hundred thousand take two seconds: others have their turns meanwhile.
      if (++leaders % LEADERS_A_TURN === 0) await nextTurn()
      if (this.#closing.signal.aborted) return
    }
  }

  /** An exception, which only a bug throws, must not reach the broker: the partitions are read all the same. */
  #show(show: Awaited<ReturnType<typeof rewind>> | undefined): void {
    try {
      show?.(this.#options.caches.tracker)
    } catch (error) {
      this.#options.log.error({ err: error }, 'updates before the partitions could not be shown to the tracker')
    }
  }

  /** Resolves to what shows the tracker the updates before the partitions; undefined if these could not be read. */
  async #rewind(
    consumer: Pick<Consumer, 'positions'>,
    partitions: readonly TopicPartition[],
  ): Promise<Awaited<ReturnType<typeof rewind>> | undefined> {
    const { broker, caches, config, clock, nodeId, log, formats } = this.#options
    const names = new Set(partitions.map(partitionName))
    const positions = consumer.positions().filter((each) => names.has(partitionName(each)))
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(REWIND_MS)])
    try {
      return await rewind(
        {
          ...{ broker, ...caches, windowMs: config.correlation.windowMs, nowMs: () => clock.now(), formats },
          groupId: `forewarm.${config.node.service}.rewind.${nodeId}`,
        },
        positions.map(({ topic, partition, position }) => ({ topic, partition, offset: position })),
        signal,
      )
    } catch (error) {
      if (!this.#closing.signal.aborted) log.warn({ err: error }, 'updates before the partitions were not read again')
      return undefined
    }
  }
}

/** Whether what is learned is written to Kafka. A replay has nothing of its own to keep. */
export function isKeeping(config: Config, clock: Clock): boolean {
  return config.node.roles.includes('correlate') && config.warming.enabled && !isVirtual(clock)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
