import { setTimeout as delay } from 'node:timers/promises'
import type { Cluster, EachBatchPayload, Consumer as KafkaJsConsumer, Broker as KafkaNode } from 'kafkajs'
import { settlesWithin } from '../../deadline.ts'
import { partitionName } from '../../partition-name.ts'
import type { TopicPartition } from '../../port.ts'
import { isRebalance } from '../errors.ts'
import { KafkaBatch } from './batch.ts'
import { BatchInHand } from './batch-in-hand.ts'
import { advance, jumpedTo, type Lane, Lanes } from './lanes.ts'
import type { Membership } from './membership.ts'
import { fetchCommitted, listedByTopic, resolveStarts } from './start.ts'
import { undecodableAt } from './undecodable.ts'

export interface AssignmentContext {
  readonly consumer: KafkaJsConsumer
  readonly cluster: Cluster
  readonly coordinator: () => Promise<KafkaNode>
  readonly membership: Membership
  /** The session cannot go on; told instead of throwing, since KafkaJS is who calls. */
  readonly onFailed: (error: unknown) => void
}

/**
 * What a member holds from one join of the group to the next: opened (positions, `onAssigned`), handled a batch at a
 * time, and ended (drained, committed, `onRevoked`) before the group is joined again.
 */
export class Assignment {
  readonly partitions: readonly TopicPartition[]
  readonly lanes = new Lanes()
  readonly #context: AssignmentContext
  readonly #abort = new AbortController()
  #isOpen = false
  #opened: Promise<boolean> | undefined
  #ended: Promise<boolean> | undefined
  #inHand: BatchInHand | undefined
  #heartbeat: () => Promise<void> = () => Promise.resolve()
  #committing: Promise<void> = Promise.resolve()
  #skipping: Promise<void> | undefined
  /** Of those that were handed over; undefined before. */
  #epoch: number | undefined
  readonly #retries = new Set<NodeJS.Timeout>()
  readonly #abandoned = Promise.withResolvers<void>()

  constructor(context: AssignmentContext, partitions: readonly TopicPartition[]) {
    this.#context = context
    this.partitions = partitions
  }

