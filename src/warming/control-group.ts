/**
 * A share of the updates for which nothing is warmed, so that what warming brings is a difference between two groups of
 * the same traffic. Which updates belong to it follows from the pair and its event time alone: the look-ahead, the
 * triggers and whoever counts come to the same answer without telling each other.
 */
export class ControlGroup {
  /** Of 2³². */
  readonly #below: number

  /** `share`: 0 to 1. */
  constructor(share: number) {
    this.#below = Math.round(share * 2 ** 32)
  }

  includes(pairId: number, eventTimeMs: number): boolean {
    return this.#below > 0 && hash(pairId, eventTimeMs) < this.#below
  }
}

/** Mixed as in MurmurHash3's finalizer (Appleby), so that neighbours in time fall far apart. */
function hash(pairId: number, eventTimeMs: number): number {
  let mixed = Math.imul(pairId, 0x9e3779b1) ^ ((eventTimeMs % 2 ** 32) | 0)
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
