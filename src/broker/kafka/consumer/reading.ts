import { partitionName } from '../../partition-name.ts'
import type { BrokerEvent, ConsumerOptions, PartitionPosition, TopicPartition } from '../../port.ts'
import { FetchLoop } from '../fetch/fetch-loop.ts'
import { clamp, offsetsAt, type Start } from '../fetch/offsets.ts'
import { Partition } from '../fetch/partition.ts'
import type { Cluster } from '../wire/cluster.ts'
import { EARLIEST, LATEST } from '../wire/list-offsets.ts'
import type { TopicMetadata } from '../wire/metadata.ts'
import type { ConsumerTiming } from './timing.ts'

export interface ReadingOptions {
  readonly cluster: Cluster
  readonly options: ConsumerOptions
  readonly timing: ConsumerTiming
  readonly emit: (event: BrokerEvent) => void
  readonly reportFailure: (error: unknown, delayMs: number) => void
  readonly retryMs: (failures: number) => number
  readonly heartbeat: () => Promise<void>
  readonly mayHandle: () => boolean
  /** Somebody else leads a partition, or its topic has changed: metadata is to be looked at. */
  readonly onMoved: () => void
  readonly onFetchFailed: (error: unknown) => void
  readonly onAnswered: () => void
  readonly isExplained: (partition: Partition) => boolean
  readonly onAccess: (topic: string, isAllowed: boolean) => void
}

/** A partition that is taken, and how far the group knows it to be read. */
export interface Taken extends Start {
  readonly topicId: string | undefined
  readonly committed: bigint | undefined
  /** As in AssignedPartition. */
  readonly isKept?: boolean
  readonly end?: bigint | undefined
}

/** The partitions that a consumer reads at the moment, whoever gave them to it. */
export class Reading {
  readonly #options: ReadingOptions
  readonly #loop: FetchLoop
  readonly #paused = new Set<string>()
  /** Taken, and not given up yet; fetched once `open` was called. */
  readonly #partitions = new Map<string, Partition>()

  constructor(options: ReadingOptions) {
    this.#options = options
    const { cluster, timing, emit, onMoved } = options
    this.#loop = new FetchLoop({
      cluster,
      maxWaitMs: timing.maxWaitMs,
      maxBytes: timing.maxBytes,
      maxBytesPerPartition: timing.maxBytesPerPartition,
      reusesMemory: options.options.reusesMemory ?? false,
      onMoved,
      onOutOfRange: (partition) => void this.#findPlace(partition),
      onEvent: emit,
      onAccess: options.onAccess,
      onFailed: options.onFetchFailed,
      onAnswered: options.onAnswered,
      isExplained: options.isExplained,
    })
  }

  all(): Partition[] {
    return [...this.#partitions.values()]
  }

  get(partition: TopicPartition): Partition | undefined {
    return this.#partitions.get(partitionName(partition))
  }

  positions(): PartitionPosition[] {
    return this.all().map(({ state }) => state)
  }

  lag(): (TopicPartition & { readonly records: bigint })[] {
    return this.all().map(({ topic, partition, position, stableEnd }) => ({
      ...{ topic, partition },
      records: stableEnd > position ? stableEnd - position : 0n,
    }))
  }

  /** Nothing of them is fetched before `open`. */
  take(starts: readonly Taken[]): Partition[] {
    return starts.map((start) => {
      const { options, retryMs, heartbeat, mayHandle, reportFailure } = this.#options
      const partition = new Partition(
        { ...start, highWatermark: start.stableEnd },
        {
          onBatch: options.onBatch,
          onRoom: () => this.#loop.wake(),
          onFailed: reportFailure,
          ...{ retryMs, heartbeat, mayHandle },
        },
      )
      const name = partitionName(partition)
      if (this.#paused.has(name)) partition.pause()
      if (start.jumpedFrom !== undefined) this.#tellJump(partition, start.jumpedFrom, start.position)
      this.#partitions.set(name, partition)
      return partition
    })
  }

  open(partitions: readonly Partition[]): void {
    for (const partition of partitions) if (!partition.isClosed) this.#loop.add(partition)
  }

  /** Hands out no more of them; resolves when no handler has any of it. */
  async drain(partitions: readonly Partition[]): Promise<void> {
    for (const partition of partitions) {
      partition.close()
      this.#loop.remove(partition)
    }
    await Promise.all(partitions.map(({ drained }) => drained))
  }

  forget(partitions: readonly Partition[]): void {
    for (const partition of partitions) {
      const name = partitionName(partition)
      if (this.#partitions.get(name) === partition) this.#partitions.delete(name)
    }
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      this.#paused.add(partitionName(partition))
      this.get(partition)?.pause()
    }
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      this.#paused.delete(partitionName(partition))
      this.get(partition)?.resume()
    }
  }

  /** Notes who leads the partitions now. Partitions of a deleted topic with the same name have no leader. */
  follow({ topic, id, partitions }: TopicMetadata): void {
    for (const { partition, leader } of partitions) {
      const known = this.get({ topic, partition })
      if (known !== undefined && known.topicId === id) known.leader = leader
    }
    this.#loop.wake()
  }

  /** The topic is not to be read at the moment. */
  lose(topic: string): void {
    for (const partition of this.#partitions.values()) if (partition.topic === topic) partition.lose()
  }

  stop(): void {
    this.#loop.stop()
  }

  async #findPlace(partition: Partition): Promise<void> {
    const { cluster, onFetchFailed } = this.#options
    try {
      const [lows, ends] = [
        await offsetsAt(cluster, [partition], { timestampMs: EARLIEST }),
        await offsetsAt(cluster, [partition], { timestampMs: LATEST }),
      ]
      const name = partitionName(partition)
      const [low = 0n, end = low] = [lows.get(name), ends.get(name)]
      if (partition.isClosed || !partition.isLost) return
      const { fetchOffset } = partition
      // A log that was cut is read on from where it ends, or from the same offset if it has that again by now. Without topic
      // ids, it may also be another log.
      const to = partition.topicId === undefined ? low : clamp(fetchOffset, low, end)
      if (to !== fetchOffset) this.#tellJump(partition, fetchOffset, to)
      partition.moveTo(to)
      this.#loop.wake()
    } catch (error) {
      onFetchFailed(error)
      partition.isLost = false
      partition.lose()
      this.#options.onMoved()
    }
  }

  #tellJump({ topic, partition }: TopicPartition, from: bigint, to: bigint): void {
    this.#options.emit({ type: 'offset-jump', topic, partition, from, to })
  }
}
