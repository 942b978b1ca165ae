import { assertReadable, assertWithin } from '../consumer-options.ts'
import { partitionName } from '../partition-name.ts'
import type { ConsumerOptions, PartitionLag, PartitionPosition, TopicPartition } from '../port.ts'
import { type BrokerEvent, type Consumer, type ConsumerHealth, closed } from '../port.ts'
import { Assignment } from './assignment.ts'
import type { MemoryCluster } from './cluster.ts'
import type { AssignedPartition, GroupMember } from './group.ts'
import type { PartitionLog } from './log.ts'
import type { ReaderOwner } from './partition-reader.ts'

const DRAIN_MS = 5000

/** A stopped consumer cannot be started again. */
export class MemoryConsumer implements Consumer, GroupMember {
  readonly options: ConsumerOptions
  readonly #cluster: MemoryCluster
  readonly #owner: ReaderOwner
  readonly #paused = new Set<string>()
  readonly #firstAssignment = Promise.withResolvers<void>()
  #leaveGroup: () => void = () => undefined
  #state: ConsumerHealth['state'] = 'stopped'
  #epoch = 0
  #restarts = 0
  #assignment: Assignment | undefined
  #started: Promise<void> | undefined
  #stopped: Promise<void> | undefined

  constructor(cluster: MemoryCluster, options: ConsumerOptions) {
    this.#cluster = cluster
    this.options = options
    this.#owner = {
      groupId: options.groupId,
      maxBatchRecords: cluster.options.maxBatchRecords,
      onBatch: options.onBatch,
      onEvent: (event) => this.#emit(event),
      onFailure: (error, delayMs) => this.#reportFailure(error, delayMs),
      isHeld: (partition) => !cluster.isReachable || this.#paused.has(partitionName(partition)),
    }
  }

  get isClosed(): boolean {
    return this.#stopped !== undefined && this.#state === 'stopped'
  }

  /** Rejects with `closed`, or with `unreachable` or `unknown-topic`, after which it may be called again. */
  async start(): Promise<void> {
    if (this.#stopped !== undefined) throw closed('the consumer was stopped: make a new one')
    this.#cluster.assertUsable()
    assertReadable(this.options)
    for (const range of this.options.ranges ?? [])
      assertWithin(range, this.#cluster.topics.get(range.topic).partitions.length)
    for (const topic of this.options.topics) this.#cluster.topics.get(topic)
    this.#started ??= this.#join()
    await this.#started
  }

  stop(options?: { readonly drainMs?: number }): Promise<void> {
    this.#stopped ??= this.#leave(options?.drainMs ?? DRAIN_MS)
    return this.#stopped
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#paused.add(partitionName(partition))
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#paused.delete(partitionName(partition))
    this.#assignment?.wake()
  }

  lag(): readonly PartitionLag[] {
    return this.#assignment?.readers.map((reader) => reader.lag()) ?? []
  }

  positions(): readonly PartitionPosition[] {
    return this.#assignment?.readers.map((reader) => reader.position()) ?? []
  }

  health(): ConsumerHealth {
    const away = this.#state !== 'stopped' && !this.#cluster.isReachable
    return {
      state: away ? 'restarting' : this.#state,
      epoch: this.#epoch,
      restarts: this.#restarts,
      assigned: this.#assignment?.partitions ?? [],
      isHeard: this.options.mode !== 'group' || (this.#assignment !== undefined && this.#cluster.isReachable),
    }
  }

  topics(): readonly string[] {
    const { topics, matches } = this.options
    if (matches === undefined) return topics
    return [...new Set([...topics, ...this.#cluster.topics.names().filter((topic) => matches(topic))])]
  }

  found(topic: string): void {
    if (this.options.matches?.(topic) !== true) return
    const partitions = this.#cluster.topics.get(topic).partitions.length
    this.#emit({ type: 'topic', topic, change: 'found', partitions })
  }

  assign(partitions: readonly AssignedPartition[]): void {
    // It is about to leave the group, which rebalances again.
    if (this.#stopped !== undefined) return
    this.#epoch += 1
    const assignment = new Assignment({ epoch: this.#epoch, partitions, owner: this.#owner, callbacks: this.options })
    this.#assignment = assignment
    this.#state = 'running'
    const { groupId } = this.options
    this.#emit({ type: 'rebalance', groupId, epoch: this.#epoch, partitions: partitions.length })
    void assignment.begin().then(() => {
      if (this.#assignment === assignment) this.#firstAssignment.resolve()
    })
  }

  async revoke(): Promise<void> {
    await this.#giveUp(this.#cluster.options.rebalanceTimeoutMs)
    if (this.#state === 'running') this.#state = 'joining'
  }

  async #join(): Promise<void> {
    const { mode, groupId } = this.options
    this.#state = 'joining'
    const ignoreConnection = this.#cluster.onConnection((reachable) => this.#onConnection(reachable))
    const leave = mode === 'manual' ? this.#takeRanges() : this.#cluster.join(mode, groupId, this)
    this.#leaveGroup = () => {
      ignoreConnection()
      leave()
    }
    await this.#firstAssignment.promise
  }

  /** Without a group: nobody else shares in the partitions. */
  #takeRanges(): () => void {
    this.assign(
      (this.options.ranges ?? []).map(({ topic, partition, from, to }) => ({
        ...{ topic, partition, position: Number(from), commit: () => undefined },
        log: this.#cluster.topics.get(topic).partitions[partition] as PartitionLog,
        end: to === undefined ? undefined : Number(to),
      })),
    )
    return () => undefined
  }

  async #leave(drainMs: number): Promise<void> {
    await this.#giveUp(drainMs)
    this.#leaveGroup()
    this.#state = 'stopped'
    if (this.#started !== undefined) this.#firstAssignment.reject(closed('stopped before the group was joined'))
  }

  /** The assignment stays visible while it drains, because its partitions are still ours. */
  async #giveUp(drainMs: number): Promise<void> {
    const assignment = this.#assignment
    await assignment?.end(drainMs)
    if (this.#assignment === assignment) this.#assignment = undefined
  }

  #onConnection(reachable: boolean): void {
    this.#emit(reachable ? { type: 'reconnected' } : { type: 'disconnected', reason: `${this.#cluster.id} is away` })
    if (reachable) this.#assignment?.wake()
  }

  #reportFailure(error: unknown, delayMs: number): void {
    this.#restarts += 1
    const reason = error instanceof Error ? error.message : String(error)
    this.#emit({ type: 'restart', groupId: this.options.groupId, attempt: this.#restarts, delayMs, reason })
  }

  #emit(event: BrokerEvent): void {
    try {
      this.options.onEvent?.(event)
    } catch {
      // A callback that throws must not stop the stream.
    }
  }
}
