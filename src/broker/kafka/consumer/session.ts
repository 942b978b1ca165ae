import kafkajs, {
  type Cluster,
  type EachBatchPayload,
  type Consumer as KafkaJsConsumer,
  type Broker as KafkaNode,
} from 'kafkajs'
import { settlesWithin } from '../../deadline.ts'
import type { TopicPartition } from '../../port.ts'
import { CLIENT_RETRY, type KafkaClient } from '../client.ts'
import { whileFetching } from '../compression.ts'
import { toBrokerError } from '../errors.ts'
import { assertCopartitioned, copartitioned } from './assigner.ts'
import { Assignment } from './assignment.ts'
import type { Membership } from './membership.ts'

/** About 7 s with CLIENT_RETRY's steps, for joins, fetches and commits: a busy group needs several attempts to join. */
const CONSUMER_RETRIES = 9
/** KafkaJS says CRASH a moment after STOP, unless it fails in between. */
const CRASH_AFTER_STOP_MS = 2000

/**
 * The life of one KafkaJS consumer, from connecting until it crashes or is stopped. It is never started again: KafkaJS
 * restarts some crashes itself and leaves others lie (a TypeError, say), so the consumer above does it for all.
 *
 * A rebalance, step by step:
 * 1. A heartbeat tells that the group rebalances. The signal is aborted and the batch in hand is drained.
 * 2. KafkaJS asks for the group's coordinator in order to join again. It is kept waiting until what was done is
 *    committed and `onRevoked` has returned.
 * 3. It joins. The new assignment is positioned and handed over while nothing is fetched. Then batches come again.
 */
export class KafkaSession {
  /** Resolves with the reason when it ended by itself. */
  readonly ended: Promise<unknown>
  readonly #client: KafkaClient
  readonly #membership: Membership
  readonly #consumer: KafkaJsConsumer
  readonly #end = Promise.withResolvers<unknown>()
  readonly #firstOpened = Promise.withResolvers<void>()
  /** Resolves when KafkaJS was told to stop: batches that come before would be fetched in vain, again and again. */
  readonly #released = Promise.withResolvers<void>()
  #cluster: Cluster | undefined
  #assignment: Assignment | undefined
  #running: Promise<void> | undefined
  #coordinator: () => Promise<KafkaNode> = () => Promise.reject(new Error('not started'))
  #isLost = false
  #isStopping = false
  #timers: NodeJS.Timeout[] = []
  #stopped: Promise<void> | undefined

