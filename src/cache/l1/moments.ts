import { storeDouble } from '../sources/shared-double.ts'
import { FOLLOWS, Sources } from '../sources/sources.ts'
import type { L1Memory } from './memory.ts'

/** For each slot, the moment as of which its value is known to be the newest; FOLLOWS: the moment of its source. */
export class Moments {
  readonly sources: Sources
  readonly #moments: Float64Array
  readonly #bits: BigInt64Array

  constructor({ moments, momentBits }: Pick<L1Memory, 'moments' | 'momentBits'>, sources = new Sources()) {
    this.sources = sources
    this.#moments = moments
    this.#bits = momentBits
  }

  of(slot: number): number {
    return this.#moments[slot] as number
  }

  follows(slot: number): boolean {
    return this.#moments[slot] === FOLLOWS
  }

  set(slot: number, atMs: number): void {
    if (this.#moments[slot] !== atMs) storeDouble(this.#bits, slot, atMs)
  }

  /** Never a later moment than before. */
  lower(slot: number, atMs: number): void {
    if (atMs < (this.#moments[slot] as number)) storeDouble(this.#bits, slot, atMs)
  }

  /** Newer values may exist from now on. `source`: that of the slot's value. */
  suspend(slot: number, source: number): void {
    if (this.follows(slot)) this.set(slot, this.sources.asOf(source))
  }

  /** How many slots have a pair whose source is followed. */
  followed(pairOfSlot: Int32Array, sourceAt: (slot: number) => number): number {
    let followed = 0
    for (let slot = 0; slot < pairOfSlot.length; slot++)
      if (pairOfSlot[slot] !== 0 && this.sources.isFollowed(sourceAt(slot))) followed++
    return followed
  }
}
