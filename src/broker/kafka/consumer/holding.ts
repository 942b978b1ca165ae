import { setTimeout as delay } from 'node:timers/promises'
import type { TopicPartition } from '../../port.ts'
import type { Partition } from '../fetch/partition.ts'
import type { ConsumerState } from './consumer-state.ts'
import type { Reading, Taken } from './reading.ts'

/** Takes partitions and gives them up, and tells whoever handles their records, in that order. */
export class Holding {
  readonly #reading: Reading
  readonly #state: ConsumerState
  /** With which assignment a partition came. */
  readonly #epochs = new Map<Partition, number>()

  constructor(reading: Reading, state: ConsumerState) {
    this.#reading = reading
    this.#state = state
  }

  /** Reads them once `onAssigned` has returned; it is called again while it fails, until the signal is aborted. */
  async take(starts: readonly Taken[], signal: AbortSignal): Promise<void> {
    const { options } = this.#state
    const partitions = this.#reading.take(starts)
    const epoch = this.#state.beginEpoch(this.#reading.all().length)
    for (const partition of partitions) this.#epochs.set(partition, epoch)
    const assigned = starts.map((start) => ({ ...nameOnly(start), isKept: start.isKept ?? true }))
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        await options.onAssigned?.(assigned, epoch)
        break
      } catch (error) {
        const delayMs = this.#state.retryMs(failures)
        this.#state.reportFailure(error, delayMs)
        await delay(delayMs, undefined, { signal }).catch(() => undefined)
      }
    }
    if (!signal.aborted) this.#reading.open(partitions)
  }

  /**
   * Drains, commits, tells `onRevoked`. False, and they are still held, drained, where the commit says so: whoever got them
   * now would handle records again. Never rejects.
   */
  async give(partitions: readonly Partition[], commit: () => Promise<boolean>, areLost = false): Promise<boolean> {
    await this.#reading.drain(partitions)
    if (!(await commit())) return false
    const byEpoch = Map.groupBy(partitions, (partition) => this.#epochs.get(partition))
    // Before anything is awaited: a stop may give up the same partitions meanwhile.
    for (const partition of partitions) this.#epochs.delete(partition)
    for (const [epoch, given] of byEpoch) {
      if (epoch === undefined) continue
      try {
        await this.#state.options.onRevoked?.(given.map(nameOnly), epoch, areLost)
      } catch (error) {
        this.#state.reportFailure(error, 0)
      }
    }
    this.#reading.forget(partitions)
    return true
  }
}

function nameOnly({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}
