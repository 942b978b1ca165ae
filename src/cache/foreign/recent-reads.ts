/** How long a pair counts as read after its last read. */
const LASTS_MS = 5_000

/** Which pairs were read lately. To note a read is one store. */
export class RecentReads {
  /** The tick of the last read + 1, by pair id. */
  readonly #reads: Uint32Array
  /** The most recent ticks, with the time of each. */
  #tick = 1
  #oldest = 1
  readonly #times = new Map<number, number>()
  readonly #now: () => number
  #last = 0
  /** After the last pair that was ever read. */
  end = 0

  /** `now`: monotonic milliseconds. */
  constructor(maxPairs: number, now: () => number) {
    this.#now = now
    this.#reads = new Uint32Array(maxPairs)
  }

  note(pairId: number): void {
    this.#reads[pairId] = this.#tick
    this.#last = this.#tick
    if (pairId >= this.end) this.end = pairId + 1
  }

  forget(pairId: number): void {
    this.#reads[pairId] = 0
  }

  /** Reads from now on are later than those before. */
  tick(): void {
    const nowMs = this.#now()
    this.#times.set(this.#tick, nowMs)
    this.#tick++
    for (const [tick, atMs] of this.#times) {
      if (atMs > nowMs - LASTS_MS) break
      this.#times.delete(tick)
      this.#oldest = tick + 1
    }
  }

  get isAny(): boolean {
    return this.#last >= this.#oldest
  }

  has(pairId: number): boolean {
    return (this.#reads[pairId] as number) >= this.#oldest
  }

  recent(): number[] {
    const pairIds: number[] = []
    for (let pairId = 0; pairId < this.end; pairId++) if (this.has(pairId)) pairIds.push(pairId)
    return pairIds
  }
}
