/**
 * Who may send to a partition next: calls that share a partition run one after the other, in the order in which they
 * came; the others run at once.
 */
export class PartitionTurns {
  /** The last call of each partition; an entry goes with its call. */
  readonly #last = new Map<string, Map<number, Promise<void>>>()
  #pending = 0
  #idle: PromiseWithResolvers<void> | undefined

  /** Calls that run or wait. */
  get pending(): number {
    return this.#pending
  }

  /** Runs `send` when it is its turn; settles as it does. A call that failed does not fail those behind it. */
  async take(topic: string, partitions: ReadonlySet<number>, send: () => Promise<void>): Promise<void> {
    const lasts = this.#lastsOf(topic)
    const before = new Set<Promise<void>>()
    const turn = Promise.withResolvers<void>()
    // The place is taken before anything is awaited: the order of the calls is the order of the records.
    for (const partition of partitions) {
      const last = lasts.get(partition)
      if (last !== undefined) before.add(last)
      lasts.set(partition, turn.promise)
    }
    this.#pending += 1
    try {
      if (before.size > 0) await Promise.all(before)
      await send()
    } finally {
      for (const partition of partitions) {
        if (lasts.get(partition) === turn.promise) lasts.delete(partition)
      }
      this.#pending -= 1
      turn.resolve()
      if (this.#pending === 0) {
        this.#idle?.resolve()
        this.#idle = undefined
      }
    }
  }

  /** Resolves when nothing runs or waits. */
  idle(): Promise<void> {
    if (this.#pending === 0) return Promise.resolve()
    this.#idle ??= Promise.withResolvers<void>()
    return this.#idle.promise
  }

  #lastsOf(topic: string): Map<number, Promise<void>> {
    let lasts = this.#last.get(topic)
    if (lasts === undefined) {
      lasts = new Map()
      this.#last.set(topic, lasts)
    }
    return lasts
  }
}
