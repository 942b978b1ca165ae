import { partitionName } from '../../partition-name.ts'
import type { BrokerEvent, ConsumerHealth, ConsumerOptions, TopicPartition } from '../../port.ts'
import { messageOf } from '../errors.ts'

/** All in milliseconds, but for the bytes. */
export interface ConsumerTiming {
  /** How long a fetch waits for records; also governs pause, resume and stop. */
  readonly maxWaitMs: number
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly commitIntervalMs: number
  /** A batch without progress for longer is stuck: its membership is no longer kept alive. */
  readonly stuckAfterMs: number
  /** For the farewell to a broker that may be gone. */
  readonly closeTimeoutMs: number
  readonly maxBytes: number
  readonly maxBytesPerPartition: number
}

const FIRST_RETRY_MS = 50
/** A handler is called again soon: what it waits for may be there any moment. */
const LONGEST_RETRY_MS = 1000
/** The longest delay before another connection to a broker that may be gone. */
const LONGEST_RESTART_MS = 10_000

/** What a consumer is and remembers, whichever KafkaJS consumer stands behind it at the moment. */
export class Membership {
  readonly options: ConsumerOptions
  readonly timing: ConsumerTiming
  /** The group, or the throw-away one. */
  readonly groupId: string
  readonly paused = new Set<string>()
  /** The offsets that a broadcast consumer has reached. Its group does not know them. */
  readonly positions = new Map<string, bigint>()
  state: ConsumerHealth['state'] = 'stopped'
  /** The group had no members when this one came: its start wins over what is committed, until it is positioned. */
  opensGroup = false
  epoch = 0
  restarts = 0
  readonly #random: () => number
  readonly #onEvent: (event: BrokerEvent) => void

  constructor(
    options: ConsumerOptions,
    context: { timing: ConsumerTiming; random: () => number; onEvent: (event: BrokerEvent) => void },
  ) {
    this.options = options
    this.timing = context.timing
    this.#random = context.random
    this.#onEvent = context.onEvent
    this.groupId = options.mode === 'group' ? options.groupId : `${options.groupId}.${suffix(context.random)}`
  }

  /** Partitions are about to be handed over. Returns the number of that assignment, counted from 1. */
  beginEpoch(partitions: number): number {
    this.epoch += 1
    const { groupId, epoch } = this
    this.emit({ type: 'rebalance', groupId, epoch, partitions })
    return epoch
  }

  isPaused(partition: TopicPartition): boolean {
    return this.paused.has(partitionName(partition))
  }

  /** Before a handler is called again, after `failures` failures in a row before this one. */
  retryMs(failures: number): number {
    return this.#backOffMs(failures, LONGEST_RETRY_MS)
  }

  /** Before the next attempt to join, after `failures` failed ones in a row. */
  restartMs(failures: number): number {
    return this.#backOffMs(failures, LONGEST_RESTART_MS)
  }

  reportFailure(error: unknown, delayMs: number): void {
    this.restarts += 1
    const { groupId, restarts: attempt } = this
    this.emit({ type: 'restart', groupId, attempt, delayMs, reason: messageOf(error) })
  }

  /** Half of it at random: members that fail together should not come back together. */
  #backOffMs(failures: number, longestMs: number): number {
    const ms = Math.min(FIRST_RETRY_MS * 2 ** failures, longestMs)
    return Math.round(ms / 2 + (ms / 2) * this.#random())
  }

  emit(event: BrokerEvent): void {
    for (const tell of [this.options.onEvent, this.#onEvent]) {
      try {
        tell?.(event)
      } catch {
        // An observer that throws must not stop the stream that it observes.
      }
    }
  }
}

function suffix(random: () => number): string {
  return Math.floor(random() * 2 ** 48)
    .toString(36)
    .padStart(10, '0')
}
