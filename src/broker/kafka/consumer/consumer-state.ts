import type { BrokerEvent, ConsumerHealth, ConsumerOptions } from '../../port.ts'
import { messageOf } from '../errors.ts'
import type { BatchInHand } from '../fetch/batch-in-hand.ts'

const FIRST_RETRY_MS = 50
/** A handler that failed is called again soon: what it waits for may be there any moment. */
const LONGEST_RETRY_MS = 1000
/** A broker that may be gone is asked less often. */
const LONGEST_RESTART_MS = 10_000
/** Without an answer of any broker for so long, Kafka is gone. */
const AWAY_AFTER_MS = 1_000
/** Somebody should look: it goes on trying all the same. */
const FAILED_AFTER_MS = 60_000

type Phase = 'stopped' | 'joining' | 'running' | 'failed'

/** What a consumer counts and tells of itself. */
export class ConsumerState {
  readonly options: ConsumerOptions
  epoch = 0
  restarts = 0
  #phase: Phase = 'stopped'
  readonly #random: () => number
  readonly #onEvent: (event: BrokerEvent) => void
  readonly #forbidden = new Set<string>()
  #answeredAtMs = performance.now()
  #isAway = false

  constructor(options: ConsumerOptions, context: { random: () => number; onEvent: (event: BrokerEvent) => void }) {
    this.options = options
    this.#random = context.random
    this.#onEvent = context.onEvent
  }

  get health(): ConsumerHealth['state'] {
    if (!this.#isAway || this.#phase === 'stopped' || this.#phase === 'failed') return this.#phase
    return performance.now() - this.#answeredAtMs > FAILED_AFTER_MS ? 'failed' : 'restarting'
  }

  set phase(phase: Phase) {
    this.#phase = phase
  }

  /** Partitions are about to be handed over. Returns the number of that assignment, counted from 1. */
  beginEpoch(partitions: number): number {
    this.epoch += 1
    const { epoch } = this
    this.emit({ type: 'rebalance', groupId: this.options.groupId, epoch, partitions })
    return epoch
  }

  answered(): void {
    this.#answeredAtMs = performance.now()
    if (!this.#isAway) return
    this.#isAway = false
    this.emit({ type: 'reconnected' })
  }

  /** Notes whether a topic may be read, and reports a change once. */
  access({ topic, partitions }: { readonly topic: string; readonly partitions: number }, isAllowed: boolean): void {
    const change = isAllowed ? 'back' : 'forbidden'
    if (isAllowed ? !this.#forbidden.delete(topic) : this.#forbidden.has(topic)) return
    if (!isAllowed) this.#forbidden.add(topic)
    this.emit({ type: 'topic', topic, change, partitions })
  }

  get isUnanswered(): boolean {
    return performance.now() - this.#answeredAtMs >= AWAY_AFTER_MS
  }

  /** A broker could not be asked. Told once where none of them can. */
  unanswered(error: unknown): void {
    if (this.#isAway || this.#phase === 'stopped' || !this.isUnanswered) return
    this.#isAway = true
    this.emit({ type: 'disconnected', reason: messageOf(error) })
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
    const { restarts: attempt } = this
    this.emit({ type: 'restart', groupId: this.options.groupId, attempt, delayMs, reason: messageOf(error) })
  }

  reportStuck(batch: BatchInHand): void {
    const { topic, partition } = batch
    const ms = Math.round(batch.idleMs(performance.now()))
    this.emit({ type: 'stuck', groupId: this.options.groupId, topic, partition, ms })
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

  /** Half of it at random: members that fail together should not come back together. */
  #backOffMs(failures: number, longestMs: number): number {
    const ms = Math.min(FIRST_RETRY_MS * 2 ** failures, longestMs)
    return Math.round(ms / 2 + (ms / 2) * this.#random())
  }
}