  /**
   * Resolves to true when batches are handed out, to false when the partitions were taken away before. KafkaJS fetches
   * nothing meanwhile, and heartbeats by itself. Never rejects.
   */
  open(previous: Assignment | undefined): Promise<boolean> {
    this.#pause(this.partitions)
    this.#opened ??= this.#begin(previous).catch((error: unknown) => {
      this.#context.onFailed(error)
      return false
    })
    return this.#opened
  }

  /** Hands a batch to the handler, unless it is not, or no longer, ours to hand out. Never rejects. */
  async handle(payload: EachBatchPayload): Promise<void> {
    const lane = this.lanes.get(payload.batch.topic, payload.batch.partition)
    if (lane === undefined || !this.#isOpen || this.#isHeld(lane)) return
    this.#noticeJump(lane, jumpedTo(lane, payload.batch))
    const batch = new KafkaBatch(payload.batch)
    lane.highWatermark = batch.highWatermark
    const inHand = new BatchInHand(batch, performance.now())
    this.#inHand = inHand
    this.#heartbeat = payload.heartbeat
    const outcome = await inHand.run(this.#context.membership.options.onBatch, batch, {
      signal: this.#abort.signal,
      heartbeat: () => {
        inHand.progress(performance.now())
        return this.#beat()
      },
    })
    if (outcome.type === 'failed') this.#retryLater(lane, outcome)
    else if (outcome.type === 'done' && outcome.records === 0) this.#retryLater(lane, undefined)
    else if (outcome.type === 'done') payload.resolveOffset(advance(lane, payload.batch, outcome.records))
    this.#inHand = undefined
    inHand.finish()
  }

  /** Keeps the membership alive while a handler makes progress; a stuck one loses its partitions to others. */
  beat(): void {
    const inHand = this.#inHand
    if (inHand === undefined) return
    const ms = inHand.idleMs(performance.now())
    if (ms <= this.#context.membership.timing.stuckAfterMs) void this.#beat()
    else if (!inHand.isReportedStuck) this.#reportStuck(inHand, ms)
  }

  /** Tells the group where we are, where it does not know. Never rejects. */
  commit(): Promise<void> {
    this.#committing = this.#committing.then(() => this.#commit())
    return this.#committing
  }

  /** Records of this partition were filtered out by KafkaJS (aborted, compacted, control): nobody sees them. */
  passOver(topic: string, partition: number, next: bigint): void {
    const lane = this.lanes.get(topic, partition)
    if (lane !== undefined && next > lane.position) lane.position = next
  }

  /** Some fetch met a batch that no codec reads: finds the partitions that stand in front of one and goes past it. */
  skipUndecodable(): void {
    if (!this.#isOpen) return
    this.#skipping ??= this.#skip().finally(() => {
      this.#skipping = undefined
    })
  }

  hold(partitions: readonly TopicPartition[]): void {
    this.#pause(partitions.filter(({ topic, partition }) => this.lanes.get(topic, partition) !== undefined))
  }

  release(partitions: readonly TopicPartition[]): void {
    if (!this.#isOpen) return
    const lanes = partitions.flatMap(({ topic, partition }) => this.lanes.get(topic, partition) ?? [])
    this.#resume(lanes.filter((lane) => !this.#isHeld(lane)))
  }

  /** Nothing more is handed out; the batch in hand hears of it. */
  close(): void {
    this.#isOpen = false
    this.#abort.abort()
    for (const timer of this.#retries) clearTimeout(timer)
    this.#retries.clear()
  }

  /** Closes, drains, commits unless the connection is lost, tells `onRevoked`; whether Kafka answered. Twice is once. Never rejects. */
  end(commits: boolean): Promise<boolean> {
    this.close()
    this.#ended ??= this.#giveUp(commits)
    return this.#ended
  }

  /** What is in hand has had its time (`ms`): whatever it reports from now on is discarded. */
  abandon(ms: number): void {
    this.#abandoned.resolve()
    const inHand = this.#inHand
    if (inHand === undefined) return
    if (!inHand.isReportedStuck) this.#reportStuck(inHand, ms)
    inHand.abandon()
  }

  async #begin(previous: Assignment | undefined): Promise<boolean> {
    // KafkaJS may join twice without leaving in between; the commit would carry the new generation.
    await previous?.end(false)
    await this.#position()
    await this.#handOver()
    if (this.#abort.signal.aborted) return false
    this.#isOpen = true
    this.release(this.partitions)
    return true
  }

  async #position(): Promise<void> {
    const { partitions } = this
    if (partitions.length === 0) return
    const { consumer, cluster, coordinator, membership } = this.#context
    const { mode, start } = membership.options
    const isGroup = mode === 'group'
    const known = isGroup
      ? await fetchCommitted(await coordinator(), membership.groupId, partitions)
      : membership.positions
    const { opensGroup } = membership
    const onEvent = membership.emit.bind(membership)
    const starts = await resolveStarts({ cluster, partitions, start, opensGroup, known, onEvent })
    if (this.#abort.signal.aborted) return
    this.lanes.begin(starts, known)
    for (const { topic, partition, offset } of starts) consumer.seek({ topic, partition, offset: String(offset) })
    // Or "latest" would be a later one after a restart.
    await this.commit()
    if (!this.#abort.signal.aborted) membership.opensGroup = false
  }

  async #handOver(): Promise<void> {
    if (this.#abort.signal.aborted) return
    const { membership } = this.#context
    const epoch = membership.beginEpoch(this.partitions.length)
    this.#epoch = epoch
    for (let failures = 0; !this.#abort.signal.aborted; failures++) {
      try {
        await membership.options.onAssigned?.(this.partitions, epoch)
        return
      } catch (error) {
        const delayMs = membership.retryMs(failures)
        membership.reportFailure(error, delayMs)
        await delay(delayMs, undefined, { signal: this.#abort.signal }).catch(() => undefined)
      }
    }
  }

  async #giveUp(commits: boolean): Promise<boolean> {
    const { membership } = this.#context
    await Promise.race([this.#opened, this.#abandoned.promise])
    await this.#inHand?.finished
    await this.#skipping
    const isAnswered = await settlesWithin(commits ? this.commit() : this.#committing, membership.timing.closeTimeoutMs)
    if (membership.options.mode === 'broadcast') {
      for (const lane of this.lanes.all()) membership.positions.set(partitionName(lane), lane.position)
    }
    // What was taken away before anybody was told of it is not given up, either.
    if (this.#epoch === undefined) return isAnswered
    try {
      await membership.options.onRevoked?.(this.partitions, this.#epoch)
    } catch (error) {
      membership.reportFailure(error, 0)
    }
    return isAnswered
  }

  #noticeJump(lane: Lane, to: bigint | undefined): void {
    if (to === undefined) return
    const { topic, partition, position: from } = lane
    this.#context.membership.emit({ type: 'offset-jump', topic, partition, from, to })
    lane.position = to
  }

  #retryLater(lane: Lane, failed: { readonly error: unknown } | undefined): void {
    const { membership } = this.#context
    if (failed === undefined && this.#abort.signal.aborted) return
    const delayMs = membership.retryMs(lane.failures)
    if (failed !== undefined) membership.reportFailure(failed.error, delayMs)
    if (this.#abort.signal.aborted) return
    lane.failures += 1
    lane.isBackingOff = true
    this.#pause([lane])
    const timer = setTimeout(() => {
      this.#retries.delete(timer)
      lane.isBackingOff = false
      this.release([lane])
    }, delayMs)
    this.#retries.add(timer)
  }

  async #beat(): Promise<void> {
    try {
      await this.#heartbeat()
    } catch (error) {
      // KafkaJS meets the same error at its own next heartbeat, and joins again; this is only earlier.
      if (isRebalance(error)) this.close()
    }
  }

  #reportStuck({ topic, partition }: BatchInHand, ms: number): void {
    const { groupId } = this.#context.membership
    this.#context.membership.emit({ type: 'stuck', groupId, topic, partition, ms: Math.round(ms) })
    const inHand = this.#inHand
    if (inHand !== undefined) inHand.isReportedStuck = true
  }

  async #commit(): Promise<void> {
    const { consumer, membership, onFailed } = this.#context
    const offsets = this.lanes.uncommitted()
    if (membership.options.mode === 'broadcast' || offsets.length === 0) return
    try {
      await consumer.commitOffsets(
        offsets.map(({ offset, ...partition }) => ({ ...partition, offset: String(offset) })),
      )
      this.lanes.markCommitted(offsets)
    } catch (error) {
      // Taken away already: whoever has the partitions now reads on from the last commit.
      if (isRebalance(error)) this.close()
      else onFailed(error)
    }
  }

  async #skip(): Promise<void> {
    const { consumer, cluster, membership } = this.#context
    for (const lane of this.lanes.all()) {
      if (!this.#isOpen || this.#isHeld(lane)) continue
      const { topic, partition, position } = lane
      const batch = await undecodableAt(cluster, lane).catch(() => undefined)
      if (batch === undefined || !this.#isOpen || lane.position !== position) continue
      lane.position = batch.to + 1n
      consumer.seek({ topic, partition, offset: String(lane.position) })
      membership.emit({ type: 'undecodable', topic, partition, from: position, to: batch.to, reason: batch.reason })
    }
  }

  #isHeld(lane: Lane): boolean {
    return lane.isBackingOff || this.#context.membership.isPaused(lane)
  }

  #pause(partitions: readonly TopicPartition[]): void {
    // Afterwards KafkaJS may have no group to pause in.
    if (partitions.length === 0 || this.#abort.signal.aborted) return
    this.#context.consumer.pause(listedByTopic(partitions))
  }

  #resume(partitions: readonly TopicPartition[]): void {
    if (partitions.length === 0) return
    this.#context.consumer.resume(listedByTopic(partitions))
  }
}