  constructor(client: KafkaClient, membership: Membership) {
    this.#client = client
    this.#membership = membership
    this.ended = this.#end.promise
    const { timing, groupId } = membership
    this.#consumer = client.kafka.consumer({
      groupId,
      partitionAssigners: [
        copartitioned((cluster) => {
          this.#cluster = cluster
        }),
      ],
      allowAutoTopicCreation: false,
      sessionTimeout: timing.sessionTimeoutMs,
      rebalanceTimeout: timing.rebalanceTimeoutMs,
      heartbeatInterval: timing.heartbeatIntervalMs,
      maxWaitTimeInMs: timing.maxWaitMs,
      maxBytes: timing.maxBytes,
      maxBytesPerPartition: timing.maxBytesPerPartition,
      retry: { ...CLIENT_RETRY, retries: CONSUMER_RETRIES, restartOnFailure: async () => false },
    })
  }

  get assignment(): Assignment | undefined {
    return this.#assignment
  }

  /** Resolves when the first assignment was handed over. Rejects with a BrokerError; it is to be stopped then, too. */
  async start(): Promise<void> {
    const { groupId, options, timing } = this.#membership
    try {
      await this.#consumer.connect()
      // An offset that is out of range is reset to the start of the log: too much is read rather than too little.
      await this.#consumer.subscribe({ topics: [...options.topics], fromBeginning: true })
      this.#membership.opensGroup = await this.#isOpening()
      this.#coordinator = this.#guardJoins(this.#clusterView())
      this.#listen()
      this.#running = whileFetching(
        () => this.#assignment?.skipUndecodable(),
        () =>
          this.#consumer.run({
            autoCommit: false,
            eachBatchAutoResolve: false,
            partitionsConsumedConcurrently: 1,
            eachBatch: (payload) => this.#onBatch(payload),
          }),
      ).catch((error: unknown) => this.#lose(error))
      this.#timers = [
        setInterval(() => this.#assignment?.beat(), timing.heartbeatIntervalMs),
        setInterval(() => void this.#assignment?.commit(), timing.commitIntervalMs),
      ]
      await Promise.race([this.#firstOpened.promise, this.ended.then((reason) => Promise.reject(reason))])
    } catch (error) {
      throw toBrokerError(error, `joining group ${groupId}`)
    }
  }

  /**
   * Drains, commits, leaves, disconnects. A batch in hand is waited for, at most `drainMs` if given; a second call
   * joins the first and may shorten its wait. Never rejects.
   */
  stop(drainMs?: number): Promise<void> {
    this.#stopped ??= this.#shutDown()
    if (drainMs === undefined) return this.#stopped
    const deadline = setTimeout(() => this.#assignment?.abandon(drainMs), drainMs)
    return this.#stopped.finally(() => clearTimeout(deadline))
  }

  #listen(): void {
    const { events } = this.#consumer
    this.#consumer.on(events.GROUP_JOIN, ({ payload }) => this.#onJoined(payload.memberAssignment))
    this.#consumer.on(events.CRASH, ({ payload }) => this.#lose(payload.error))
    this.#consumer.on(events.STOP, () => {
      if (this.#isStopping) return
      this.#assignment?.close()
      const silent = new Error('KafkaJS stopped its consumer and did not say why')
      setTimeout(() => this.#lose(silent), CRASH_AFTER_STOP_MS).unref()
    })
    this.#consumer.on(events.END_BATCH_PROCESS, ({ payload: { topic, partition, batchSize, lastOffset } }) => {
      if (batchSize === 0) this.#assignment?.passOver(topic, partition, BigInt(lastOffset) + 1n)
    })
  }

  /** Every way to a join, also those that no event announces, begins by asking for the coordinator. */
  #guardJoins(cluster: Cluster): () => Promise<KafkaNode> {
    const findGroupCoordinator = cluster.findGroupCoordinator.bind(cluster)
    cluster.findGroupCoordinator = async (group) => {
      await this.#beforeJoin()
      return findGroupCoordinator(group)
    }
    return () => findGroupCoordinator({ groupId: this.#membership.groupId })
  }

  async #beforeJoin(): Promise<void> {
    if (this.#isStopping) throw new kafkajs.KafkaJSNonRetriableError('the consumer is being stopped')
    const assignment = this.#assignment
    if (assignment === undefined) return
    this.#membership.state = 'joining'
    await assignment.end(true)
    if (this.#assignment === assignment) this.#assignment = undefined
  }

  #onJoined(memberAssignment: Readonly<Record<string, readonly number[]>>): void {
    if (this.#isStopping) return
    const { options } = this.#membership
    try {
      const cluster = this.#clusterView()
      const partitions = partitionsOf(memberAssignment)
      const numbers = (topic: string) => cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId)
      assertCopartitioned(partitions, new Map(options.topics.map((topic) => [topic, numbers(topic)])))
      this.#take(partitions, cluster)
    } catch (error) {
      this.#lose(error)
    }
  }

  #take(partitions: readonly TopicPartition[], cluster: Cluster): void {
    const membership = this.#membership
    const previous = this.#assignment
    const assignment = new Assignment(
      {
        consumer: this.#consumer,
        cluster,
        coordinator: this.#coordinator,
        membership,
        onFailed: (error) => this.#lose(error),
      },
      partitions,
    )
    this.#assignment = assignment
    void assignment.open(previous).then((isOpen) => {
      if (!isOpen || this.#assignment !== assignment) return
      membership.state = 'running'
      this.#firstOpened.resolve()
    })
  }

  async #onBatch(payload: EachBatchPayload): Promise<void> {
    if (this.#isStopping) await this.#released.promise
    else await this.#assignment?.handle(payload)
  }

  #lose(reason: unknown): void {
    this.#isLost = true
    this.#assignment?.close()
    this.#end.resolve(reason)
  }

  async #shutDown(): Promise<void> {
    this.#isStopping = true
    const { closeTimeoutMs } = this.#membership.timing
    const isAnswered = (await this.#assignment?.end(!this.#isLost)) ?? true
    this.#assignment = undefined
    // A broker that has not answered the commit will not answer this, either: the time is spent once.
    await settlesWithin(this.#leave(), isAnswered ? closeTimeoutMs : 0)
    for (const timer of this.#timers) clearInterval(timer)
    // Whatever KafkaJS still tries fails at once, and ends.
    this.#client.sockets.destroyAll()
    this.#end.resolve(undefined)
  }

  async #leave(): Promise<void> {
    // The first join may be under way: there is nobody to leave before it ended.
    await this.#running
    const stopped = this.#consumer.stop()
    this.#released.resolve()
    await stopped
    if (this.#membership.options.mode === 'broadcast' && !this.#isLost) await this.#deleteGroup()
    await this.#consumer.disconnect()
  }

  /** Best effort: without offsets Kafka forgets it by itself. */
  async #deleteGroup(): Promise<void> {
    const admin = this.#client.kafka.admin({ retry: { retries: 0 } })
    try {
      await admin.connect()
      await admin.deleteGroups([this.#membership.groupId])
    } catch {
      // Gone already, or it goes later.
    } finally {
      await admin.disconnect().catch(() => undefined)
    }
  }

  /** Only who finds the group empty may move it. */
  async #isOpening(): Promise<boolean> {
    const { options, epoch } = this.#membership
    const isMoving = options.start.at === 'offsets' || options.start.at === 'timestamp'
    if (!isMoving || options.mode === 'broadcast' || epoch > 0) return this.#membership.opensGroup
    const { state } = await this.#consumer.describeGroup()
    return state === 'Empty' || state === 'Dead'
  }

  #clusterView(): Cluster {
    if (this.#cluster === undefined) throw new Error('KafkaJS asked for no assigner')
    return this.#cluster
  }
}

function partitionsOf(memberAssignment: Readonly<Record<string, readonly number[]>>): TopicPartition[] {
  return Object.entries(memberAssignment).flatMap(([topic, partitions]) =>
    partitions.toSorted((a, b) => a - b).map((partition) => ({ topic, partition })),
  )
}
