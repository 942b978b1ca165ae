/**
 * What warms cost: the pairs that were evicted to make room for one, and how many of them a demand read then missed. Many
 * would have been evicted soon in any case. A warm is to blame only for misses within its horizon, because after that it
 * would have given the slot back. The caller tells the number of demand reads so far, including the current one.
 */
export class PushedOut {
  /** Misses on pairs that had been evicted to make room for a warm. */
  missed = 0
  /** How many of these came within the warm's horizon. */
  missedSoon = 0
  /** For each pair, the number (modulo 2³²) of the first demand read after it was pushed out; 0 if it was not. */
  readonly #leftAt: Uint32Array

  constructor(maxPairs: number) {
    this.#leftAt = new Uint32Array(maxPairs)
  }

  left(pairId: number, reads: number): void {
    this.#leftAt[pairId] = reads + 1
  }

  /** The pair is resident again. */
  back(pairId: number): void {
    this.#leftAt[pairId] = 0
  }

  miss(pairId: number, reads: number, horizon: number): void {
    const leftAt = this.#leftAt[pairId] as number
    if (leftAt === 0) return
    this.#leftAt[pairId] = 0
    this.missed++
    if ((reads + 1 - leftAt) >>> 0 <= horizon) this.missedSoon++
  }
}
