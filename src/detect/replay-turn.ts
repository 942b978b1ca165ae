import type { VirtualClock } from '../clock.ts'

/**
 * The turn of one record in a replay, over all partitions of a node. The next record waits until the handlers of this one
 * have settled, so that they cannot read what comes later.
 */
export class ReplayTurn {
  readonly #clock: VirtualClock
  #taken: Promise<void> | undefined
  /** Infinity, or the record's own timestamp if an earlier record had a later one. */
  #recordAsOfMs = Number.POSITIVE_INFINITY
  /** The newest event time in the record in hand. */
  newestMs = Number.NEGATIVE_INFINITY

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  get isTaken(): boolean {
    return this.#taken !== undefined
  }

  /** Resolves when the record in hand is done. Another may have begun when the caller goes on. */
  async free(): Promise<void> {
    await this.#taken
  }

  /** Moves the clock to the record's timestamp. The turn must be free. */
  begin(timestampMs: number): void {
    if (this.isTaken) throw new Error('the handlers of another record have not settled')
    this.#clock.advanceTo(timestampMs)
    this.#recordAsOfMs = timestampMs < this.#clock.now() ? timestampMs : Number.POSITIVE_INFINITY
    this.newestMs = Number.NEGATIVE_INFINITY
  }

  /**
   * Prices of after this time are withheld from an update of the record in hand. The clock stands at the record's
   * newest update, so an update that is older than that one has its own time as its limit.
   */
  asOfMs(eventTimeMs: number): number {
    return eventTimeMs < this.newestMs ? Math.min(eventTimeMs, this.#recordAsOfMs) : this.#recordAsOfMs
  }

  /** Keeps the turn until the record's handlers have settled; settles as they do. */
  async take(handled: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#taken = promise
    try {
      await handled
    } finally {
      this.#taken = undefined
      resolve()
    }
  }
}
