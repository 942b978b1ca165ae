import type { BrokerEvent } from '../../port.ts'
import type { Partition } from './partition.ts'

export interface FailingOptions {
  /** Something else has been told that explains the failure. */
  readonly isExplained: (partition: Partition) => boolean
  readonly onEvent: (event: BrokerEvent) => void
  readonly maxWaitMs: number
  readonly later: (ms: number, run: () => void) => void
}

export interface Failing {
  reason: string
  isTold: boolean
  /** It was asked of a leader that an answer named: stale brokers may name each other, so metadata is waited for. */
  hasFollowed: boolean
}

/** So long, and for one more fetch, a partition is not fetched because of errors before that is told. */
const FAILING_AFTER_MS = 1_000

/** Partitions whose last fetch failed. One that goes on failing is told, and told again when it is back. */
export class FailingPartitions {
  readonly #options: FailingOptions
  readonly #failing = new Map<Partition, Failing>()

  constructor(options: FailingOptions) {
    this.#options = options
  }

  get(partition: Partition): Failing | undefined {
    return this.#failing.get(partition)
  }

  forget(partition: Partition): void {
    this.#failing.delete(partition)
  }

  note(partition: Partition, reason: string): Failing {
    const known = this.#failing.get(partition)
    const failing = known ?? { reason, isTold: false, hasFollowed: false }
    failing.reason = reason
    if (known !== undefined || partition.isClosed) return failing
    this.#failing.set(partition, failing)
    this.#tellLater(partition, failing)
    return failing
  }

  /** It was fetched. */
  clear(partition: Partition): void {
    const failing = this.#failing.get(partition)
    if (failing === undefined) return
    this.#failing.delete(partition)
    if (failing.isTold) this.#tell(partition, 'back', failing.reason)
  }

  #tellLater(partition: Partition, failing: Failing): void {
    const { later, maxWaitMs, isExplained } = this.#options
    later(FAILING_AFTER_MS + maxWaitMs, () => {
      if (this.#failing.get(partition) !== failing) return
      if (partition.isPaused) this.#failing.delete(partition)
      else if (isExplained(partition)) this.#tellLater(partition, failing)
      else {
        failing.isTold = true
        this.#tell(partition, 'failing', failing.reason)
      }
    })
  }

  #tell({ topic, partition }: Partition, change: 'failing' | 'back', reason: string): void {
    this.#options.onEvent({ type: 'partition', topic, partition, change, reason })
  }
}
