import { assertReadable, assertWithin } from '../../consumer-options.ts'
import { settlesWithin } from '../../deadline.ts'
import { partitionName } from '../../partition-name.ts'
import {
  BrokerError,
  type Consumer,
  type ConsumerHealth,
  closed,
  type PartitionLag,
  type PartitionPosition,
  type TopicPartition,
} from '../../port.ts'
import type { ClientOptions } from '../client.ts'
import { toBrokerError } from '../errors.ts'
import { startsOf } from '../fetch/offsets.ts'
import type { Partition } from '../fetch/partition.ts'
import { Cluster } from '../wire/cluster.ts'
import { CODE } from '../wire/codes.ts'
import type { TopicMetadata } from '../wire/metadata.ts'
import type { ConsumerState } from './consumer-state.ts'
import { GroupRun } from './group-run.ts'
import { Holding } from './holding.ts'
import { Reading } from './reading.ts'
import type { ConsumerTiming } from './timing.ts'
import { TopicWatch } from './topic-watch.ts'
import { Topics } from './topics.ts'

const DRAIN_MS = 5000

/**
 * A consumer over connections of its own: the topics that it watches, the partitions that it reads, and who gives them
 * to it (its group, or itself). Started once and stopped once.
 */
export class KafkaConsumer implements Consumer {
  readonly #state: ConsumerState
  readonly #timing: ConsumerTiming
  readonly #cluster: Cluster
  readonly #topics: Topics
  readonly #watch: TopicWatch
  readonly #reading: Reading
  readonly #holding: Holding
  readonly #group: GroupRun | undefined
  readonly #stopping = new AbortController()
  #taking: Promise<void> | undefined
  #started: Promise<void> | undefined
  #hasStarted = false
  #stopped: Promise<void> | undefined
  isClosed = false

