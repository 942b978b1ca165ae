import { mixed } from '../pair-hash.ts'

/**
 * A share of the updates for which nothing is warmed. The effect of warming is the difference between this group and
 * the other updates of the same traffic. Whether an update belongs to it depends on its pair and event time alone, so
 * the look-ahead, the triggers and the measurement agree without talking to each other.
 */
export class ControlGroup {
  /** The share as a part of 2³². */
  #below = 0
  #share = 0

  /** `share`: 0 to 1. */
  constructor(share: number) {
    this.share = share
  }

  get share(): number {
    return this.#share
  }

  set share(share: number) {
    this.#share = share
    this.#below = Math.round(share * 2 ** 32)
  }

  includes(pairId: number, eventTimeMs: number): boolean {
    return this.#below > 0 && hash(pairId, eventTimeMs) < this.#below
  }
}

/** Event times next to each other fall far apart. */
function hash(pairId: number, eventTimeMs: number): number {
  return mixed(Math.imul(pairId, 0x9e3779b1) ^ ((eventTimeMs % 2 ** 32) | 0))
}
