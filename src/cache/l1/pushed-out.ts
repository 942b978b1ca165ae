/**
 * What warms cost: pairs that left to make room for one, and those of them that a demand read then missed. Many would
 * have left soon in any case; what the warm is to blame for is what is missed within its own time, when it would have
 * given the slot back. Its owner says how many demand reads there were so far, the one in hand included.
 */
export class PushedOut {
  /** Misses on pairs that had left to make room for a warm. */
  missed = 0
  /** Of these, those that came within the warm's horizon. */
  missedSoon = 0
  /** By pair: the number of the demand read after it left, as an unsigned integer of 32 bits; 0 where it did not. */
  readonly #leftAt: Uint32Array

  constructor(maxPairs: number) {
    this.#leftAt = new Uint32Array(maxPairs)
  }

  left(pairId: number, reads: number): void {
    this.#leftAt[pairId] = reads + 1
  }

  /** It is there again. */
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