  constructor(client: ClientOptions, state: ConsumerState, timing: ConsumerTiming) {
    this.#state = state
    this.#timing = timing
    const cluster = new Cluster(client)
    this.#cluster = cluster
    this.#topics = new Topics(cluster)
    const { options } = state
    const names =
      options.mode === 'manual' ? [...new Set((options.ranges ?? []).map(({ topic }) => topic))] : options.topics
    this.#watch = new TopicWatch({
      cluster,
      topics: names,
      matches: options.matches,
      ageMs: timing.metadataAgeMs,
      onSeen: (topics) => this.#seen(topics),
      onFailed: (error) => state.unanswered(error),
    })
    this.#reading = new Reading({
      ...{ cluster, options, timing },
      emit: (event) => state.emit(event),
      reportFailure: (error, delayMs) => state.reportFailure(error, delayMs),
      retryMs: (failures) => state.retryMs(failures),
      heartbeat: () => this.#group?.beat() ?? Promise.resolve(),
      mayHandle: () => this.#group?.mayHandle ?? true,
      onMoved: () => this.#watch.lookSoon(),
      onFetchFailed: (error) => state.unanswered(error),
      onAnswered: () => state.answered(),
      isExplained: (partition) => state.isUnanswered || !this.#topics.has(partition),
      onAccess: (topic, isAllowed) => state.access({ topic, partitions: this.#topics.partitions(topic) }, isAllowed),
    })
    this.#holding = new Holding(this.#reading, state)
    const { signal: stopping } = this.#stopping
    const parts = {
      cluster,
      state,
      timing,
      stopping,
      reading: this.#reading,
      holding: this.#holding,
      topics: this.#topics,
      look: async () => this.#seen((await cluster.metadata(this.#watch.names)).topics),
    }
    this.#group = options.mode === 'group' ? new GroupRun(parts) : undefined
  }

  start(): Promise<void> {
    if (this.#stopped !== undefined) return Promise.reject(closed('the consumer was stopped: make a new one'))
    this.#started ??= this.#start()
    return this.#started
  }

  stop({ drainMs = DRAIN_MS }: { readonly drainMs?: number } = {}): Promise<void> {
    this.#stopped ??= this.#stop()
    const deadline = setTimeout(() => {
      for (const partition of this.#reading.all()) {
        if (partition.inHand !== undefined) this.#state.reportStuck(partition.inHand)
        partition.abandon()
      }
    }, drainMs)
    return this.#stopped.finally(() => clearTimeout(deadline))
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#reading.pause(partitions)
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#reading.resume(partitions)
  }

  lag(): readonly PartitionLag[] {
    return this.#reading.lag()
  }

  positions(): readonly PartitionPosition[] {
    return this.#reading.positions()
  }

  health(): ConsumerHealth {
    const { health: state, epoch, restarts } = this.#state
    const assigned = this.#reading.all().map(({ topic, partition }) => ({ topic, partition }))
    return { state, epoch, restarts, assigned, isHeard: this.#group?.mayHandle ?? true }
  }

  async #start(): Promise<void> {
    const state = this.#state
    state.phase = 'joining'
    try {
      assertReadable(state.options)
      for (const topic of await this.#watch.start()) {
        this.#topics.note(topic)
        if (topic.error === CODE.topicNotAuthorized) throw forbidden(topic.topic)
      }
      for (const range of state.options.ranges ?? [])
        if (this.#topics.count(range.topic) !== undefined) assertWithin(range, this.#topics.partitions(range.topic))
      await (this.#group?.start() ?? this.#take())
      if (this.#stopping.signal.aborted) throw closed('stopped before it had started')
      state.phase = 'running'
      this.#hasStarted = true
    } catch (error) {
      if (this.#stopping.signal.aborted) throw closed('stopped before it had started')
      state.phase = 'stopped'
      this.#started = undefined
      throw toBrokerError(error, `reading ${state.options.topics.join(', ')}`)
    }
  }

  /** Without a group: starts to read what is missing. */
  #take(): Promise<void> {
    this.#taking = this.#takeMissing().finally(() => {
      this.#taking = undefined
    })
    return this.#taking
  }

  /** All partitions of the topics, or the ranges. The ones that nobody tells a start of are left for another look. */
  async #takeMissing(): Promise<void> {
    const { start, ranges } = this.#state.options
    const topics = this.#topics
    const isFirst = this.#state.epoch === 0
    await this.#holding.give(this.#stale(), async () => true)
    const isNew = (partition: TopicPartition) => topics.isNew(partition)
    const missing = topics
      .led(ranges?.filter((range) => !isNew(range)) ?? topics.all())
      .filter((partition) => this.#reading.get(partition) === undefined)
    const known = new Map((ranges ?? []).map((range) => [partitionName(range), range.from]))
    const ends = new Map((ranges ?? []).map((range) => [partitionName(range), range.to]))
    const isFound = (partition: TopicPartition) => topics.isFound(partition)
    const starts = await startsOf(this.#cluster, missing, { start, known, isMoving: isFirst, isNew, isFound })
    if (starts.length < missing.length) this.#watch.lookSoon()
    if (starts.length === 0 && !isFirst) return
    const taken = starts.map((start) => ({
      ...start,
      topicId: topics.idOf(start.topic),
      committed: undefined,
      end: ends.get(partitionName(start)),
    }))
    await this.#holding.take(taken, this.#stopping.signal)
  }

  /** Partitions of topics that were made again. A range is not read on: its offsets belong to the deleted topic. */
  #stale(): Partition[] {
    if (this.#state.options.mode === 'manual') return []
    return this.#reading.all().filter((partition) => this.#topics.isStale(partition))
  }

  #seen(topics: readonly TopicMetadata[]): void {
    this.#state.answered()
    let hasMore = false
    for (const topic of topics) {
      const change = this.#topics.note(topic, true)
      if (change !== undefined)
        this.#state.emit({
          type: 'topic',
          topic: topic.topic,
          change,
          partitions: this.#topics.partitions(topic.topic),
        })
      if (change === 'found' || change === 'back' || change === 'made-again' || change === 'grown') hasMore = true
      if (topic.error === CODE.none) this.#reading.follow(topic)
      else this.#reading.lose(topic.topic)
    }
    if (this.#topics.isSomeAway || topics.some(isPassing)) this.#watch.lookSoon()
    if (this.#group !== undefined) {
      if (hasMore) this.#group.rejoin()
    } else if (this.#taking !== undefined) {
      // It may have begun before this look.
      this.#watch.lookSoon()
    } else if (this.#state.epoch > 0) {
      this.#take().catch((error: unknown) => {
        this.#state.unanswered(error)
        this.#watch.lookSoon()
      })
    }
  }

  async #stop(): Promise<void> {
    this.#stopping.abort()
    this.#watch.stop()
    const { closeTimeoutMs } = this.#timing
    // What the start waits for may never be answered.
    if (!this.#hasStarted) this.#cluster.close()
    await settlesWithin(this.#started?.catch(() => undefined) ?? Promise.resolve(), closeTimeoutMs)
    if (this.#group === undefined) await this.#holding.give(this.#reading.all(), async () => true)
    else await this.#group.stop()
    this.#reading.stop()
    this.#cluster.close()
    this.#state.phase = 'stopped'
    this.isClosed = true
  }
}

/** True while leaders are elected, or a broker cannot tell of the topic for another reason. */
function isPassing({ error, partitions }: TopicMetadata): boolean {
  return error !== CODE.none || partitions.some(({ leader }) => leader < 0)
}

function forbidden(topic: string): BrokerError {
  return new BrokerError('not-authorized', `topic ${topic}: the right to DESCRIBE and READ it is missing`, {
    retriable: false,
  })
}
