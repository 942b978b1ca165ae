import { setTimeout as delay } from 'node:timers/promises'
import type { Cluster, EachBatchPayload, Consumer as KafkaJsConsumer, Broker as KafkaNode } from 'kafkajs'
import { settlesWithin } from '../../deadline.ts'
import { partitionName } from '../../partition-name.ts'
import type { TopicPartition } from '../../port.ts'
import { isRebalance } from '../errors.ts'
import { KafkaBatch } from './batch.ts'
import { BatchInHand } from './batch-in-hand.ts'
import { advance, type Cursor, Cursors, jumpedTo } from './cursors.ts'
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
  readonly cursors = new Cursors()
  readonly #context: AssignmentContext
  readonly #abort = new AbortController()
  #isOpen = false
  #opened: Promise<boolean> | undefined
  #ended: Promise<boolean> | undefined
  #inHand: BatchInHand | undefined
  #heartbeat: () => Promise<void> = () => Promise.resolve()
  #committing: Promise<void> = Promise.resolve()
  #skipping: Promise<void> | undefined
  /** Undefined until the partitions are handed over. */
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
    const cursor = this.cursors.get(payload.batch.topic, payload.batch.partition)
    if (cursor === undefined || !this.#isOpen || this.#isHeld(cursor)) return
    this.#noticeJump(cursor, jumpedTo(cursor, payload.batch))
    const batch = new KafkaBatch(payload.batch)
    cursor.highWatermark = batch.highWatermark
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
    if (outcome.type === 'failed') this.#retryLater(cursor, outcome)
    else if (outcome.type === 'done' && outcome.records === 0) this.#retryLater(cursor, undefined)
    else if (outcome.type === 'done') payload.resolveOffset(advance(cursor, payload.batch, outcome.records))
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

  /** Commits positions that the group does not know yet. Never rejects. */
  commit(): Promise<void> {
    this.#committing = this.#committing.then(() => this.#commit())
    return this.#committing
  }

  /** Records of this partition were filtered out by KafkaJS (aborted, compacted, control): nobody sees them. */
  passOver(topic: string, partition: number, next: bigint): void {
    const cursor = this.cursors.get(topic, partition)
    if (cursor !== undefined && next > cursor.position) cursor.position = next
  }

  /** Some fetch met a batch that no codec reads: finds the partitions that stand in front of one and goes past it. */
  skipUndecodable(): void {
    if (!this.#isOpen) return
    this.#skipping ??= this.#skip().finally(() => {
      this.#skipping = undefined
    })
  }

  hold(partitions: readonly TopicPartition[]): void {
    this.#pause(partitions.filter(({ topic, partition }) => this.cursors.get(topic, partition) !== undefined))
  }

  release(partitions: readonly TopicPartition[]): void {
    if (!this.#isOpen) return
    const cursors = partitions.flatMap(({ topic, partition }) => this.cursors.get(topic, partition) ?? [])
    this.#resume(cursors.filter((cursor) => !this.#isHeld(cursor)))
  }

  /** Nothing more is handed out; the batch in hand hears of it. */
  close(): void {
    this.#isOpen = false
    this.#abort.abort()
    for (const timer of this.#retries) clearTimeout(timer)
    this.#retries.clear()
  }

  /** Closes, drains, commits if told to, calls `onRevoked`; only once. Resolves to whether Kafka answered. */
  end(commits: boolean): Promise<boolean> {
    this.close()
    this.#ended ??= this.#giveUp(commits)
    return this.#ended
  }

  /** The batch has used up its time (`ms`); later reports of it are ignored. */
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
    this.cursors.begin(starts, known)
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
      for (const cursor of this.cursors.all()) membership.positions.set(partitionName(cursor), cursor.position)
    }
    // Partitions that were taken away before `onAssigned` get no `onRevoked`.
    if (this.#epoch === undefined) return isAnswered
    try {
      await membership.options.onRevoked?.(this.partitions, this.#epoch)
    } catch (error) {
      membership.reportFailure(error, 0)
    }
    return isAnswered
  }

  #noticeJump(cursor: Cursor, to: bigint | undefined): void {
    if (to === undefined) return
    const { topic, partition, position: from } = cursor
    this.#context.membership.emit({ type: 'offset-jump', topic, partition, from, to })
    cursor.position = to
  }

  #retryLater(cursor: Cursor, failed: { readonly error: unknown } | undefined): void {
    const { membership } = this.#context
    if (failed === undefined && this.#abort.signal.aborted) return
    const delayMs = membership.retryMs(cursor.failures)
    if (failed !== undefined) membership.reportFailure(failed.error, delayMs)
    if (this.#abort.signal.aborted) return
    cursor.failures += 1
    cursor.isBackingOff = true
    this.#pause([cursor])
    const timer = setTimeout(() => {
      this.#retries.delete(timer)
      cursor.isBackingOff = false
      this.release([cursor])
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
    const offsets = this.cursors.uncommitted()
    if (membership.options.mode === 'broadcast' || offsets.length === 0) return
    try {
      await consumer.commitOffsets(
        offsets.map(({ offset, ...partition }) => ({ ...partition, offset: String(offset) })),
      )
      this.cursors.markCommitted(offsets)
    } catch (error) {
      // Taken away already: whoever has the partitions now reads on from the last commit.
      if (isRebalance(error)) this.close()
      else onFailed(error)
    }
  }

  async #skip(): Promise<void> {
    const { consumer, cluster, membership } = this.#context
    for (const cursor of this.cursors.all()) {
      if (!this.#isOpen || this.#isHeld(cursor)) continue
      const { topic, partition, position } = cursor
      const batch = await undecodableAt(cluster, cursor).catch(() => undefined)
      if (batch === undefined || !this.#isOpen || cursor.position !== position) continue
      cursor.position = batch.to + 1n
      consumer.seek({ topic, partition, offset: String(cursor.position) })
      membership.emit({ type: 'undecodable', topic, partition, from: position, to: batch.to, reason: batch.reason })
    }
  }

  #isHeld(cursor: Cursor): boolean {
    return cursor.isBackingOff || this.#context.membership.isPaused(cursor)
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
